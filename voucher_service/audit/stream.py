"""The records of a range of transactions, in the order in which they are sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from .tables import EventRow

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Written:
    """A record as it stands."""

    id: int
    occurred_at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    from_status: str | None
    to_status: str | None
    detail: Mapping[str, Any] | None


# One parameter however many they are: thousands are built and planned longer than it runs.
_IDS = bindparam("ids", type_=ARRAY(BigInteger))
_COLUMNS = [getattr(EventRow, field) for field in Written.__slots__]


def written(session: Session, *, first: int, last: int) -> Iterator[Written]:
    """Records that transactions numbered [first, last) wrote; read bit by bit, in any amount."""
    statement = (
        select(*_COLUMNS)
        .where(EventRow.xid >= first, EventRow.xid < last)
        .order_by(EventRow.xid, EventRow.id)
        .execution_options(yield_per=_CHUNK)
    )
    for row in session.execute(statement):
        yield Written(*row)


def numbered(session: Session, ids: Collection[int]) -> Iterator[Written]:
    """The records of these numbers, those that are there, in their order."""
    found = select(*_COLUMNS).where(EventRow.id == any_(_IDS)).order_by(EventRow.id)
    for row in session.execute(found, {"ids": list(ids)}):
        yield Written(*row)


def count(session: Session, *, first: int, below: int) -> int:
    """How many records transactions numbered [first, below) wrote."""
    numbered = (EventRow.xid >= first, EventRow.xid < below)
    statement = select(func.count()).select_from(EventRow).where(*numbered)
    return session.execute(statement).scalar_one()


def waiting(session: Session, *, since: int) -> timedelta:
    """How old the oldest is that a transaction of this number or a higher one wrote."""
    age = func.clock_timestamp() - func.min(EventRow.recorded_at)
    statement = select(func.coalesce(age, timedelta())).where(EventRow.xid >= since)
    found: timedelta = session.execute(statement).scalar_one()
    return found


def first_transaction(session: Session) -> int | None:
    """The number of the first transaction that recorded anything."""
    return session.execute(select(func.min(EventRow.xid))).scalar_one()
