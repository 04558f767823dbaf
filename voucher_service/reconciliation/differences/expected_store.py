"""Reads and writes of files that are expected; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId, ShopId

from .expected import Expected, ExpectedId
from .layout import Against, Format
from .tables import ChannelFileRow, ExpectedFileRow

_TABLE = cast(Table, ExpectedFileRow.__table__)
_NAMES = text("""
SELECT m.name, s.name FROM merchant m LEFT JOIN shop s ON s.merchant_id = m.id AND s.id = :shop
WHERE m.id = :merchant OR s.id = :shop
""")
_OURS = {
    Against.PAYMENTS: """
        SELECT FROM redemption r
        WHERE r.status = 'committed' AND r.payment_reference ~ :ours
          AND r.occurred_at >= l.begins AND r.occurred_at < l.ends
          AND (CAST(:merchant AS uuid) IS NULL OR r.merchant_id = :merchant)""",
    Against.ORDERS: """
        SELECT FROM redemption r
        WHERE r.status = 'committed' AND r.shop_id = :shop
          AND r.occurred_at >= l.begins AND r.occurred_at < l.ends""",
    # The bank answers some days after it was sent at most; by the batch they are found fast.
    Against.TRANSFERS: """
        SELECT FROM settlement b JOIN settlement_payment p ON p.batch_id = b.id
        WHERE b.sent_at >= l.begins - interval '31 days' AND b.sent_at < l.ends
          AND p.answered_at >= l.begins AND p.answered_at < l.ends""",
}
# Days without a file of which our books have something that it should show.
_MISSING = """
WITH days AS (
    SELECT CAST(d AS date) AS day, (d AT TIME ZONE 'UTC') - :offset AS begins,
        (d + interval '1 day') AT TIME ZONE 'UTC' - :offset AS ends
    FROM generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), '1 day') d
), lacking AS (
    SELECT * FROM days WHERE NOT EXISTS (
        SELECT FROM channel_file f
        WHERE f.channel = :channel AND f.scope = :scope
          AND days.day BETWEEN f.first_day AND f.last_day)
)
SELECT day FROM lacking l WHERE EXISTS ({ours}) ORDER BY day
"""
_STATEMENTS = {
    against: text(_MISSING.replace("{ours}", statement)) for against, statement in _OURS.items()
}


def add(session: Session, values: Mapping[str, Any]) -> bool:
    """Expect a file; False when one of that channel and scope is."""
    statement = insert(_TABLE).values(dict(values)).on_conflict_do_nothing()
    return session.execute(statement.returning(_TABLE.c.id)).first() is not None


def end(session: Session, id: UUID, last: date) -> None:
    """Expect none after that day."""
    session.execute(update(_TABLE).where(_TABLE.c.id == id).values(last_day=last))


def expected(session: Session, *where: ColumnElement[bool], lock: bool = False) -> list[Expected]:
    """Expected files that match, by channel and scope."""
    statement = (
        select(ExpectedFileRow)
        .where(*where)
        .order_by(ExpectedFileRow.channel, ExpectedFileRow.scope, ExpectedFileRow.first_day)
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(statement.with_for_update() if lock else statement)
    return [
        Expected(
            ExpectedId(row.id),
            row.channel,
            MerchantId(row.merchant_id) if row.merchant_id else None,
            ShopId(row.shop_id) if row.shop_id else None,
            row.scope,
            _whose(session, row.merchant_id, row.shop_id),
            row.hour,
            row.first_day,
            row.last_day,
            row.made_by,
            row.occurred_at,
        )
        for row in rows
    ]


def newest(session: Session, *, channel: str, scope: str) -> date | None:
    """The last day of which a file came."""
    row = ChannelFileRow
    found: date | None = session.scalar(
        select(func.max(row.last_day)).where(row.channel == channel, row.scope == scope)
    )
    return found


def missing(
    session: Session, *, format: Format, of: Expected, first: date, last: date
) -> list[date]:
    """The days from `first` to `last` without a file, though our books have something of them."""
    told = {
        "channel": of.channel,
        "scope": of.scope,
        "merchant": of.merchant_id,
        "shop": of.shop_id,
        "ours": format.ours,
        "offset": format.offset,
        "first": first,
        "last": last,
    }
    return list(session.scalars(_STATEMENTS[format.against], told))


def _whose(session: Session, merchant: UUID | None, shop: UUID | None) -> str:
    if merchant is None and shop is None:
        return ""
    found = session.execute(_NAMES, {"merchant": merchant, "shop": shop}).first()
    return " ".join(filter(None, found)) if found else ""
