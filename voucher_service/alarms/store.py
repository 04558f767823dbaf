"""Reads and writes of alarms; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.ids import new_id

from .model import LIFECYCLE, STOPS_PAYOUTS, Alarm, AlarmId, Kind, Status
from .tables import AlarmRow, LookRow

_OPEN = AlarmRow.status != Status.CLEARED


def add(
    session: Session,
    *,
    kind: Kind,
    subject: str,
    area: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> tuple[AlarmId, bool]:
    """The open alarm about this, with these facts, and whether it is new."""
    values = {
        "id": new_id(),
        "kind": kind,
        "subject": subject,
        "area": area,
        "detail": dict(detail),
        "status": LIFECYCLE.initial,
        "raised_at": now,
    }
    row: Any = session.execute(
        insert(AlarmRow)
        .values(values)
        .on_conflict_do_update(
            index_elements=["kind", "subject"],
            index_where=text("status <> 'cleared'"),
            set_={"detail": dict(detail), "clean_at": None},
        )
        .returning(AlarmRow.id, literal_column("xmax = 0").label("new"))
    ).one()
    return AlarmId(row.id), row.new


def alarms(
    session: Session, *where: ColumnElement[bool], limit: int | None = None, lock: bool = False
) -> list[Alarm]:
    """Alarms that match, newest first."""
    statement = (
        select(AlarmRow)
        .where(*where)
        .order_by(AlarmRow.raised_at.desc(), AlarmRow.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(statement.with_for_update() if lock else statement)
    return [
        Alarm(
            id=AlarmId(row.id),
            kind=row.kind,
            subject=row.subject,
            area=row.area,
            detail=row.detail,
            status=row.status,
            raised_at=row.raised_at,
            clean_at=row.clean_at,
            acknowledged_by=row.acknowledged_by,
            cleared_at=row.cleared_at,
        )
        for row in rows
    ]


def count(session: Session, *where: ColumnElement[bool]) -> int:
    """How many alarms match."""
    return session.scalar(select(func.count()).select_from(AlarmRow).where(*where)) or 0


def one(id: AlarmId) -> ColumnElement[bool]:
    """That alarm."""
    return AlarmRow.id == id


def about(kinds: frozenset[Kind], subject: str | None = None) -> ColumnElement[bool]:
    """Open alarms of these kinds, about one subject or any."""
    found = _OPEN & AlarmRow.kind.in_(kinds)
    return found if subject is None else found & (AlarmRow.subject == subject)


def seen_from(area: str, *, still_open: bool) -> ColumnElement[bool]:
    """Alarms that staff of an area may see."""
    seen = AlarmRow.area.startswith(areas.stem(area), autoescape=True)
    return seen & _OPEN if still_open else seen


def before(key: tuple[Any, Any]) -> ColumnElement[bool]:
    """Alarms that stand after this one in the list."""
    return tuple_(AlarmRow.raised_at, AlarmRow.id) < key


def stopping() -> ColumnElement[bool]:
    """Open alarms that stop payouts."""
    return about(STOPS_PAYOUTS)


def note_look(session: Session, kinds: Collection[Kind], now: datetime) -> None:
    """Everything of these kinds was looked at."""
    found = insert(LookRow).values([{"kind": kind, "at": now} for kind in kinds])
    session.execute(
        found.on_conflict_do_update(index_elements=["kind"], set_={"at": found.excluded.at})
    )


def last_look(session: Session, kind: Kind) -> datetime | None:
    """When everything of a kind was last looked at."""
    return session.scalar(select(LookRow.at).where(LookRow.kind == kind))


def note_clean(session: Session, ids: list[AlarmId], now: datetime) -> None:
    """A look found nothing wrong with what these alarms are about."""
    for row in session.scalars(select(AlarmRow).where(AlarmRow.id.in_(ids))):
        row.clean_at = now
    session.flush()
