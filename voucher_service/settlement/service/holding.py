"""Holds on single redemptions: placed and ended by whoever finds something; batches ask."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import RedemptionId, new_id

from ..model import Hold, HoldReason, PaymentId
from ..tables import SettlementHoldRow, SettlementPaymentRow

_OBJECT = "redemption"
_IN_FORCE = SettlementHoldRow.until.is_(None)


def hold(
    session: Session, *, redemption: RedemptionId, reason: HoldReason, by: Actor, now: datetime
) -> bool:
    """Keep a redemption out of every batch that is not sent yet; False when it is held so already.

    One that was paid stays paid.
    """
    values = {
        "id": new_id(),
        "redemption_id": redemption,
        "reason": reason,
        "placed_by": by.name,
        "since": now,
    }
    statement = insert(SettlementHoldRow).values(values).on_conflict_do_nothing()
    if session.execute(statement.returning(SettlementHoldRow.id)).first() is None:
        return False
    _record(session, "settlement_hold.placed", redemption, reason, by, now)
    return True


def release_hold(
    session: Session, *, redemption: RedemptionId, reason: HoldReason, by: Actor, now: datetime
) -> bool:
    """End a hold; False when none stands for this reason. The next batch pays what nothing else
    holds.
    """
    ended = session.execute(
        update(SettlementHoldRow)
        .where(
            SettlementHoldRow.redemption_id == redemption,
            SettlementHoldRow.reason == reason,
            _IN_FORCE,
        )
        .values(until=now)
        .returning(SettlementHoldRow.id)
    )
    if ended.first() is None:
        return False
    _record(session, "settlement_hold.ended", redemption, reason, by, now)
    return True


def hold_payment(session: Session, *, payment: PaymentId, by: Actor, now: datetime) -> bool:
    """Let no other payment follow one that the bank sent back; False when it waits already."""
    return _wait(session, payment, by, now, waits=True)


def release_payment(session: Session, *, payment: PaymentId, by: Actor, now: datetime) -> bool:
    """Let another payment follow it; False when it does not wait."""
    return _wait(session, payment, by, now, waits=False)


def holds(
    session: Session, *, redemptions: Collection[RedemptionId]
) -> dict[RedemptionId, list[Hold]]:
    """The holds in force on these redemptions, oldest first."""
    rows = session.scalars(
        select(SettlementHoldRow)
        .where(SettlementHoldRow.redemption_id.in_(redemptions), _IN_FORCE)
        .order_by(SettlementHoldRow.since)
    )
    found: dict[RedemptionId, list[Hold]] = {}
    for row in rows:
        id = RedemptionId(row.redemption_id)
        found.setdefault(id, []).append(Hold(id, row.reason, row.placed_by, row.since, row.until))
    return found


def all_held(session: Session) -> dict[RedemptionId, HoldReason]:
    """Every redemption that is held, and one reason: few, beside what is paid."""
    rows = session.execute(
        select(SettlementHoldRow.redemption_id, SettlementHoldRow.reason).where(_IN_FORCE)
    )
    return {RedemptionId(id): reason for id, reason in rows}


def _wait(session: Session, id: PaymentId, by: Actor, now: datetime, *, waits: bool) -> bool:
    changed = session.execute(
        update(SettlementPaymentRow)
        .where(SettlementPaymentRow.id == id, SettlementPaymentRow.retry_waits != waits)
        .values(retry_waits=waits)
        .returning(SettlementPaymentRow.id)
    )
    if changed.first() is None:
        return False
    audit.record(
        session,
        actor=by,
        action="settlement_payment.held" if waits else "settlement_payment.let_go",
        object_type="settlement_payment",
        object_id=str(id),
        now=now,
    )
    return True


def _record(
    session: Session,
    action: str,
    redemption: RedemptionId,
    reason: HoldReason,
    by: Actor,
    now: datetime,
) -> None:
    audit.record(
        session,
        actor=by,
        action=action,
        object_type=_OBJECT,
        object_id=str(redemption),
        now=now,
        detail={"reason": str(reason)},
    )
