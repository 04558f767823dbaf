"""Reads and writes of pushes; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import OfferId, ResidentId

from .model import Push, PushId, PushRepeated, Result, Status
from .tables import PushLineRow, PushRow

_LINES = cast(Table, PushLineRow.__table__)
_PIECE = 2_000


def pushes(session: Session, *where: ColumnElement[bool]) -> list[Push]:
    """Pushes that match, newest first."""
    rows = list(
        session.scalars(
            select(PushRow)
            .where(*where)
            .order_by(PushRow.created_at.desc(), PushRow.id.desc())
            .execution_options(populate_existing=True)
        )
    )
    offers = campaigns.terms(session, offers=[OfferId(row.offer_id) for row in rows])
    counts: dict[UUID, dict[Result | None, int]] = {row.id: {} for row in rows}
    for push, result, count in session.execute(
        select(PushLineRow.push_id, PushLineRow.result, func.count())
        .where(PushLineRow.push_id.in_(counts))
        .group_by(PushLineRow.push_id, PushLineRow.result)
    ):
        counts[push][result] = count
    return [
        Push(
            id=PushId(row.id),
            offer=offers[OfferId(row.offer_id)],
            unit=row.unit,
            list_sha256=row.list_sha256,
            lines=row.lines,
            count=row.count,
            reserved=row.reserved,
            status=row.status,
            created_by=row.created_by,
            created_at=row.created_at,
            done_at=row.done_at,
            results=counts[row.id],
        )
        for row in rows
    ]


def push(session: Session, id: PushId, *, lock: bool = False) -> Push:
    """One push. Raises NoSuchThing."""
    if lock:
        session.execute(select(PushRow.id).where(PushRow.id == id).with_for_update())
    found = pushes(session, PushRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def add(session: Session, row: PushRow, lines: Sequence[dict[str, Any]]) -> None:
    """Write a push and its lines. Raises PushRepeated."""
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise PushRepeated from error
    for start in range(0, len(lines), _PIECE):
        session.execute(insert(_LINES), lines[start : start + _PIECE])


def lines(session: Session, id: PushId) -> list[PushLineRow]:
    """Every line, by its number."""
    return list(
        session.scalars(
            select(PushLineRow)
            .where(PushLineRow.push_id == id)
            .order_by(PushLineRow.number)
            .execution_options(populate_existing=True)
        )
    )


def waiting(session: Session, id: PushId, most: int) -> dict[int, ResidentId]:
    """The next lines that are still to be given, by number."""
    rows = session.execute(
        select(PushLineRow.number, PushLineRow.resident_id)
        .where(PushLineRow.push_id == id, PushLineRow.result.is_(None))
        .order_by(PushLineRow.number)
        .limit(most)
    )
    return {number: ResidentId(resident) for number, resident in rows if resident is not None}


def note(session: Session, id: PushId, results: Mapping[int, Result]) -> int:
    """Write what became of lines that have no result yet; how many there were."""
    done: Any = session.execute(
        text(
            "UPDATE push_line SET result = u.result"
            " FROM unnest(CAST(:numbers AS int[]), CAST(:results AS text[])) AS u (number, result)"
            " WHERE push_id = :push AND push_line.number = u.number AND push_line.result IS NULL"
        ),
        {
            "push": id,
            "numbers": list(results),
            "results": [str(one) for one in results.values()],
        },
    )
    return int(done.rowcount)


def reserved(session: Session, offers: Sequence[OfferId]) -> set[OfferId]:
    """Those of the offers that are for the residents of lists."""
    found = session.scalars(
        select(PushRow.offer_id).where(PushRow.offer_id.in_(offers), PushRow.reserved).distinct()
    )
    return {OfferId(one) for one in found}


def listed(session: Session, offer: OfferId, residents: Sequence[ResidentId]) -> set[ResidentId]:
    """Those of the residents who are to be given something of the offer."""
    found = session.scalars(
        select(PushLineRow.resident_id)
        .join(PushRow, PushRow.id == PushLineRow.push_id)
        .where(
            PushRow.offer_id == offer,
            PushRow.status != Status.REJECTED,
            PushLineRow.chosen,
            PushLineRow.resident_id.in_(residents),
        )
    )
    return {ResidentId(one) for one in found if one is not None}
