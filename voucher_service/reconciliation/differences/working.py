"""Work a difference: take it over, comment on it, explain it, propose what closes it.

What holds money back is closed by two people. A correction is a refund by the office: new entries
in the ledger and never a change of old ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, RedemptionId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.redemption import service as redemptions

from . import holding, store
from .model import (
    LIFECYCLE,
    CorrectionNeeded,
    Difference,
    DifferenceId,
    Event,
    NothingToCorrect,
    OurSide,
    Status,
)
from .tables import DifferenceRow

CORRECT, ACCEPT = "difference.correct", "difference.accept"


def comment(core: Core, *, actor: Actor, difference: DifferenceId, text: str) -> None:
    """Say something about a difference. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        now = core.now(session)
        found = locked(session, actor, difference)
        _say(session, found, "difference.commented", text, actor, now)


def take_over(core: Core, *, actor: Actor, difference: DifferenceId) -> None:
    """Look after a difference from now on. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        now = core.now(session)
        found = locked(session, actor, difference)
        assert actor.id is not None
        store.set_owner(session, found.id, actor.id)
        _say(session, found, "difference.taken_over", "", actor, now)


def explain(core: Core, *, actor: Actor, difference: DifferenceId, text: str) -> None:
    """Close a difference that holds no money back, with the reason.

    Raises NotAllowed, NoSuchThing, CorrectionNeeded, IllegalTransition, OvertakenByAnother.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = locked(session, actor, difference)
        if found.holds:
            raise CorrectionNeeded
        _move(session, found, Event.EXPLAINED, actor, now, {"closed_at": now})
        _say(session, found, str(Event.EXPLAINED), text, actor, now)


def propose(
    core: Core, *, actor: Actor, difference: DifferenceId, amount: Money | None, reason: str
) -> ApprovalId:
    """Ask a second person to correct a difference, by giving back `amount` of the order, or, with
    no amount, to accept our books as they are.

    Raises NotAllowed, NoSuchThing, NothingToCorrect, AlreadyProposed, IllegalTransition,
    OvertakenByAnother, NothingToRefund, RefundExceedsOrder.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = locked(session, actor, difference)
        payload = _frozen(session, found, amount, reason, now)
        _move(session, found, Event.PROPOSED, actor, now, {"correction_fen": amount})
        _say(session, found, str(Event.PROPOSED), reason, actor, now)
        return approvals.propose(
            session,
            action=ACCEPT if amount is None else CORRECT,
            object_type=LIFECYCLE.name,
            object_id=found.id,
            area=found.area,
            title=found.line.reference,
            payload=payload,
            maker=actor,
            now=now,
            amount=Money(payload["subsidy_fen"]),
        )


def locked(session: Session, actor: Actor, difference: DifferenceId) -> Difference:
    """A difference for finance of its area to change. Raises NotAllowed, NoSuchThing."""
    if actor.kind is not ActorKind.STAFF or not actor.has(Role.FINANCE):
        raise NotAllowed
    found = store.differences(session, DifferenceRow.id == difference, lock=True)
    if not found or not areas.within(found[0].area, actor.area):
        raise NoSuchThing
    return found[0]


def _frozen(
    session: Session, found: Difference, amount: Money | None, reason: str, now: datetime
) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON. `subsidy_fen`: what comes back of the
    subsidy, or is let go as it is: of a payment, all of it.
    """
    ours, theirs = found.line.ours, found.line.theirs
    if amount is None:
        subsidy = _let_go(ours) if ours and found.holds else ZERO
    elif ours is None or ours.redemption_id is None:
        raise NothingToCorrect
    else:
        subsidy = Money.total(
            redemptions.subsidy_in(session, redemption=order, amount=part, now=now)
            for order, part in _parts(session, found, amount)
        )
    return {
        "difference": str(found.id),
        "file": str(found.file_id),
        "reference": found.line.reference,
        "finding": str(found.line.finding),
        "redemption": str(ours.redemption_id) if ours and ours.redemption_id else None,
        "ours_fen": ours.paid.fen if ours else None,
        "theirs_fen": theirs.paid.fen if theirs and theirs.paid else None,
        "amount_fen": None if amount is None else amount.fen,
        "subsidy_fen": subsidy.fen,
        "reason": reason,
    }


def _let_go(ours: OurSide) -> Money:
    return ours.paid if ours.payment_id else ours.discount


def _parts(session: Session, found: Difference, amount: Money) -> list[tuple[RedemptionId, Money]]:
    """What of each order is given back: the first ones of a ticket as far as they go. What can't be
    given back, as it is nothing or more than all of them, is left to the last one to refuse.
    """
    *some, (last, _) = store.orders(session, [found.id]).items()
    parts: list[tuple[RedemptionId, Money]] = []
    for order, left in some:
        part = min(amount, left)
        if part > ZERO:
            parts.append((order, part))
            amount -= part
    return parts if parts and amount == ZERO else [*parts, (last, amount)]


def _correct(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = _proposed(session, payload, now)
    assert found.line.ours is not None and found.correction is not None
    made = [
        redemptions.correct(
            session,
            redemption=order,
            amount=part,
            reason=payload["reason"],
            key=f"difference:{found.id}:{order}",
            actor=actor,
            now=now,
        )
        for order, part in _parts(session, found, found.correction)
    ]
    store.add_refunds(session, found.id, [one.id for one in made])
    _close(session, found, Event.CORRECTED, actor, now)


def _accept(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    _close(session, _proposed(session, payload, now), Event.ACCEPTED, actor, now)


def _send_back(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = _by_id(session, payload)
    if found.status is Status.PROPOSED:
        _move(session, found, Event.SENT_BACK, actor, now, {"correction_fen": None})
        _say(session, found, str(Event.SENT_BACK), "", actor, now)


def _proposed(session: Session, payload: Mapping[str, Any], now: datetime) -> Difference:
    found = _by_id(session, payload)
    stands = _frozen(session, found, found.correction, payload["reason"], now)
    if found.status is not Status.PROPOSED or stands != payload:
        raise ChangedSinceProposed
    return found


def _by_id(session: Session, payload: Mapping[str, Any]) -> Difference:
    id = UUID(payload["difference"])
    (found,) = store.differences(session, DifferenceRow.id == id, lock=True)
    return found


def _close(session: Session, found: Difference, event: Event, actor: Actor, now: datetime) -> None:
    _move(session, found, event, actor, now, {"closed_at": now})
    _say(session, found, str(event), "", actor, now)
    holding.let_go(session, [found.id] if found.holds else [], by=actor, now=now)


def _move(
    session: Session,
    found: Difference,
    event: Event,
    actor: Actor,
    now: datetime,
    set_: Mapping[str, Any],
) -> None:
    audit.transition(
        session,
        DifferenceRow,
        id=found.id,
        current=found.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_=set_,
    )


def _say(
    session: Session, found: Difference, event: str, text: str, actor: Actor, now: datetime
) -> None:
    words = {
        "difference_id": found.id,
        "by_staff": actor.id,
        "event": event,
        "body": text,
        "occurred_at": now,
    }
    store.add_notes(session, [words])


approvals.register(CORRECT, execute=_correct, refuse=_send_back)
approvals.register(ACCEPT, execute=_accept, refuse=_send_back)
