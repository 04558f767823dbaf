"""A voucher that is given up after its order went back: its slot can be claimed again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.allocation import upkeep
from voucher_service.audit import service as audit
from voucher_service.campaigns.model import OfferStatus
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import VoucherId
from voucher_service.kernel.money import ZERO
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code

from .. import store
from ..model import LIFECYCLE, Event, Voucher
from ..tables import VoucherRow
from . import write


def locked(session: Session, *, voucher: VoucherId) -> Voucher:
    """A voucher, which nobody else changes until the transaction ends."""
    session.execute(select(VoucherRow.id).where(VoucherRow.id == voucher).with_for_update())
    (found,) = store.vouchers(session, VoucherRow.id == voucher)
    return found


def spans(
    session: Session, *, vouchers: Collection[VoucherId]
) -> dict[VoucherId, tuple[datetime, datetime]]:
    """From when until when these vouchers can be spent."""
    rows = session.execute(
        select(VoucherRow.id, VoucherRow.valid_from, VoucherRow.valid_until).where(
            VoucherRow.id.in_(vouchers)
        )
    )
    return {VoucherId(id): (valid_from, valid_until) for id, valid_from, valid_until in rows}


def give_up(session: Session, *, voucher: Voucher, actor: Actor, now: datetime) -> None:
    """Return a locked voucher none of which is spent: the claim is undone, its slot and its
    holder's limit are free, and what could be claimed of the offer before can be claimed anew.

    The voucher's whole value stands as outstanding when this is called.
    """
    offer = voucher.offer
    audit.transition(
        session,
        VoucherRow,
        id=voucher.id,
        current=voucher.status,
        lifecycle=LIFECYCLE,
        event=Event.RETURNED,
        actor=actor,
        now=now,
        set_={"spent_fen": ZERO, "holds_slot": False},
    )
    ledger.post(
        session,
        code=Code.CLAIM_UNDONE,
        key=str(voucher.id),
        legs=write.lapsed(offer, voucher.face_value),
        now=now,
    )
    claimable = offer.status in (OfferStatus.OPEN, OfferStatus.PAUSED)
    if claimable and any(one.closes_at > now for one in offer.releases):
        upkeep.refill_later(session, offer=offer.id)
