"""Expiry: vouchers past their last day, in sets; their slots flow back where the offer says so."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from voucher_service.allocation import upkeep
from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferStatus
from voucher_service.infra.core import Core
from voucher_service.infra.database import MoneyFen
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import OfferId, new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code

from ..model import LIFECYCLE, Event, Status
from ..tables import VoucherRow
from . import write


def expire_due(core: Core, *, programme: str | None = None, most: int = 5_000) -> int:
    """Expire vouchers whose last day is over, up to `most` of one offer; call until it returns 0.

    Without a programme: of all that live on the servers' clock. Returns how many expired.
    """
    with core.transaction() as session:
        now = core.now(session)
        mine = campaigns.offer_ids(session, programme=programme)
        offer_id = session.scalars(
            select(VoucherRow.offer_id)
            .where(
                VoucherRow.status == Status.CLAIMED,
                VoucherRow.valid_until <= now,
                VoucherRow.offer_id.in_(mine),
            )
            .order_by(VoucherRow.valid_until)
            .limit(1)
        ).one_or_none()
        if offer_id is None:
            return 0
        ids = session.scalars(
            select(VoucherRow.id)
            .where(
                VoucherRow.offer_id == offer_id,
                VoucherRow.status == Status.CLAIMED,
                VoucherRow.valid_until <= now,
            )
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()
        return _expire(session, OfferId(offer_id), list(ids), now)


def _expire(session: Session, offer_id: OfferId, ids: list[UUID], now: datetime) -> int:
    offer = campaigns.offer(session, offer=offer_id)
    flows_back = _flows_back(offer, now)
    batch = str(new_id())
    moved = audit.transition_where(
        session,
        VoucherRow,
        where=[VoucherRow.id.in_(ids)],
        current=Status.CLAIMED,
        lifecycle=LIFECYCLE,
        event=Event.EXPIRED,
        actor=SYSTEM,
        now=now,
        batch=batch,
        named=True,
        # Who spent a part keeps the slot: its money is gone, so nobody else can claim it.
        set_={"holds_slot": VoucherRow.spent_fen > ZERO} if flows_back else None,
    )
    if not moved:
        return 0
    ledger.post(
        session,
        code=Code.CLAIM_UNDONE,
        key=batch,
        legs=write.lapsed(offer, _unspent(session, moved)),
        now=now,
    )
    if flows_back:
        upkeep.refill_later(session, offer=offer.id)
    elif offer.status is OfferStatus.CLOSED:
        campaigns.free_unspent(session, campaign=offer.campaign_id, now=now)
    return len(moved)


def _unspent(session: Session, vouchers: list[UUID]) -> Money:
    """What is left of these vouchers together."""
    left = func.sum(VoucherRow.face_value_fen - VoucherRow.spent_fen, type_=MoneyFen)
    found = session.execute(select(left).where(VoucherRow.id.in_(vouchers))).scalar_one()
    assert isinstance(found, Money)
    return found


def _flows_back(offer: Offer, now: datetime) -> bool:
    """Whether a lapsed slot can be claimed again: the offer says so and a release isn't over."""
    return (
        offer.lapse_returns
        and offer.status in (OfferStatus.OPEN, OfferStatus.PAUSED)
        and any(one.closes_at > now for one in offer.releases)
    )
