"""Reads and writes of stops; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra import areas

from .model import Stop, StopId, What
from .tables import StopRow

# In words, not as a parameter, so that the partial index answers it.
_IN_FORCE = text("stop.status = 'in_force'")


def add(session: Session, values: dict[str, Any]) -> bool:
    """Insert a stop; False when the same is in force."""
    made = session.execute(
        insert(StopRow).values(values).on_conflict_do_nothing().returning(StopRow.id)
    )
    return made.scalar_one_or_none() is not None


def stops(
    session: Session, *where: ColumnElement[bool], limit: int | None = None, lock: bool = False
) -> list[Stop]:
    """Stops that match, newest first."""
    statement = (
        select(StopRow)
        .where(*where)
        .order_by(StopRow.stopped_at.desc(), StopRow.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [
        Stop(
            StopId(row.id),
            row.scope,
            row.subject_id,
            row.what,
            row.area,
            row.title,
            row.reason,
            row.status,
            row.stopped_by,
            row.stopped_at,
            row.lifted_by,
            row.lifted_at,
        )
        for row in session.scalars(statement.with_for_update() if lock else statement)
    ]


def one(id: StopId) -> ColumnElement[bool]:
    """That stop."""
    return StopRow.id == id


def in_force(what: What | None = None, *about: UUID | Any) -> ColumnElement[bool]:
    """Stops in force, of one kind and about one of these, if wanted."""
    wanted = [StopRow.what == what] if what is not None else []
    if about:
        wanted.append(or_(*(StopRow.subject_id == subject for subject in about)))
    return and_(_IN_FORCE, *wanted)


def stopped(what: What, about: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a stop is in force, as a part of a larger statement."""
    return exists().where(in_force(what, *about))


def seen_from(area: str, city_wide: Collection[str]) -> ColumnElement[bool]:
    """Stops within an area, and those of the whole city, which concern everybody."""
    return or_(
        StopRow.area.startswith(areas.stem(area), autoescape=True), StopRow.area.in_(city_wide)
    )


def before(moment: tuple[datetime, UUID]) -> ColumnElement[bool]:
    """Stops that stand after this one in the list."""
    return tuple_(StopRow.stopped_at, StopRow.id) < moment
