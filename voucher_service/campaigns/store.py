"""Reads of programmes, campaigns and offers; decides nothing."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId, ReleaseId

from .model import Campaign, Offer, Programme, Release
from .tables import CampaignRow, OfferRow, ProgrammeRow, ReleaseRow


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
    """Offers that match, with their releases."""
    statement = (
        select(OfferRow, CampaignRow, ProgrammeRow)
        .join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
        .join(ProgrammeRow, ProgrammeRow.id == CampaignRow.programme_id)
        .where(*where)
        .order_by(OfferRow.id)
        .execution_options(populate_existing=True)
    )
    rows = session.execute(statement).all()
    slices: dict[UUID, list[Release]] = {row[0].id: [] for row in rows}
    for one in session.scalars(
        select(ReleaseRow)
        .where(ReleaseRow.offer_id.in_(slices))
        .order_by(ReleaseRow.opens_at, ReleaseRow.position)
    ):
        slices[one.offer_id].append(
            Release(ReleaseId(one.id), one.opens_at, one.closes_at, one.quota)
        )
    return [_offer(row, tuple(slices[row[0].id])) for row in rows]


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
    )


def _offer(row: tuple[OfferRow, CampaignRow, ProgrammeRow], releases: tuple[Release, ...]) -> Offer:
    offer, campaign, programme = row
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
        status=offer.status,
        epoch=offer.epoch,
        mode=offer.mode,
        gate_run_id=offer.gate_run_id,
        releases=releases,
    )
