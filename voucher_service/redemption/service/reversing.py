"""Undo an order whose reply was lost: as if nothing had happened, or a tombstone if nothing had."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import OfferStatus
from voucher_service.infra import idempotency
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import InProgress, Outcome, hash_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import OfferId, RedemptionId, ShopId, VoucherId, new_id
from voucher_service.kernel.money import ZERO
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Leg, Stage, move, pool
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Till
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status as VoucherStatus

from .. import store
from ..model import LIFECYCLE, Event, Phase, Redemption, ReversalTooLate, Status, Tombstone
from ..tables import RedemptionRow
from . import selling
from .lapsing import end, lapse
from .redeeming import free_unused, legs, unused
from .standing import cashier_of


def reverse(
    core: Core, *, actor: Actor, reference: str, reason: str, key: str
) -> Outcome[Redemption | Tombstone]:
    """Undo an order of this shop by its reference.

    Committed: reversed, and the voucher or qualification lives again whatever the refund rule says.
    Frozen: cancelled. Unknown: a tombstone, so that the order is refused should it still come. What
    ended before is answered as it stands. Once more gives the same answer.

    Raises ReversalTooLate after `till.reversal_minutes`, a refund or a settlement; KeyReused;
    InProgress when the order is just coming in.
    """
    with core.transaction() as session:
        now = core.now(session)
        till = merchants.till(session, cashier=cashier_of(actor))
        body = {"reverse": reference}
        idempotency.once(
            session, scope=f"till:{till.shop_id}", key=key, body=body, result=till.shop_id
        )
        row = _row(session, till, reference)
        if row is None and _bury(session, actor, till, reference, reason, key, now):
            buried = _row(session, till, reference)
            assert buried is not None
            return Outcome(store.tombstone_of(buried))
        row = row or _row(session, till, reference)
        if row is None:
            raise InProgress(retry_after_seconds=1)  # the key of this call is another order's
        if row.status is Status.REFUSED:
            return Outcome(store.tombstone_of(row), replayed=True)
        replayed = row.status not in (Status.FROZEN, Status.COMMITTED)
        if row.status is Status.COMMITTED:
            _reverse(core, session, actor, row, reason, now)
        elif row.status is Status.FROZEN and not lapse(core, session, RedemptionId(row.id), now):
            id = RedemptionId(row.id)
            end(session, id, Event.CANCELLED, actor=actor, now=now, reason=reason)
        (done,) = store.redemptions(session, RedemptionRow.id == row.id)
        return Outcome(done, replayed=replayed)


def _reverse(
    core: Core, session: Session, actor: Actor, row: RedemptionRow, reason: str, now: datetime
) -> None:
    minutes = timedelta(minutes=core.settings.till.reversal_minutes)
    if now > row.occurred_at + minutes or row.phase is not Phase.NONE or row.refunded_fen != ZERO:
        raise ReversalTooLate
    if row.voucher_id is None:
        _leave(session, actor, row, reason, now)
        selling.undo(session, row, actor, now)
    else:
        _reverse_voucher(session, actor, row, reason, now)


def _reverse_voucher(
    session: Session, actor: Actor, row: RedemptionRow, reason: str, now: datetime
) -> None:
    assert row.voucher_id and row.offer_id and row.discount_fen is not None
    offer = campaigns.offer(session, offer=OfferId(row.offer_id))
    voucher = vouchers.by_ids(session, ids=[VoucherId(row.voucher_id)])[VoucherId(row.voucher_id)]
    rest = unused(voucher, row.discount_fen)
    if rest and offer.status is OfferStatus.CLOSED:
        raise ReversalTooLate  # what the voucher left over went home with the campaign
    _leave(session, actor, row, reason, now)
    before = vouchers.revive(
        session, voucher=voucher.id, amount=row.discount_fen, actor=actor, now=now
    )
    shop = merchants.load_shop(session, shop=ShopId(row.shop_id))
    undone = [
        Leg(leg.account, -leg.amount) for leg in legs(offer, row.discount_fen, rest, shop.area)
    ]
    ledger.post(session, code=Code.REVERSED, key=str(row.id), legs=undone, now=now)
    if before.status is VoucherStatus.EXPIRED:
        # What it was not spent of went back when it expired; this part follows.
        outstanding, reserved = pool(offer.id, Stage.OUTSTANDING), pool(offer.id, Stage.RESERVED)
        lapsed = move(row.discount_fen, outstanding, reserved)
        ledger.post(session, code=Code.CLAIM_UNDONE, key=f"reversed:{row.id}", legs=lapsed, now=now)
        free_unused(session, {offer.id: row.discount_fen}, now)


def _leave(session: Session, actor: Actor, row: RedemptionRow, reason: str, now: datetime) -> None:
    audit.transition(
        session,
        RedemptionRow,
        id=row.id,
        current=Status.COMMITTED,
        lifecycle=LIFECYCLE,
        event=Event.REVERSED,
        actor=actor,
        now=now,
        also=[RedemptionRow.phase == Phase.NONE, RedemptionRow.refunded_fen == ZERO],
        set_={"reason": reason},
        detail={"reason": reason},
    )


def _bury(
    session: Session,
    actor: Actor,
    till: Till,
    reference: str,
    reason: str,
    key: str,
    now: datetime,
) -> bool:
    """Write the tombstone; False when the order or another call with the key came first."""
    id = new_id()
    empty = dict.fromkeys(one.name for one in RedemptionRow.__table__.columns)
    row = empty | {
        "id": id,
        "merchant_id": till.merchant_id,
        "shop_id": till.shop_id,
        "cashier_id": till.cashier_id,
        "order_reference": reference,
        "key_hash": hash_of(f"reverse\0{key}"),
        "body_hash": b"",
        "reason": reason,
        "status": Status.REFUSED,
        "phase": Phase.NONE,
        "occurred_at": now,
        "source": "api",
        "outside_hours": False,
    }
    if not store.insert_new(session, [row]):
        return False
    audit.record(
        session,
        actor=actor,
        action="redemption.refused",
        object_type=LIFECYCLE.name,
        object_id=str(id),
        now=now,
        to_status=str(Status.REFUSED),
        detail={"reason": reason},
    )
    return True


def _row(session: Session, till: Till, reference: str) -> RedemptionRow | None:
    return store.row(
        session,
        RedemptionRow.shop_id == till.shop_id,
        RedemptionRow.order_reference == reference,
        lock=True,
    )
