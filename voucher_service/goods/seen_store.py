"""Reads and writes of prices seen; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.kernel.money import Money

from .model import Seen
from .pricing import Day, Lows, Rule
from .tables import FiledPriceRow, PriceSeenRow


def observe(session: Session, seen: Iterable[Seen], rule: Rule) -> None:
    """Count units into their shop's day; locked in one order, so that tills don't deadlock.

    A day's first unit also writes the lows of the days before.
    """
    days: dict[tuple[UUID, str, date], dict[str, Any]] = {}
    for one in seen:
        key = (one.shop, one.gtin, one.day)
        held = days.get(key)
        days[key] = _merged(held, one) if held else _first(one)
    if not days:
        return
    rows = [days[key] | _lows(days[key], rule) for key in sorted(days)]
    statement = insert(PriceSeenRow).values(rows)
    new, table = statement.excluded, PriceSeenRow
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[table.shop_id, table.gtin, table.day],
            set_={
                "lowest_fen": func.least(table.lowest_fen, new.lowest_fen),
                "highest_fen": func.greatest(table.highest_fen, new.highest_fen),
                "list_price_fen": func.greatest(table.list_price_fen, new.list_price_fen),
                "units": table.units + new.units,
            },
        )
    )


def lowest(
    session: Session,
    gtins: Collection[str],
    *,
    on: date,
    days: int,
    merchant: MerchantId | None = None,
) -> dict[str, Money]:
    """The lowest prices of products on the days before a day, by GTIN; in the city or at one."""
    where = [PriceSeenRow.merchant_id == merchant] if merchant else []
    rows = session.execute(
        select(PriceSeenRow.gtin, func.min(PriceSeenRow.lowest_fen))
        .where(PriceSeenRow.gtin.in_(gtins), *_before(on, days), *where)
        .group_by(PriceSeenRow.gtin)
    )
    return {gtin: price for gtin, price in rows}  # noqa: C416 - rows are no pairs to mypy


def merchants_of(
    session: Session, gtin: str, since: date, after: MerchantId | None, most: int
) -> list[MerchantId]:
    """Merchants that filed a price for a product or sold it since a day, after one."""
    filed = select(FiledPriceRow.merchant_id).where(FiledPriceRow.gtin == gtin)
    sold = select(PriceSeenRow.merchant_id).where(
        PriceSeenRow.gtin == gtin, PriceSeenRow.day >= since
    )
    both = filed.union(sold).subquery()
    statement = select(both.c.merchant_id).order_by(both.c.merchant_id).limit(most)
    if after:
        statement = statement.where(both.c.merchant_id > after)
    return [MerchantId(one) for one in session.scalars(statement)]


def days_of(
    session: Session, gtin: str, merchants: Collection[MerchantId], *, area: str, since: date
) -> dict[MerchantId, list[Day]]:
    """What merchants asked for a product at their shops in an area, newest day first."""
    rows = session.scalars(
        select(PriceSeenRow)
        .where(
            PriceSeenRow.gtin == gtin,
            PriceSeenRow.merchant_id.in_(merchants),
            PriceSeenRow.day >= since,
            *_within(area),
        )
        .order_by(PriceSeenRow.day.desc(), PriceSeenRow.shop_id)
    )
    found: dict[MerchantId, list[Day]] = {}
    for row in rows:
        found.setdefault(MerchantId(row.merchant_id), []).append(_day(row))
    return found


@dataclass(frozen=True, slots=True)
class Suspect:
    """A shop's day that is suspected, with what it is compared with."""

    shop: ShopId
    merchant: MerchantId
    gtin: str
    seen: Day
    lows: Lows


def suspects(
    session: Session,
    rule: Rule,
    *,
    area: str,
    since: date,
    after: tuple[date, str, UUID] | None,
    most: int,
) -> list[Suspect]:
    """Days since then on which the rule finds something, newest first: `pricing.judge` in SQL."""
    seen, top = PriceSeenRow, PriceSeenRow.highest_fen
    month = seen.month_low_fen
    cut = and_(seen.list_price_fen > top, _risen(seen.list_price_fen, month, rule.raised_bps))
    statement = (
        select(seen)
        .where(
            seen.day >= since,
            or_(month.is_(None), top > month),
            or_(
                cut,
                _risen(top, month, rule.raised_bps),
                _risen(top, seen.quarter_low_fen, rule.raised_in_quarter_bps),
                _risen(top, seen.city_low_fen, rule.above_city_bps),
            ),
        )
        .order_by(seen.day.desc(), seen.gtin.desc(), seen.shop_id.desc())
        .limit(most)
    )
    statement = statement.where(*_within(area))
    if after:
        statement = statement.where(tuple_(seen.day, seen.gtin, seen.shop_id) < after)
    return [
        Suspect(
            ShopId(row.shop_id),
            MerchantId(row.merchant_id),
            row.gtin,
            _day(row),
            Lows(row.month_low_fen, row.quarter_low_fen, row.city_low_fen),
        )
        for row in session.scalars(statement)
    ]


def _lows(row: Mapping[str, Any], rule: Rule) -> dict[str, Any]:
    """The lows before a day, as parts of the statement that writes it."""

    def low(days: int, merchant: UUID | None = None) -> Any:
        where = [PriceSeenRow.merchant_id == merchant] if merchant else []
        return (
            select(func.min(PriceSeenRow.lowest_fen))
            .where(
                PriceSeenRow.gtin == row["gtin"],
                *_before(row["day"], days),
                *where,
            )
            .scalar_subquery()
        )

    return {
        "month_low_fen": low(rule.month_days, row["merchant_id"]),
        "quarter_low_fen": low(rule.quarter_days, row["merchant_id"]),
        "city_low_fen": low(rule.month_days),
    }


def _risen(price: Any, base: Any, bps: int) -> ColumnElement[bool]:
    price, base = cast(price, BigInteger), cast(base, BigInteger)
    return and_(price > base, price * 10_000 >= base * (10_000 + bps))


def _before(on: date, days: int) -> tuple[ColumnElement[bool], ...]:
    return PriceSeenRow.day < on, PriceSeenRow.day >= on - timedelta(days=days)


def _within(area: str) -> list[ColumnElement[bool]]:
    if not area:
        return []
    return [PriceSeenRow.area.startswith(areas.stem(area), autoescape=True)]


def _first(one: Seen) -> dict[str, Any]:
    return {
        "shop_id": one.shop,
        "gtin": one.gtin,
        "day": one.day,
        "merchant_id": one.merchant,
        "area": one.area,
        "lowest_fen": one.price,
        "highest_fen": one.price,
        "list_price_fen": one.list_price,
        "units": 1,
    }


def _merged(held: Mapping[str, Any], one: Seen) -> dict[str, Any]:
    listed = [price for price in (held["list_price_fen"], one.list_price) if price is not None]
    return dict(held) | {
        "lowest_fen": min(held["lowest_fen"], one.price),
        "highest_fen": max(held["highest_fen"], one.price),
        "list_price_fen": max(listed, default=None),
        "units": held["units"] + 1,
    }


def _day(row: PriceSeenRow) -> Day:
    return Day(row.day, row.lowest_fen, row.highest_fen, row.list_price_fen)
