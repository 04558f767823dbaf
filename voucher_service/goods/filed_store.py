"""Reads and writes of filed prices; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.money import Money

from .model import FiledPrice
from .tables import FiledPriceRow

_PIECE = 1_000


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write filings."""
    for start in range(0, len(rows), _PIECE):
        session.execute(insert(FiledPriceRow), rows[start : start + _PIECE])


def lock_merchant(session: Session, merchant: MerchantId) -> None:
    """Let one filing of a merchant be judged at a time, until the transaction ends."""
    key = f"goods.filed:{merchant}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def filings(
    session: Session, merchant: MerchantId, gtins: Collection[str]
) -> dict[str, list[FiledPrice]]:
    """Everything that a merchant filed for some products, oldest first, by GTIN."""
    rows = session.scalars(
        select(FiledPriceRow)
        .where(FiledPriceRow.merchant_id == merchant, FiledPriceRow.gtin.in_(gtins))
        .order_by(FiledPriceRow.filed_at, FiledPriceRow.id)
    )
    found: dict[str, list[FiledPrice]] = {}
    for row in rows:
        found.setdefault(row.gtin, []).append(_filed(row))
    return found


def on_day(session: Session, merchant: MerchantId, gtin: str, on: date) -> Money | None:
    """The price that counts on a day: of those begun, the one that was filed last."""
    return session.scalars(
        select(FiledPriceRow.price_fen)
        .where(
            FiledPriceRow.merchant_id == merchant,
            FiledPriceRow.gtin == gtin,
            FiledPriceRow.valid_from <= on,
        )
        .order_by(FiledPriceRow.filed_at.desc(), FiledPriceRow.id.desc())
        .limit(1)
    ).first()


def gtins_of(session: Session, merchant: MerchantId, after: str, most: int) -> list[str]:
    """The products for which a merchant filed a price, after one."""
    return list(
        session.scalars(
            select(FiledPriceRow.gtin)
            .distinct()
            .where(FiledPriceRow.merchant_id == merchant, FiledPriceRow.gtin > after)
            .order_by(FiledPriceRow.gtin)
            .limit(most)
        )
    )


def by_merchant(
    session: Session, gtin: str, merchants: Collection[MerchantId]
) -> dict[MerchantId, list[FiledPrice]]:
    """What some merchants filed for a product, oldest first."""
    rows = session.scalars(
        select(FiledPriceRow)
        .where(FiledPriceRow.gtin == gtin, FiledPriceRow.merchant_id.in_(merchants))
        .order_by(FiledPriceRow.filed_at, FiledPriceRow.id)
    )
    found: dict[MerchantId, list[FiledPrice]] = {}
    for row in rows:
        found.setdefault(MerchantId(row.merchant_id), []).append(_filed(row))
    return found


def _filed(row: FiledPriceRow) -> FiledPrice:
    return FiledPrice(row.gtin, row.price_fen, row.valid_from, row.filed_at)
