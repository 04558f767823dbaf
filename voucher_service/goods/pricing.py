"""Raise-then-cut (先涨后降) and raise-then-subsidise (先涨后补), from prices alone. Pure.

A price at or below the lowest of the last month at the same merchant is never suspected, whatever
the list price says: who buys pays no more than before. What may be asked at most is no suspicion: a
price is filed at or below the guide price, and a till refuses one above the filed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from voucher_service.kernel.money import Money


class Reason(StrEnum):
    """Why a price is looked at."""

    RAISED_THEN_CUT = "raised_then_cut"
    RAISED = "raised"
    RAISED_IN_QUARTER = "raised_in_quarter"
    ABOVE_CITY = "above_city"


@dataclass(frozen=True, slots=True)
class Rule:
    """From which rise on a price is suspected, in basis points of the lowest seen before.

    `month_days` and `quarter_days` are how far back the two comparisons look.
    """

    raised_bps: int
    raised_in_quarter_bps: int
    above_city_bps: int
    month_days: int
    quarter_days: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for a unit: `price` after the merchant's discounts, `list_price` before."""

    price: Money
    list_price: Money | None = None


@dataclass(frozen=True, slots=True)
class Lows:
    """The lowest prices seen on the days before: at the merchant, and in the whole city."""

    month: Money | None = None
    quarter: Money | None = None
    city: Money | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a price is looked at, what it is compared with, and by how much it is above that.

    `asked` is the price; for a price raised and cut it is the list price, which was raised.
    """

    reason: Reason
    asked: Money
    base: Money
    over: Money


@dataclass(frozen=True, slots=True)
class Day:
    """What one merchant's shop was seen to ask for one product on a day."""

    day: date
    lowest: Money
    highest: Money
    list_price: Money | None = None


def suspicions(asked: Asked, lows: Lows, rule: Rule) -> tuple[Finding, ...]:
    """Whether the price was raised before, be it cut again or not; at most one for each base."""
    if lows.month is not None and asked.price <= lows.month:
        return ()
    return tuple(
        one
        for one in (
            _in_month(asked, lows.month, rule),
            _above(Reason.RAISED_IN_QUARTER, asked, lows.quarter, rule.raised_in_quarter_bps),
            _above(Reason.ABOVE_CITY, asked, lows.city, rule.above_city_bps),
        )
        if one is not None
    )


def judge(day: Day, lows: Lows, rule: Rule) -> tuple[Finding, ...]:
    """Whether a day is suspected, by the most that was asked on it."""
    return suspicions(Asked(day.highest, day.list_price), lows, rule)


def lows_before(history: Iterable[Day], day: date, rule: Rule) -> Lows:
    """The merchant's lowest prices on the days before this one."""
    before = [(day - one.day, one.lowest) for one in history if one.day < day]

    def lowest(days: int) -> Money | None:
        return min((low for ago, low in before if ago <= timedelta(days=days)), default=None)

    return Lows(lowest(rule.month_days), lowest(rule.quarter_days))


def risen(price: Money, base: Money, bps: int) -> bool:
    """Whether a price is higher than its base by at least that share of it."""
    return price > base and price.fen * 10_000 >= base.fen * (10_000 + bps)


def _in_month(asked: Asked, low: Money | None, rule: Rule) -> Finding | None:
    if low is None:
        return None
    listed = asked.list_price
    if listed is not None and listed > asked.price and risen(listed, low, rule.raised_bps):
        return Finding(Reason.RAISED_THEN_CUT, listed, low, asked.price - low)
    return _above(Reason.RAISED, asked, low, rule.raised_bps)


def _above(reason: Reason, asked: Asked, low: Money | None, bps: int) -> Finding | None:
    if low is None or not risen(asked.price, low, bps):
        return None
    return Finding(reason, asked.price, low, asked.price - low)
