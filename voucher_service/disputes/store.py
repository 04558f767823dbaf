"""Reads and writes of disputes; decides nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, tuple_
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.merchants import service as merchants

from .model import Dispute, DisputeId, Message
from .tables import DisputeMessageRow, DisputeRow


def add(session: Session, values: dict[str, Any]) -> bool:
    """Insert a dispute; False when the same is disputed already."""
    made = session.execute(
        pg_insert(DisputeRow).values(values).on_conflict_do_nothing().returning(DisputeRow.id)
    )
    return made.scalar_one_or_none() is not None


def add_message(session: Session, values: dict[str, Any]) -> None:
    """Append a word to a thread."""
    session.execute(insert(DisputeMessageRow).values(values))


def disputes(
    session: Session, *where: ColumnElement[bool], limit: int | None = None, oldest: bool = False
) -> list[Dispute]:
    """Disputes that match, newest or oldest first, without their threads."""
    keys = DisputeRow.occurred_at, DisputeRow.id
    order = keys if oldest else tuple(key.desc() for key in keys)
    rows = list(
        session.scalars(
            select(DisputeRow)
            .where(*where)
            .order_by(*order)
            .limit(limit)
            .execution_options(populate_existing=True)
        )
    )
    names = merchants.shop_names(session, shops=[ShopId(id) for id in {r.shop_id for r in rows}])
    return [_dispute(row, names[ShopId(row.shop_id)]) for row in rows]


def count(session: Session, *where: ColumnElement[bool]) -> int:
    """How many disputes match."""
    return session.scalars(select(func.count()).select_from(DisputeRow).where(*where)).one()


def due(session: Session, *where: ColumnElement[bool]) -> tuple[int, datetime | None]:
    """How many disputes match, and when the first of them is due."""
    found = select(func.count(), func.min(DisputeRow.due_at)).select_from(DisputeRow).where(*where)
    count, first = session.execute(found).one()
    return count, first


def thread(session: Session, dispute: DisputeId) -> tuple[Message, ...]:
    """What was said, oldest first."""
    rows = session.scalars(
        select(DisputeMessageRow)
        .where(DisputeMessageRow.dispute_id == dispute)
        .order_by(DisputeMessageRow.id)
    )
    return tuple(
        Message(
            ours=row.by_staff is not None,
            by=row.by_staff or row.by_cashier or UUID(int=0),
            event=row.event,
            text=row.body,
            at=row.occurred_at,
        )
        for row in rows
    )


def before(moment: tuple[datetime, UUID]) -> ColumnElement[bool]:
    """Disputes that stand after this one in a list that begins with the newest."""
    return tuple_(DisputeRow.occurred_at, DisputeRow.id) < moment


def after(moment: tuple[datetime, UUID]) -> ColumnElement[bool]:
    """Disputes that stand after this one in a list that begins with the oldest."""
    return tuple_(DisputeRow.occurred_at, DisputeRow.id) > moment


def _dispute(row: DisputeRow, names: tuple[str, str]) -> Dispute:
    shop, merchant = names
    return Dispute(
        DisputeId(row.id),
        ShopId(row.shop_id),
        shop,
        MerchantId(row.merchant_id),
        merchant,
        row.area,
        row.subject,
        row.subject_id,
        row.about,
        row.reason,
        row.wanted_fen,
        row.status,
        row.occurred_at,
        row.due_at,
    )
