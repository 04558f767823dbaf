"""Where each fen stands, as a table people read: a row for each place, a column for each state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from voucher_service.budgets.model import Budget, BudgetId, BudgetLine, Span
from voucher_service.budgets.service import Spot, Standing
from voucher_service.budgets.sums import NAMES, Sums
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.money import Money
from voucher_service.ledger.model import Code, Owner, Stage
from voucher_service.web.language import locale

from .words import say

COLUMNS: Mapping[str, str] = {
    "given": mark("拨入"),
    "available": mark("可用"),
    "passed_on": mark("已下达"),
    "reserved": mark("待领"),
    "outstanding": mark("已领未用"),
    "committed": mark("已核销"),
    "settled": mark("已结算"),
    "returned": mark("退回"),
    "carried": mark("结转下年"),
}
ACCOUNTS: Mapping[str, str] = {
    Stage.APPROPRIATION: mark("拨入"),
    Stage.AVAILABLE: mark("可用"),
    Stage.COMMITTED: mark("已核销"),
    Stage.SETTLED: mark("已结算"),
    Stage.RETURNED: mark("退回"),
}
CODES: Mapping[str, str] = {
    Code.FUNDED: mark("批准发放，拨入"),
    Code.PUBLISHED: mark("为发放备足"),
    Code.FOLDED: mark("核销分摊"),
    Code.SETTLED: mark("付给商户"),
    Code.CLOSED: mark("没有用掉，放回"),
    Code.RELIEVED: mark("按门店地区分担"),
    Code.SENT_HOME: mark("结束后退回"),
    Code.REVISED: mark("按新政策补差"),
}
SPANS: Mapping[str, str] = {
    Span.CAMPAIGN: mark("一个活动"),
    Span.DAY: mark("每一天"),
    Span.MONTH: mark("每个月"),
}
# The bar: what is spent first, what is free last.
_BAR = (
    ("settled", "6"),
    ("committed", "3"),
    ("outstanding", "2"),
    ("reserved", "5"),
    ("available", "1"),
    ("returned", "6"),
    ("carried", "6"),
)
_ALWAYS = {"given", "available"}
_MILLE = 1_000


sum_name = say(COLUMNS)


@dataclass(frozen=True, slots=True)
class Place:
    """A row: what it is called, where it leads, and its sums; `depth` indents it."""

    name: str
    href: str | None
    sums: Sums
    depth: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bar: its name, sum, colour, and where it lies in thousandths of the whole."""

    name: str
    amount: Money
    colour: str
    start: int
    width: int


@dataclass(frozen=True, slots=True)
class Table:
    """A standing to be shown: the columns that say something, the rows, and the bar."""

    columns: tuple[str, ...]
    places: tuple[Place, ...]
    total: Sums
    bar: tuple[Part, ...]


def table(standing: Standing, budgets: Sequence[Budget], campaigns: Mapping[UUID, str]) -> Table:
    """A fund's or a budget's standing as a table; `campaigns`: the names that the reader sees."""
    shown = [standing.total, *(one.sums for one in standing.spots)]
    columns = tuple(
        one for one in NAMES if one in _ALWAYS or any(getattr(each, one) for each in shown)
    )
    names = {one.id: one.name for one in budgets}
    places = tuple(_places(standing.spots, names, campaigns))
    return Table(columns, places, standing.total, bar(standing.total))


def bar(total: Sums) -> tuple[Part, ...]:
    """The parts of a sum that are not nothing, as they stand in its bar."""
    parts, at = [], 0
    for name, colour in _BAR:
        amount = getattr(total, name)
        if amount.fen > 0:
            end = at + amount.fen
            start = at * _MILLE // total.given.fen
            width = max(1, end * _MILLE // total.given.fen - start)
            parts.append(Part(sum_name(name), amount, colour, start, width))
            at = end
    return tuple(parts)


def is_low(total: Sums, low_bps: int) -> bool:
    """Whether less than a share of what was given can still be planned with."""
    return total.given.fen > 0 and total.available.fen * 10_000 < total.given.fen * low_bps


def _places(
    spots: Sequence[Spot], budgets: Mapping[BudgetId, str], campaigns: Mapping[UUID, str]
) -> Iterator[Place]:
    """Funds, then allotments budget by budget, each line below what it draws on."""
    below: dict[UUID | None, list[Place]] = {}
    shown = {one.id for one in spots}
    for spot in spots:
        if spot.line:
            source = spot.line.allotment_id if spot.line.allotment_id in shown else None
            below.setdefault(source, []).append(_line(spot, spot.line, campaigns))
        elif spot.owner is Owner.FUND:
            yield Place(_fund(spot), None, spot.sums, 0)
    order: dict[BudgetId | None, int] = {id: number for number, id in enumerate(budgets)}
    allotments = [one for one in spots if one.owner is Owner.ALLOTMENT]
    for spot in sorted(allotments, key=lambda one: order.get(one.budget_id, len(order))):
        known = budgets.get(spot.budget_id) if spot.budget_id else None
        name = known or gettext("别处的预算", locale())
        href = f"/budgets/{spot.budget_id}" if known else None
        yield Place(f"{name} / {_fund(spot)}", href, spot.sums, 1)
        yield from below.get(spot.id, ())
    yield from below.get(None, ())


def _line(spot: Spot, line: BudgetLine, campaigns: Mapping[UUID, str]) -> Place:
    known = campaigns.get(line.campaign_id)
    name = known or gettext("别处的活动", locale())
    href = f"/budgets/lines/{spot.id}" if known else None
    return Place(f"{name} / {spot.funder}", href, spot.sums, 2)


def _fund(spot: Spot) -> str:
    fund = spot.fund
    return f"{spot.funder} {fund.year} {fund.document}" if fund else spot.funder


def globals_() -> dict[str, Any]:
    """What the templates about money can say."""
    return {
        "sum_name": sum_name,
        "account_name": say(ACCOUNTS),
        "code_name": say(CODES),
        "span_name": say(SPANS),
        "sum_bar": bar,
    }
