"""What faces and other features ask of campaigns and offers, and the fence around an offer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.orm import Session

from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import BudgetLine
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId, OfferId, ProgrammeId

from .. import store
from ..model import Campaign, CampaignKind, CampaignStatus, Mode, Offer, OfferStatus, Programme
from ..tables import CampaignRow, OfferRow, ProgrammeRow, ReleaseRow

_terms: dict[OfferId, Offer] = {}
_MOST_TERMS = 4_096
# Built once: every batch of claims asks it.
_FENCE = (
    select(OfferRow.epoch, OfferRow.mode, OfferRow.status, store.stopped(), func.clock_timestamp())
    .where(OfferRow.id == bindparam("offer"))
    .with_for_update(read=True, key_share=True, of=OfferRow)
)


@dataclass(frozen=True, slots=True)
class Fence:
    """What a batch of claims must find true when it is written, and the server's instant."""

    epoch: int
    mode: Mode
    status: OfferStatus
    at: datetime


def programmes(core: Core) -> list[Programme]:
    """All programmes, newest first."""
    with core.transaction() as session:
        return store.programmes(session)


def programme(session: Session, *, slug: str) -> Programme:
    """The programme of that slug. Raises NoSuchThing."""
    found = store.programmes(session, slug=slug)
    if not found:
        raise NoSuchThing
    return found[0]


def programme_by_id(session: Session, *, programme: ProgrammeId) -> Programme:
    """One programme. Raises NoSuchThing."""
    return store.programme(session, programme)


def campaigns(core: Core, *, actor: Actor, programme: str | None = None) -> list[Campaign]:
    """Campaigns of the actor's area, of one programme or all."""
    with core.transaction() as session:
        found = store.campaigns(session)
    return [
        one
        for one in found
        if areas.within(one.area, actor.area) and programme in (None, one.programme.slug)
    ]


def campaign(
    core: Core, *, actor: Actor, campaign: CampaignId
) -> tuple[Campaign, list[Offer], list[BudgetLine]]:
    """A campaign of the actor's area with its offers and its money. Raises NoSuchThing."""
    with core.transaction() as session:
        found = store.campaign(session, campaign)
        if not areas.within(found.area, actor.area):
            raise NoSuchThing
        offers = store.offers(session, OfferRow.campaign_id == campaign)
        return found, offers, budgets.lines(session, campaign=campaign)


def campaign_name(session: Session, *, campaign: CampaignId) -> str:
    """What a campaign is called. Raises NoSuchThing."""
    return store.campaign(session, campaign).name


def campaign_offers(session: Session, *, campaign: CampaignId) -> list[Offer]:
    """The offers of a campaign."""
    return store.offers(session, OfferRow.campaign_id == campaign)


def open_offers(core: Core, *, now: datetime | None = None) -> list[Offer]:
    """Published offers of vouchers that are open or will open: a resident's first page."""
    with core.transaction() as session:
        instant = now or core.now(session)
        return running_offers(session, now=instant, kind=CampaignKind.VOUCHER)


def running_offers(session: Session, *, now: datetime, kind: CampaignKind) -> list[Offer]:
    """Published offers that are open or will open, of campaigns of that kind."""
    return store.offers(
        session,
        OfferRow.status == OfferStatus.OPEN,
        CampaignRow.status == CampaignStatus.PUBLISHED,
        CampaignRow.kind == kind,
        ~store.stopped(),
        exists().where(ReleaseRow.offer_id == OfferRow.id, ReleaseRow.closes_at > now),
    )


def closed_offers(session: Session, *, kind: CampaignKind) -> list[Offer]:
    """Offers that were closed, of campaigns of that kind."""
    return store.offers(session, OfferRow.status == OfferStatus.CLOSED, CampaignRow.kind == kind)


def offer(session: Session, *, offer: OfferId) -> Offer:
    """One offer. Raises NoSuchThing."""
    return store.offer(session, offer)


