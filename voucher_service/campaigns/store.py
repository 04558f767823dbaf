"""Reads of programmes, campaigns and offers; decides nothing."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, aliased

from voucher_service.budgets.model import BudgetId
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId, ReleaseId, ShopId, new_id
from voucher_service.stops import service as stops
from voucher_service.stops.model import What

from . import canary
from .canary import Canary, CanaryId, Finding, Signal
from .model import (
    Campaign,
    CampaignStatus,
    GoodsClass,
    Offer,
    OfferStatus,
    Programme,
    Release,
)
from .plans import windows
from .tables import CampaignRow, CanaryRow, OfferRow, ProgrammeRow, ReleaseRow


def programme_of(row: ProgrammeRow) -> Programme:
    """The view of a programme's row."""
    return Programme(
        ProgrammeId(row.id),
        row.slug,
        row.name,
        row.name_en,
        row.brand,
        row.opens_on,
        row.closes_on,
        row.synthetic,
    )


def programmes(session: Session, *, slug: str | None = None) -> list[Programme]:
    """All programmes, newest first, or the one of that slug."""
    statement = select(ProgrammeRow).order_by(ProgrammeRow.opens_on.desc(), ProgrammeRow.slug)
    if slug is not None:
        statement = statement.where(ProgrammeRow.slug == slug)
    return [programme_of(row) for row in session.scalars(statement)]


def programme(session: Session, id: UUID) -> Programme:
    """One programme. Raises NoSuchThing."""
    row = session.get(ProgrammeRow, id)
    if row is None:
        raise NoSuchThing
    return programme_of(row)


def campaigns(session: Session, *where: ColumnElement[bool]) -> list[Campaign]:
    """Campaigns that match, by their first day."""
    statement = (
        select(CampaignRow, ProgrammeRow)
        .join(ProgrammeRow, ProgrammeRow.id == CampaignRow.programme_id)
        .where(*where)
        .order_by(CampaignRow.opens_on, CampaignRow.id)
        .execution_options(populate_existing=True)
    )
    return [_campaign(row, programme) for row, programme in session.execute(statement)]


