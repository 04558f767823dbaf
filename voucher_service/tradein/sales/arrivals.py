"""Sales in the order in which they were made, for whoever looks at each of them once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import ResidentId

from .model import SaleStatus
from .tables import SaleRow

Arrival = tuple[datetime, UUID]


def sold(
    session: Session, *, since: datetime | None, after: Arrival | None, most: int
) -> list[Arrival]:
    """Instant and id of sales that stand, sold from an instant on, oldest first; after a cursor."""
    columns = (SaleRow.occurred_at, SaleRow.redemption_id)
    statement = select(*columns).where(SaleRow.status == SaleStatus.SOLD)
    if since is not None:
        statement = statement.where(SaleRow.occurred_at >= since)
    if after is not None:
        statement = statement.where(tuple_(*columns) > after)
    rows = session.execute(statement.order_by(*columns).limit(most))
    return [(at, id) for at, id in rows]


def bought_by(session: Session, *, resident: ResidentId) -> list[UUID]:
    """The ids of a resident's sales."""
    statement = select(SaleRow.redemption_id).where(SaleRow.resident_id == resident)
    return list(session.scalars(statement))


def forget_links(session: Session, *, resident: ResidentId) -> None:
    """Delete what ties a resident's sales to others."""
    mine = update(SaleRow).where(SaleRow.resident_id == resident)
    session.execute(mine.values(links={}))
