"""Raise, acknowledge and clear alarms; stop payouts and let them go on.

Payouts go on once the books were found clean and a second person agreed (`payouts.resume`).
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
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.page import Page, cut, decode_moment

from . import store
from .model import (
    CLOSED_BY_HAND,
    LIFECYCLE,
    OWNER,
    STOPS_PAYOUTS,
    Alarm,
    AlarmId,
    BooksStillBroken,
    EndsByItself,
    Event,
    Kind,
    PayoutsRunning,
    PayoutsStopped,
    Standing,
    Status,
)
from .tables import AlarmRow

RESUME = "payouts.resume"
# What a resumption is about: all payouts of this installation.
PAYOUTS = UUID("7061796f-7574-4000-8000-000000000000")


def raise_alarm(
    session: Session,
    *,
    kind: Kind,
    subject: str,
    detail: Mapping[str, Any],
    now: datetime,
    area: str = "",
) -> AlarmId:
    """Raise an alarm, or give the one that is open about it these facts; its id.

    `detail` is JSON without personal data. An empty `area` is the whole city.
    """
    id, new = store.add(session, kind=kind, subject=subject, area=area, detail=detail, now=now)
    if new:
        audit.record(
            session,
            actor=SYSTEM,
            action="alarm.raised",
            object_type=LIFECYCLE.name,
            object_id=str(id),
            now=now,
            to_status=str(LIFECYCLE.initial),
            detail={"kind": str(kind), "subject": subject},
        )
    return id


def clear(
    session: Session, *, kind: Kind, subject: str, now: datetime, actor: Actor = SYSTEM
) -> bool:
    """Clear the open alarm about a subject; False when there is none.

    Raises ValueError for kinds that stop payouts: those are cleared by resuming payouts.
    """
    if kind in STOPS_PAYOUTS:
        raise ValueError(f"an alarm of kind {kind} is cleared by resuming payouts")
    found = store.alarms(session, store.about(frozenset({kind}), subject), lock=True)
    for one in found:
        _move(session, one, Event.CLEARED, actor, now, {"cleared_at": now})
    return bool(found)


def settle(
    session: Session,
    *,
    kinds: Collection[Kind],
    broken: Mapping[tuple[Kind, str], Mapping[str, Any]],
    now: datetime,
    unseen: Collection[str] = (),
) -> None:
    """Take what a full look at some kinds found: raise what is broken, let go of what is not.

    What no longer is broken is cleared, or noted as clean where only a second person may clear it.
    `unseen` subjects could not be looked at: their alarms stay.
    """
    for (kind, subject), detail in broken.items():
        raise_alarm(session, kind=kind, subject=subject, detail=detail, now=now)
    over = [
        one
        for one in store.alarms(session, store.about(frozenset(kinds)), lock=True)
        if (one.kind, one.subject) not in broken and one.subject not in unseen
    ]
    store.note_clean(session, [one.id for one in over], now)
    store.note_look(session, kinds, now)
    for one in over:
        if not one.stops_payouts:
            _move(session, one, Event.CLEARED, SYSTEM, now, {"cleared_at": now})


def check_payouts(session: Session) -> None:
    """Called wherever money is about to leave. Raises PayoutsStopped."""
    if found := store.alarms(session, store.stopping(), limit=1):
        raise PayoutsStopped(extra={"alarm_id": str(found[0].id)})


def page(
    core: Core, *, actor: Actor, still_open: bool, cursor: str | None, limit: int
) -> Page[Alarm]:
    """Alarms of the actor's area, newest first; only those still open if wanted."""
    where = [store.seen_from(actor.area, still_open=still_open)]
    if after := decode_moment(cursor):
        where.append(store.before(after))
    with core.transaction() as session:
        found = store.alarms(session, *where, limit=limit + 1)
    return cut(found, limit, lambda one: (one.raised_at, one.id))


def get(core: Core, *, actor: Actor, alarm: AlarmId) -> Alarm:
    """One alarm of the actor's area. Raises NoSuchThing."""
    with core.transaction() as session:
        return _mine(session, actor, alarm)


