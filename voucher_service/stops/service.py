"""Stop, lift, and ask what is stopped: as a part of the statement that decides a claim or an order.

A stop is one inserted row. It waits for no lock that a crowd holds, and every transaction that
begins to decide after its commit sees it. `campaigns.service` says who may stop what.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.page import Page, cut, decode_moment

from . import store
from .model import (
    EVERYTHING,
    LIFECYCLE,
    SCOPES,
    AlreadyStopped,
    Event,
    Scope,
    Status,
    Stop,
    StopId,
    What,
)
from .tables import StopRow

# What a till's statement asks: the ids of everything whose redemptions are stopped, or NULL.
REDEMPTIONS_STOPPED = (
    "(SELECT array_agg(subject_id) FROM stop WHERE status = 'in_force' AND what = 'redemptions')"
)


def stopped(what: What, *about: Any) -> ColumnElement[bool]:
    """Whether a stop is in force on one of these columns' ids or on everything.

    For another feature's own statement, so that it costs no round trip.
    """
    return store.stopped(what, (EVERYTHING, *about))


def order(
    session: Session,
    *,
    scope: Scope,
    subject: UUID,
    what: What,
    area: str,
    title: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Stop:
    """Stop something, with a record and an alarm. Raises AlreadyStopped."""
    id = StopId(new_id())
    values = {
        "id": id,
        "scope": scope,
        "subject_id": subject,
        "what": what,
        "area": area,
        "title": title,
        "reason": reason,
        "status": LIFECYCLE.initial,
        "stopped_by": actor.id,
        "stopped_at": now,
    }
    if not store.add(session, values):
        raise AlreadyStopped
    told = {"scope": str(scope), "subject": str(subject), "what": str(what), "reason": reason}
    audit.record(
        session,
        actor=actor,
        action="stop.ordered",
        object_type=LIFECYCLE.name,
        object_id=str(id),
        now=now,
        to_status=str(LIFECYCLE.initial),
        detail=told,
    )
    alarms.raise_alarm(
        session,
        kind=Kind.STOP,
        subject=_alarm(id),
        area=area,
        detail=told | {"title": title or SCOPES[scope], "by": actor.name},
        now=now,
    )
    return get(session, stop=id)


def lift(session: Session, *, stop: Stop, actor: Actor, now: datetime) -> None:
    """Let it go on. Raises IllegalTransition and OvertakenByAnother when somebody did before."""
    audit.transition(
        session,
        StopRow,
        id=stop.id,
        current=stop.status,
        lifecycle=LIFECYCLE,
        event=Event.LIFTED,
        actor=actor,
        now=now,
        set_={"lifted_at": now, "lifted_by": actor.id},
    )
    alarms.clear(session, kind=Kind.STOP, subject=_alarm(stop.id), now=now, actor=actor)


def get(session: Session, *, stop: StopId) -> Stop:
    """One stop. Raises NoSuchThing."""
    found = store.stops(session, store.one(stop))
    if not found:
        raise NoSuchThing
    return found[0]


def about(session: Session, *, subjects: Collection[UUID], what: What | None = None) -> list[Stop]:
    """The stops in force on these things; not those on what they belong to."""
    return store.stops(session, store.in_force(what, *subjects)) if subjects else []


def in_force(session: Session, *, what: What | None = None) -> list[Stop]:
    """Everything that is stopped now, newest first."""
    return store.stops(session, store.in_force(what))


def page(
    core: Core, *, actor: Actor, status: Status | None, cursor: str | None, limit: int
) -> Page[Stop]:
    """Stops of the actor's area and of the whole city, newest first."""
    where = [store.seen_from(actor.area, ("",))]
    if status is not None:
        where.append(StopRow.status == status)
    if after := decode_moment(cursor):
        where.append(store.before(after))
    with core.transaction() as session:
        found = store.stops(session, *where, limit=limit + 1)
    return cut(found, limit, lambda one: (one.stopped_at, one.id))


def _alarm(id: StopId) -> str:
    return f"stop:{id}"
