"""Holds on a merchant's payments: one person places them, two lift them.

A suspension holds payments as long as it lasts. Settlement asks `payment_held`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.ids import ApprovalId, MerchantId, new_id
from voucher_service.kernel.machine import IllegalTransition

from .. import onboarding_store as store
from .. import store as merchant_store
from ..accounts import HOLD, AlreadyHeld, HoldEvent, HoldId, HoldStatus, PaymentHold
from ..onboarding_tables import PaymentHoldRow
from .access import manager, require_staff
from .views import found

LIFT = "merchant.hold_lift"
HOLDS = frozenset({Role.REVIEWER, Role.FINANCE})


def payment_held(session: Session, *, merchant: MerchantId) -> bool:
    """Whether nothing may be paid to the merchant now."""
    return merchant in payments_held(session, merchants=[merchant])


def payments_held(session: Session, *, merchants: Collection[MerchantId]) -> set[MerchantId]:
    """Those of these merchants to whom nothing may be paid now."""
    return {MerchantId(one) for one in store.held_of(session, merchants)}


def holds_of(session: Session, *, merchant: MerchantId) -> list[PaymentHold]:
    """Every hold on a merchant, newest first."""
    return [_view(row) for row in store.holds(session, PaymentHoldRow.merchant_id == merchant)]


def own_holds(core: Core, *, actor: Actor) -> list[PaymentHold]:
    """What keeps the caller's merchant from being paid now, and why; for its managers.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        holds = holds_of(session, merchant=manager(session, actor))
    return [one for one in holds if one.status is HoldStatus.IN_FORCE]


def hold_payments(core: Core, *, actor: Actor, merchant: MerchantId, reason: str) -> None:
    """Hold a merchant's payments while its shops go on. Raises NotAllowed, NoSuchThing,
    AlreadyHeld.
    """
    require_staff(actor, HOLDS)
    with core.transaction() as session:
        found(merchant_store.merchant(session, merchant))
        now = core.now(session)
        placed = place(
            session, merchant=merchant, reason=reason, suspension=False, actor=actor, now=now
        )
        if not placed:
            raise AlreadyHeld


def ask_to_lift(core: Core, *, actor: Actor, hold: HoldId) -> ApprovalId:
    """Ask a second person to let the payments go on. Who placed the hold can't approve.

    A suspension's hold ends with the suspension. Raises NotAllowed, NoSuchThing,
    IllegalTransition, AlreadyProposed.
    """
    require_staff(actor, HOLDS)
    with core.transaction() as session:
        row = _stands(session, hold)
        if row.suspension:
            raise IllegalTransition(state="suspension", event=str(HoldEvent.LIFTED))
        HOLD.next(row.status, HoldEvent.LIFTED)
        return approvals.propose(
            session,
            action=LIFT,
            object_type=HOLD.name,
            object_id=row.id,
            area="",
            title=found(merchant_store.merchant(session, row.merchant_id)).name,
            payload=_frozen(row),
            maker=actor,
            now=core.now(session),
            authors={row.placed_by} if row.placed_by else (),
        )


def place(
    session: Session,
    *,
    merchant: MerchantId,
    reason: str,
    suspension: bool,
    actor: Actor,
    now: datetime,
) -> bool:
    """Place a hold with its record; False when one of its kind is in force."""
    id = new_id()
    values = {
        "id": id,
        "merchant_id": merchant,
        "reason": reason,
        "suspension": suspension,
        "status": HOLD.initial,
        "placed_by": _staff(actor),
        "since": now,
    }
    if not store.add_hold(session, values):
        return False
    audit.record(
        session,
        actor=actor,
        action="payment_hold.placed",
        object_type=HOLD.name,
        object_id=str(id),
        now=now,
        to_status=str(HOLD.initial),
        detail={"merchant": str(merchant), "reason": reason, "suspension": suspension},
    )
    return True


def end_suspension(session: Session, *, merchant: MerchantId, actor: Actor, now: datetime) -> None:
    """End the hold of a suspension that ends; another hold stays."""
    for row in store.holds(
        session,
        PaymentHoldRow.merchant_id == merchant,
        PaymentHoldRow.suspension.is_(True),
        PaymentHoldRow.status == HoldStatus.IN_FORCE,
    ):
        _end(session, row, actor, now)


def _lift(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    row = _stands(session, HoldId(UUID(payload["hold"])))
    if _frozen(row) != payload:
        raise ChangedSinceProposed
    _end(session, row, actor, now)


def _leave(_session: Session, _payload: Mapping[str, Any], _actor: Actor, _now: datetime) -> None:
    """Sent back: the payments stay held."""


def _end(session: Session, row: PaymentHoldRow, actor: Actor, now: datetime) -> None:
    audit.transition(
        session,
        PaymentHoldRow,
        id=row.id,
        current=row.status,
        lifecycle=HOLD,
        event=HoldEvent.LIFTED,
        actor=actor,
        now=now,
        set_={"until": now, "lifted_by": _staff(actor)},
    )


def _frozen(row: PaymentHoldRow) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON."""
    return {
        "hold": str(row.id),
        "merchant": str(row.merchant_id),
        "reason": row.reason,
        "since_at": row.since.isoformat(),
    }


def _stands(session: Session, hold: HoldId) -> PaymentHoldRow:
    rows = store.holds(session, PaymentHoldRow.id == hold)
    return found(rows[0] if rows else None)


def _staff(actor: Actor) -> UUID | None:
    return actor.id if actor.kind is ActorKind.STAFF else None


def _view(row: PaymentHoldRow) -> PaymentHold:
    return PaymentHold(
        id=HoldId(row.id),
        merchant_id=MerchantId(row.merchant_id),
        reason=row.reason,
        suspension=row.suspension,
        status=row.status,
        placed_by=row.placed_by,
        since=row.since,
        until=row.until,
    )


approvals.register(LIFT, execute=_lift, refuse=_leave)