def standing(core: Core, *, actor: Actor) -> Standing:
    """How many alarms of the actor's area are open, whether payouts are stopped, the last check."""
    with core.transaction() as session:
        mine = store.count(session, store.seen_from(actor.area, still_open=True))
        stopped = store.count(session, store.stopping()) > 0
        return Standing(mine, stopped, store.last_look(session, Kind.LEDGER))


def acknowledge(core: Core, *, actor: Actor, alarm: AlarmId) -> Alarm:
    """Say that somebody looks after it.

    Raises NoSuchThing, NotAllowed, IllegalTransition, OvertakenByAnother.
    """
    return _change(core, actor, alarm, Event.ACKNOWLEDGED, Status.RAISED)


def close(core: Core, *, actor: Actor, alarm: AlarmId) -> Alarm:
    """Close what an auditor has looked into. Others end with their cause.

    Raises NoSuchThing, NotAllowed, EndsByItself, IllegalTransition, OvertakenByAnother.
    """
    return _change(core, actor, alarm, Event.CLEARED, Status.ACKNOWLEDGED)


def propose_resume(core: Core, *, actor: Actor) -> ApprovalId:
    """Ask a second person to let payouts go on. For staff of the whole city.

    Raises NotAllowed, PayoutsRunning, BooksStillBroken, AlreadyProposed.
    """
    with core.transaction() as session:
        found = store.alarms(session, store.stopping())
        if actor.area:
            raise NotAllowed
        if not found:
            raise PayoutsRunning
        _check_clean(found)
        return approvals.propose(
            session,
            action=RESUME,
            object_type="payouts",
            object_id=PAYOUTS,
            area="",
            title="、".join(sorted(one.subject.split()[0] for one in found)),
            payload=_frozen(found),
            maker=actor,
            now=core.now(session),
        )


def _change(core: Core, actor: Actor, alarm: AlarmId, event: Event, by_owners_of: Status) -> Alarm:
    with core.transaction() as session:
        found = _mine(session, actor, alarm, lock=True)
        if not actor.roles & OWNER[by_owners_of]:
            raise NotAllowed
        if event is Event.CLEARED and found.kind not in CLOSED_BY_HAND:
            raise EndsByItself
        now = core.now(session)
        done = event is Event.CLEARED
        set_ = {"cleared_at": now} if done else {"acknowledged_by": actor.id}
        _move(session, found, event, actor, now, set_)
        return _mine(session, actor, alarm)


def _frozen(found: list[Alarm]) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON."""
    named = sorted(found, key=lambda one: one.id)
    return {"alarms": [{"id": str(one.id), "subject": one.subject} for one in named]}


def _check_clean(found: list[Alarm]) -> None:
    if broken := sorted(one.subject for one in found if one.clean_at is None):
        raise BooksStillBroken(extra={"invariants": broken})


def _resume(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = store.alarms(session, store.stopping(), lock=True)
    if _frozen(found) != payload:
        raise ChangedSinceProposed
    _check_clean(found)
    for one in found:
        _move(session, one, Event.CLEARED, actor, now, {"cleared_at": now})


def _stay(_session: Session, _payload: Mapping[str, Any], _actor: Actor, _now: datetime) -> None:
    """Sent back: payouts stay stopped."""


def _mine(session: Session, actor: Actor, id: AlarmId, *, lock: bool = False) -> Alarm:
    found = store.alarms(session, store.one(id), lock=lock)
    if not found or not areas.within(found[0].area, actor.area):
        raise NoSuchThing
    return found[0]


def _move(
    session: Session,
    one: Alarm,
    event: Event,
    actor: Actor,
    now: datetime,
    set_: Mapping[str, Any],
) -> None:
    audit.transition(
        session,
        AlarmRow,
        id=one.id,
        current=one.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_=set_,
    )


approvals.register(RESUME, execute=_resume, refuse=_stay)
