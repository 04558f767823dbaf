"""Records and transitions: no status changes without a record, and no race is lost silently."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, insert, text, update
from sqlalchemy.orm import Session

from voucher_service.infra.database import Base
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.machine import Machine

from .model import OvertakenByAnother
from .tables import EventRow

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)
_INSERT = insert(cast(Table, EventRow.__table__))
_INSERT_ALL = text("""
INSERT INTO audit.event
    (actor, action, object_type, object_id, from_status, to_status, detail, occurred_at)
SELECT actor, action, :object_type, object_id, from_status, to_status, detail, :now
FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS event (actor text, action text, object_id text,
    from_status text, to_status text, detail jsonb)
""")


@dataclass(frozen=True, slots=True)
class Move:
    """One thing of several that change, and who changes it. `detail` is JSON without personal
    data.
    """

    id: UUID
    actor: Actor
    detail: Mapping[str, Any] | None = None


def record(
    session: Session,
    *,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
    from_status: str | None = None,
    to_status: str | None = None,
) -> None:
    """Append one event. `detail` is JSON without personal data."""
    session.execute(
        _INSERT,
        {
            "actor": actor.name,
            "action": action,
            "object_type": object_type,
            "object_id": object_id,
            "from_status": from_status,
            "to_status": to_status,
            "detail": dict(detail) if detail else None,
            "occurred_at": now,
        },
    )


def record_all(
    session: Session,
    *,
    action: str,
    object_type: str,
    moves: Sequence[Move],
    now: datetime,
    from_status: str | None = None,
    to_status: str | None = None,
) -> None:
    """Append one event for each of several things to which the same happened."""
    if not moves:
        return
    common = {"action": action, "from_status": from_status, "to_status": to_status}
    events = [
        common
        | {"actor": one.actor.name, "object_id": str(one.id)}
        | ({"detail": dict(one.detail)} if one.detail else {})
        for one in moves
    ]
    told = {"object_type": object_type, "now": now, "events": json.dumps(events)}
    session.execute(_INSERT_ALL, told)


def transition(
    session: Session,
    row: type[Base],
    *,
    id: UUID,
    current: S,
    lifecycle: Machine[S, E],
    event: E,
    actor: Actor,
    now: datetime,
    also: Sequence[ColumnElement[bool]] = (),
    set_: Mapping[str, Any] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> S:
    """Move one row along its lifecycle by compare-and-set, and write the record.

    `also` is judged by the statement itself (an expiry, say); `set_` changes further columns with
    it. Raises IllegalTransition when the table has no such edge and OvertakenByAnother when the row
    was no longer in `current` or `also` did not hold.
    """
    following = lifecycle.next(current, event)
    table: Any = row.__table__
    changed: Any = session.execute(
        update(table)
        .where(table.c.id == id, table.c.status == current, *also)
        .values(status=following, **(set_ or {}))
    )
    if changed.rowcount != 1:
        raise OvertakenByAnother(object=lifecycle.name, event=str(event))
    record(
        session,
        actor=actor,
        action=str(event),
        object_type=lifecycle.name,
        object_id=str(id),
        now=now,
        from_status=str(current),
        to_status=str(following),
        detail=detail,
    )
    return following


def transition_where(
    session: Session,
    row: type[Base],
    *,
    where: Sequence[ColumnElement[bool]],
    current: S,
    lifecycle: Machine[S, E],
    event: E,
    actor: Actor,
    now: datetime,
    batch: str,
    set_: Mapping[str, Any] | None = None,
    named: bool = False,
) -> list[UUID]:
    """Move every row that matches and stands in `current` (midnight expiry). Returns the ids that
    moved; one record for all names `batch`, to which they belong, and says how many they were, or
    which: `named`.

    Rows that are no longer in `current` are left alone: for a sweep that is no error.
    """
    following = lifecycle.next(current, event)
    table: Any = row.__table__
    moved = list(
        session.execute(
            update(table)
            .where(table.c.status == current, *where)
            .values(status=following, **(set_ or {}))
            .returning(table.c.id)
        ).scalars()
    )
    if moved:
        record(
            session,
            actor=actor,
            action=str(event),
            object_type=lifecycle.name,
            object_id=batch,
            now=now,
            from_status=str(current),
            to_status=str(following),
            detail={"ids": [str(one) for one in moved]} if named else {"count": len(moved)},
        )
    return moved


def transition_all(
    session: Session,
    row: type[Base],
    *,
    moves: Sequence[Move],
    current: S,
    lifecycle: Machine[S, E],
    event: E,
    now: datetime,
    also: Sequence[ColumnElement[bool]] = (),
    set_: Mapping[str, Any] | None = None,
) -> S:
    """As `transition`, for several rows at once: all of them move, each with its record.

    Raises IllegalTransition, and OvertakenByAnother when one of them could not move: the caller
    then lets go of the transaction.
    """
    following = lifecycle.next(current, event)
    table: Any = row.__table__
    changed: Any = session.execute(
        update(table)
        .where(table.c.id.in_([one.id for one in moves]), table.c.status == current, *also)
        .values(status=following, **(set_ or {}))
    )
    if changed.rowcount != len(moves):
        raise OvertakenByAnother(object=lifecycle.name, event=str(event))
    record_all(
        session,
        action=str(event),
        object_type=lifecycle.name,
        moves=moves,
        now=now,
        from_status=str(current),
        to_status=str(following),
    )
    return following