def is_synthetic(session: Session, *, offer: OfferId) -> bool:
    """Whether an offer belongs to a replayed programme."""
    found = (
        select(ProgrammeRow.synthetic)
        .join(CampaignRow, CampaignRow.programme_id == ProgrammeRow.id)
        .join(OfferRow, OfferRow.campaign_id == CampaignRow.id)
    )
    return bool(session.scalars(found.where(OfferRow.id == offer)).one_or_none())


def offer_ids(session: Session, *, programme: str | None = None) -> list[OfferId]:
    """The offers of one programme, or of every programme that lives on the servers' clock.

    A synthetic programme lives on the clock of its replay: the servers' clock must not judge it.
    """
    which = ~ProgrammeRow.synthetic if programme is None else ProgrammeRow.slug == programme
    found = session.scalars(
        select(OfferRow.id)
        .join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
        .join(ProgrammeRow, ProgrammeRow.id == CampaignRow.programme_id)
        .where(which, OfferRow.status != OfferStatus.DRAFT)
    )
    return [OfferId(one) for one in found]


def offers_of_area(session: Session, *, area: str) -> list[OfferId]:
    """The offers that an area issues, or an area in it."""
    inside = CampaignRow.area.startswith(areas.stem(area), autoescape=True)
    joined = select(OfferRow.id).join(CampaignRow, CampaignRow.id == OfferRow.campaign_id)
    return [OfferId(one) for one in session.scalars(joined.where(inside))]


def terms(session: Session, *, offers: Collection[OfferId]) -> dict[OfferId, Offer]:
    """Offers for what never changes once they are published: their terms, not status or epoch.

    Remembered by the process, since every till and every wallet asks for them.
    """
    # Taken out first: what is remembered may be dropped meanwhile, here or by another thread.
    found = {one: known for one in offers if (known := _terms.get(one))}
    missing = [one for one in offers if one not in found]
    if missing:
        read = {one.id: one for one in store.offers(session, OfferRow.id.in_(missing))}
        if len(_terms) > _MOST_TERMS:
            _terms.clear()
        _terms.update({id: one for id, one in read.items() if one.status is not OfferStatus.DRAFT})
        found |= read
    return {one: found[one] for one in offers}


def fence(session: Session, *, offer: OfferId, alone: bool = False) -> Fence:
    """The fence, share-locked until the transaction ends.

    A rebuild waits for this batch, or this batch sees the rebuild's epoch; a plain read would let a
    stale batch commit. `alone` keeps out whoever else wants it alone, and nobody who shares it.
    Raises NoSuchThing.
    """
    if alone:
        # Waits for its turn first: the next statement then sees what was stopped meanwhile.
        turn = select(OfferRow.id).where(OfferRow.id == offer)
        session.execute(turn.with_for_update(key_share=True))
    row = session.execute(_FENCE, {"offer": offer}).one_or_none()
    if row is None:
        raise NoSuchThing
    epoch, mode, status, stopped, at = row
    return Fence(epoch, mode, store.status_now(status, stopped=stopped), at)


def raise_epoch(session: Session, offer: OfferId, *, mode: Mode | None = None) -> int:
    """Fence off everything under way: waits for open batches, and later ones see the new epoch.

    The explicit FOR UPDATE matters: an UPDATE of these columns alone doesn't wait for share locks.
    """
    session.execute(select(OfferRow.id).where(OfferRow.id == offer).with_for_update())
    values = {"epoch": OfferRow.epoch + 1} | ({"mode": mode} if mode else {})
    epoch = session.execute(
        update(OfferRow).where(OfferRow.id == offer).values(values).returning(OfferRow.epoch)
    ).scalar_one_or_none()
    if epoch is None:
        raise NoSuchThing
    return int(epoch)


def set_run_id(session: Session, offer: OfferId, *, run_id: str) -> None:
    """Remember which run of the gate's server was filled."""
    session.execute(
        update(OfferRow).where(OfferRow.id == UUID(str(offer))).values(gate_run_id=run_id)
    )
