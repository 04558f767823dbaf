"""The transfers of a range of transactions, in the order in which they are sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from .tables import TransferRow

_CHUNK = 5_000
_MOVED = """
SELECT t.id, t.occurred_at, t.code, t.key, legs.owners, legs.ids, legs.stages, legs.amounts
FROM ledger.transfer t CROSS JOIN LATERAL (
    SELECT array_agg(a.owner_type ORDER BY e.id) AS owners,
        array_agg(a.owner_id ORDER BY e.id) AS ids,
        array_agg(a.stage ORDER BY e.id) AS stages,
        array_agg(e.amount_fen ORDER BY e.id) AS amounts
    FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id WHERE e.transfer_id = t.id
) AS legs
"""
_WRITTEN = text(f"{_MOVED} WHERE t.xid >= :first AND t.xid < :last ORDER BY t.xid, t.id")
_NUMBERED = text(f"{_MOVED} WHERE t.id = ANY(CAST(:ids AS bigint[])) ORDER BY t.id")


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer and its legs: whose account, which stage, how many whole fen."""

    id: int
    occurred_at: datetime
    code: str
    key: str
    legs: Sequence[tuple[str, UUID, str, int]]


def written(session: Session, *, first: int, last: int) -> Iterator[Moved]:
    """Transfers that transactions numbered [first, last) wrote; read bit by bit, in any amount."""
    found = session.execute(
        _WRITTEN, {"first": first, "last": last}, execution_options={"yield_per": _CHUNK}
    )
    yield from map(_moved, found)


def numbered(session: Session, ids: Collection[int]) -> Iterator[Moved]:
    """The transfers of these numbers, those that are there, in their order."""
    yield from map(_moved, session.execute(_NUMBERED, {"ids": list(ids)}))


def count(session: Session, *, first: int, below: int) -> int:
    """How many transfers transactions numbered [first, below) wrote."""
    numbered = (TransferRow.xid >= first, TransferRow.xid < below)
    statement = select(func.count()).select_from(TransferRow).where(*numbered)
    return session.execute(statement).scalar_one()


def waiting(session: Session, *, since: int) -> timedelta:
    """How old the oldest is that a transaction of this number or a higher one wrote."""
    age = func.clock_timestamp() - func.min(TransferRow.recorded_at)
    statement = select(func.coalesce(age, timedelta())).where(TransferRow.xid >= since)
    found: timedelta = session.execute(statement).scalar_one()
    return found


def first_transaction(session: Session) -> int | None:
    """The number of the first transaction that moved anything."""
    return session.execute(select(func.min(TransferRow.xid))).scalar_one()


def _moved(row: Any) -> Moved:
    id, at, code, key, owners, ids, stages, amounts = row
    # A transfer that lost its entries has no legs at all.
    legs = zip(owners or (), ids or (), stages or (), map(int, amounts or ()), strict=True)
    return Moved(id, at, code, key, tuple(legs))
