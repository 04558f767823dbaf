"""Reads and writes of files that wait to be read; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, insert, select, text, update
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId, ShopId

from .layout import Days
from .model import ChannelFileId
from .tables import UploadRow
from .uploads import Upload, UploadId, UploadStatus

_TABLE = cast(Table, UploadRow.__table__)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('channel_upload', 0))")


def lock(session: Session) -> None:
    """Wait for others that add a file."""
    session.execute(_LOCK)


def add(session: Session, values: Mapping[str, Any]) -> None:
    """Keep a file that was sent."""
    session.execute(insert(_TABLE), dict(values))


def uploads(
    session: Session, *where: ColumnElement[bool], limit: int | None = None, lock: bool = False
) -> list[Upload]:
    """Files that match, the oldest first."""
    statement = (
        select(UploadRow)
        .where(*where)
        .order_by(UploadRow.occurred_at, UploadRow.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(statement.with_for_update(skip_locked=True) if lock else statement)
    return [
        Upload(
            UploadId(row.id),
            row.format,
            MerchantId(row.merchant_id) if row.merchant_id else None,
            ShopId(row.shop_id) if row.shop_id else None,
            row.with_others,
            Days.said(row.first_day, row.last_day),
            row.file_name,
            row.size_bytes,
            row.read_bytes,
            row.attempts,
            row.status,
            ChannelFileId(row.file_id) if row.file_id else None,
            row.refusal,
            row.made_by,
            row.occurred_at,
            row.ended_at,
        )
        for row in rows
    ]


def waiting(session: Session) -> int:
    """How many wait."""
    where = _TABLE.c.status == UploadStatus.WAITING
    return session.scalars(select(func.count()).select_from(_TABLE).where(where)).one()


def change(session: Session, id: UUID, **values: Any) -> None:
    """Change columns of one."""
    session.execute(update(_TABLE).where(_TABLE.c.id == id).values(**values))