def campaign(session: Session, id: CampaignId, *, lock: bool = False) -> Campaign:
    """One campaign. Raises NoSuchThing."""
    if lock:
        session.execute(select(CampaignRow.id).where(CampaignRow.id == id).with_for_update())
    found = campaigns(session, CampaignRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def offers(session: Session, *where: ColumnElement[bool]) -> list[Offer]:
    """Offers that match, with their releases; an open one whose claims are stopped is paused."""
    statement = (
        select(OfferRow, CampaignRow, ProgrammeRow, stopped())
        .join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
        .join(ProgrammeRow, ProgrammeRow.id == CampaignRow.programme_id)
        .where(*where)
        .order_by(OfferRow.id)
        .execution_options(populate_existing=True)
    )
    rows = session.execute(statement).all()
    slices: dict[UUID, list[Release]] = {row[0].id: [] for row in rows}
    for one, held in session.execute(
        select(ReleaseRow, CanaryRow.id.is_not(None))
        .outerjoin(
            CanaryRow,
            (CanaryRow.rest_id == ReleaseRow.id) & (CanaryRow.status != canary.Status.PASSED),
        )
        .where(ReleaseRow.offer_id.in_(slices))
        .order_by(ReleaseRow.opens_at, ReleaseRow.position)
    ):
        slices[one.offer_id].append(
            Release(ReleaseId(one.id), one.opens_at, one.closes_at, one.quota, held)
        )
    return [_offer(row, tuple(slices[row[0].id])) for row in rows]


@cache
def stopped() -> ColumnElement[bool]:
    """Whether the claims of an offer are stopped, in a statement that reads offers.

    Made once, so that the statements it is a part of are compiled once.
    """
    owner = aliased(CampaignRow)
    programme = select(owner.programme_id).where(owner.id == OfferRow.campaign_id)
    its = programme.correlate(OfferRow).scalar_subquery()
    return stops.stopped(What.CLAIMS, OfferRow.campaign_id, its)


def status_now(status: OfferStatus, *, stopped: bool) -> OfferStatus:
    """Where an offer stands: an open one is paused while a stop reaches it."""
    return OfferStatus.PAUSED if stopped and status is OfferStatus.OPEN else status


def canaries(session: Session, *where: ColumnElement[bool]) -> list[Canary]:
    """Canaries that match."""
    rows = session.scalars(
        select(CanaryRow)
        .where(*where)
        .order_by(CanaryRow.id)
        .execution_options(populate_existing=True)
    )
    return [
        Canary(
            CanaryId(row.id),
            OfferId(row.offer_id),
            row.quota,
            row.seconds,
            row.status,
            row.started_at,
            row.judged_at,
            tuple(
                Finding(Signal(one["signal"]), one["seen_bps"], one["most_bps"])
                for one in row.findings
            ),
        )
        for row in rows
    ]


def add_canary(session: Session, offer: OfferId, *, rest: UUID, quota: int, seconds: int) -> None:
    """Insert the canary of an offer; `rest` is the release that it keeps shut."""
    session.add(
        CanaryRow(
            id=new_id(),
            offer_id=offer,
            rest_id=rest,
            quota=quota,
            seconds=seconds,
            status=canary.LIFECYCLE.initial,
            findings=[],
        )
    )
    session.flush()


def of_campaign(campaign: CampaignId) -> ColumnElement[bool]:
    """The canaries of a campaign's offers."""
    return CanaryRow.offer_id.in_(select(OfferRow.id).where(OfferRow.campaign_id == campaign))


def of_offer(offer: OfferId) -> ColumnElement[bool]:
    """The canary of an offer."""
    return CanaryRow.offer_id == offer


def begun(now: datetime) -> ColumnElement[bool]:
    """Canaries that are under way, of campaigns that are running."""
    running = (
        select(OfferRow.id)
        .join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
        .where(
            CampaignRow.status == CampaignStatus.PUBLISHED,
            OfferRow.status == OfferStatus.OPEN,
            ~stopped(),
        )
    )
    waiting = CanaryRow.status == canary.Status.WAITING
    return waiting & (CanaryRow.started_at <= now) & CanaryRow.offer_id.in_(running)


def start_canaries(session: Session, campaign: CampaignId, now: datetime) -> None:
    """Let the canaries of a campaign begin when their slices open, or now if they are open."""
    slice_ = (
        select(ReleaseRow.opens_at)
        .where(ReleaseRow.offer_id == CanaryRow.offer_id)
        .order_by(ReleaseRow.position)
        .limit(1)
        .scalar_subquery()
    )
    session.execute(
        update(CanaryRow)
        .where(of_campaign(campaign))
        .values(started_at=func.greatest(slice_, now))
        .execution_options(synchronize_session=False)
    )


def closed_with_shop_areas(session: Session, programme: ProgrammeId) -> list[CampaignId]:
    """Closed campaigns of a programme whose redemptions at some shops are kept apart."""
    found = session.scalars(
        select(OfferRow.campaign_id)
        .join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
        .where(
            CampaignRow.programme_id == programme,
            CampaignRow.status == CampaignStatus.CLOSED,
            func.cardinality(OfferRow.shop_areas) > 0,
        )
        .distinct()
    )
    return [CampaignId(one) for one in found]


def set_shop_areas(session: Session, campaign: CampaignId, areas: list[str]) -> None:
    """Keep the redemptions at shops of these areas apart, for all offers of a draft."""
    session.execute(
        update(OfferRow).where(OfferRow.campaign_id == campaign).values(shop_areas=areas)
    )


def offer(session: Session, id: OfferId) -> Offer:
    """One offer. Raises NoSuchThing."""
    found = offers(session, OfferRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def _campaign(row: CampaignRow, programme: ProgrammeRow) -> Campaign:
    return Campaign(
        CampaignId(row.id),
        programme_of(programme),
        row.name,
        row.kind,
        row.area,
        row.opens_on,
        row.closes_on,
        row.status,
        None if row.budget_id is None else BudgetId(row.budget_id),
    )


def _offer(
    row: tuple[OfferRow, CampaignRow, ProgrammeRow, bool], releases: tuple[Release, ...]
) -> Offer:
    offer, campaign, programme, is_stopped = row
    return Offer(
        id=OfferId(offer.id),
        campaign_id=CampaignId(offer.campaign_id),
        campaign_name=campaign.name,
        programme_id=ProgrammeId(programme.id),
        brand=programme.brand,
        issuing_area=campaign.area,
        slug=offer.slug,
        title=offer.title,
        kind=offer.kind,
        face_value=offer.face_value_fen,
        threshold=offer.threshold_fen,
        quota=offer.quota,
        per_resident_limit=offer.per_resident_limit,
        valid_days=offer.valid_days,
        areas=tuple(offer.areas),
        trades=tuple(offer.trades),
        lapse_returns=offer.lapse_returns,
        waiting_room=offer.waiting_room,
        proof_of_work=offer.proof_of_work,
        status=status_now(offer.status, stopped=is_stopped),
        epoch=offer.epoch,
        mode=offer.mode,
        gate_run_id=offer.gate_run_id,
        releases=releases,
        shop_areas=tuple(offer.shop_areas),
        rate_bps=offer.rate_bps,
        pieces=offer.pieces,
        shops=tuple(ShopId(one) for one in offer.shops),
        hours=tuple(windows(offer.hours)),
        weekdays=tuple(offer.weekdays),
        excluded_items=tuple(GoodsClass(one) for one in offer.excluded_items),
        stack_limit=offer.stack_limit,
        refund_rule=offer.refund_rule,
        partial_refund=offer.partial_refund,
        paper=offer.paper,
        issues=campaign.kind,
    )
