"""Reads and writes of comparisons with a till's file; decides nothing.

Our side is read in plain SQL over another feature's table, as in `store`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, insert, select, text
from sqlalchemy.orm import Session

from voucher_service.infra.database import array
from voucher_service.kernel.ids import RedemptionId, ShopId, new_id
from voucher_service.kernel.money import ZERO, Money

from .model import (
    Finding,
    Matching,
    MatchingId,
    MatchingLine,
    MatchingLineId,
    Ours,
    Pair,
    Part,
    Theirs,
)
from .tables import MatchingLineRow, MatchingRow

_AT_ONCE = 1_000
_LINE = cast(Table, MatchingLineRow.__table__)
_OURS = text("""
SELECT id, order_reference, occurred_at, order_amount_fen, discount_fen,
    coalesce(paid_fen, order_amount_fen - discount_fen)
FROM redemption
WHERE shop_id = :shop AND status = 'committed' AND (
    (occurred_at >= :first AND occurred_at < :last)
    OR order_reference IN (SELECT unnest(CAST(:references AS text[])))
)
ORDER BY occurred_at, id
""")
_UNDONE = text("""
SELECT id, order_reference, occurred_at
FROM redemption
WHERE shop_id = :shop AND status IN ('cancelled', 'lapsed', 'reversed', 'refused')
    AND order_reference IN (SELECT unnest(CAST(:references AS text[])))
""")
_REFERENCE = text(
    "SELECT order_reference FROM redemption WHERE id = :redemption AND shop_id = :shop"
)


def ours(
    session: Session,
    *,
    shop: ShopId,
    span: tuple[datetime, datetime],
    references: Iterable[str],
) -> list[Ours]:
    """A shop's committed redemptions of a span of time, and those with these references."""
    told = {"shop": shop, "first": span[0], "last": span[1], "references": array(references)}
    return [
        Ours(RedemptionId(id), reference, at, *(Money(fen) for fen in sums))
        for id, reference, at, *sums in session.execute(_OURS, told)
    ]


def undone(session: Session, *, shop: ShopId, references: Iterable[str]) -> list[Ours]:
    """A shop's orders with these references that came to nothing."""
    told = {"shop": shop, "references": array(references)}
    return [
        Ours(RedemptionId(id), reference, at, ZERO, ZERO, ZERO)
        for id, reference, at in session.execute(_UNDONE, told)
    ]


def order_reference(session: Session, *, shop: ShopId, redemption: RedemptionId) -> str | None:
    """What a shop calls one of its orders; None when it has no such one."""
    told = {"shop": shop, "redemption": redemption}
    found: str | None = session.execute(_REFERENCE, told).scalar_one_or_none()
    return found


def add(session: Session, matching: Matching, *, made_by: UUID, digest: bytes) -> None:
    """Keep a comparison."""
    session.execute(
        insert(MatchingRow).values(
            id=matching.id,
            shop_id=matching.shop_id,
            made_by=made_by,
            file_name=matching.file_name,
            file_sha256=digest,
            first_day=matching.first,
            last_day=matching.last,
            counts={str(finding): count for finding, count in matching.counts.items()},
            occurred_at=matching.made_at,
        )
    )


def add_lines(session: Session, matching: MatchingId, pairs: Sequence[Pair]) -> None:
    """Keep its lines."""
    rows = [_columns(matching, place, pair) for place, pair in enumerate(pairs, 1)]
    for start in range(0, len(rows), _AT_ONCE):
        session.execute(insert(_LINE), rows[start : start + _AT_ONCE])


def matchings(session: Session, *where: ColumnElement[bool], limit: int) -> list[Matching]:
    """Comparisons that match, newest first."""
    rows = session.scalars(
        select(MatchingRow)
        .where(*where)
        .order_by(MatchingRow.occurred_at.desc(), MatchingRow.id.desc())
        .limit(limit)
    )
    return [
        Matching(
            MatchingId(row.id),
            ShopId(row.shop_id),
            row.file_name,
            row.first_day,
            row.last_day,
            {finding: row.counts.get(str(finding), 0) for finding in Finding},
            row.occurred_at,
        )
        for row in rows
    ]


def lines(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> Iterator[tuple[int, MatchingLine]]:
    """Lines that match in their order, each with its place; fetched a part at a time."""
    statement = select(_LINE).where(*where).order_by(_LINE.c.place).limit(limit)
    rows = session.execute(statement.execution_options(yield_per=_AT_ONCE))
    for row in rows:
        yield row.place, _line(row)


def _columns(matching: MatchingId, place: int, pair: Pair) -> dict[str, Any]:
    ours, theirs = pair.ours, pair.theirs
    return {
        "id": new_id(),
        "matching_id": matching,
        "place": place,
        "finding": pair.finding,
        "reference": pair.reference,
        "differs": [str(part) for part in pair.differs],
        "redemption_id": ours and ours.id,
        "our_at": ours and ours.at,
        "our_order_fen": ours and ours.order,
        "our_discount_fen": ours and ours.discount,
        "our_paid_fen": ours and ours.paid,
        "file_line": theirs and theirs.line,
        "their_at": theirs.at.isoformat() if theirs and theirs.at else None,
        "their_order_fen": theirs and theirs.order,
        "their_discount_fen": theirs and theirs.discount,
        "their_paid_fen": theirs and theirs.paid,
    }


def _line(row: Any) -> MatchingLine:
    ours = theirs = None
    if row.redemption_id is not None:
        sums = row.our_order_fen, row.our_discount_fen, row.our_paid_fen
        ours = Ours(RedemptionId(row.redemption_id), row.reference, row.our_at, *sums)
    if row.file_line is not None:
        theirs = Theirs(
            row.file_line,
            row.reference,
            row.their_order_fen,
            _moment(row.their_at),
            row.their_discount_fen,
            row.their_paid_fen,
        )
    differs = tuple(Part(one) for one in row.differs)
    return MatchingLine(MatchingLineId(row.id), Pair(row.finding, ours, theirs, differs))


def _moment(text: str | None) -> datetime | date | None:
    if text is None:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
