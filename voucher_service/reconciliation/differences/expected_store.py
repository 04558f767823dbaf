"""Reads and writes of files that are expected; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra.database import array
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.merchants import service as merchants

from .expected import Expected, ExpectedId
from .layout import Against, Format
from .tables import ChannelFileRow, ExpectedFileRow

_TABLE = cast(Table, ExpectedFileRow.__table__)
# Days of which our books have something that a file should show: one look at the time asked about.
_DAYS = {
    Against.PAYMENTS: text("""
SELECT DISTINCT CAST(occurred_at AT TIME ZONE 'UTC' + :offset AS date) FROM redemption
WHERE status = 'committed' AND occurred_at >= :begins AND occurred_at < :ends
  AND payment_reference ~ :ours AND (CAST(:merchant AS uuid) IS NULL OR merchant_id = :merchant)
"""),
    Against.ORDERS: text("""
SELECT DISTINCT CAST(occurred_at AT TIME ZONE 'UTC' + :offset AS date) FROM redemption
WHERE status = 'committed' AND occurred_at >= :begins AND occurred_at < :ends AND shop_id = :shop
"""),
    # The bank answers some days after it was sent at most; by the batch they are found fast.
    Against.TRANSFERS: text("""
SELECT DISTINCT CAST(told.at AT TIME ZONE 'UTC' + :offset AS date)
FROM settlement b JOIN settlement_payment p ON p.batch_id = b.id
CROSS JOIN LATERAL (VALUES (p.answered_at), (p.returned_at)) AS told (at)
WHERE b.sent_at >= :begins - interval '31 days' AND b.sent_at < :ends
  AND told.at >= :begins AND told.at < :ends
"""),
}
_UNCOVERED = text("""
SELECT e.id, asked.day
FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS asked (id, day)
JOIN expected_file e ON e.id = asked.id
WHERE NOT EXISTS (
    SELECT FROM channel_file f
    WHERE f.channel = e.channel AND f.scope = e.scope
      AND asked.day BETWEEN f.first_day AND f.last_day)
ORDER BY asked.day
""")
_PATIENCE = text("SET LOCAL statement_timeout = '5min'")


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
    rows = session.scalars(statement.with_for_update() if lock else statement).all()
    whose = _whose(session, rows)
    return [
        Expected(
            ExpectedId(row.id),
            row.channel,
            MerchantId(row.merchant_id) if row.merchant_id else None,
            ShopId(row.shop_id) if row.shop_id else None,
            row.scope,
            whose.get(row.shop_id or row.merchant_id, ""),
            row.hour,
            row.first_day,
            row.last_day,
            row.made_by,
            row.occurred_at,
            tuple(row.missing),
            row.looked_at,
        )
        for row in rows
    ]


def newest(session: Session, ids: Collection[ExpectedId]) -> dict[ExpectedId, date]:
    """The last day of which a file came, of those that ever came."""
    row, file = ExpectedFileRow, ChannelFileRow
    rows = session.execute(
        select(row.id, func.max(file.last_day))
        .join(file, (file.channel == row.channel) & (file.scope == row.scope))
        .where(row.id.in_(ids))
        .group_by(row.id)
    )
    return {ExpectedId(id): last for id, last in rows}


def uncovered(
    session: Session, days: Mapping[ExpectedId, Sequence[date]]
) -> dict[ExpectedId, list[date]]:
    """Those of each one's days that no file covers, in their order."""
    asked = [(id, day) for id, each in days.items() for day in each]
    told = {"ids": array([id for id, _ in asked]), "days": [day for _, day in asked]}
    found: dict[ExpectedId, list[date]] = {id: [] for id in days}
    for id, day in session.execute(_UNCOVERED, told):
        found[ExpectedId(id)].append(day)
    return found


def days_of_ours(
    session: Session, *, format: Format, of: Expected, first: date, last: date
) -> set[date]:
    """The days from `first` to `last` of which our books have something."""
    told = {
        "merchant": of.merchant_id,
        "shop": of.shop_id,
        "ours": format.ours,
        "offset": format.offset,
        "begins": format.begins(first),
        "ends": format.begins(last + timedelta(days=1)),
    }
    session.execute(_PATIENCE)
    return set(session.scalars(_DAYS[format.against], told))


def note_missing(session: Session, id: UUID, missing: Sequence[date], now: datetime) -> None:
    """Keep which days are missing as of now."""
    values = {"missing": list(missing), "looked_at": now}
    session.execute(update(_TABLE).where(_TABLE.c.id == id).values(values))


def _whose(session: Session, rows: Sequence[ExpectedFileRow]) -> dict[UUID | None, str]:
    """How people call the merchants and shops of these rows."""
    shops = merchants.shop_names(
        session, shops=[ShopId(row.shop_id) for row in rows if row.shop_id]
    )
    others = merchants.merchant_names(
        session, merchants={MerchantId(row.merchant_id) for row in rows if row.merchant_id}
    )
    called: dict[UUID | None, str] = {
        id: f"{merchant} {shop}" for id, (shop, merchant) in shops.items()
    }
    called.update(others.items())
    return called
