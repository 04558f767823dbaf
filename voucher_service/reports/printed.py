"""The leverage report in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from voucher_service.i18n import formats, gettext, mark

from . import causal, layout
from .definitions import DEFINITIONS
from .groups import Group as Grouped
from .leverage import LeverageReport, Row
from .trade_in import PAYERS, Subsidies, TradeIn

# What fits into 80 columns; the totals in full below have the rest.
_AMOUNTS = [one for one in layout.AMOUNTS if one.name in ("issued", "redeemed", "leveraged")]
_QUOTIENTS = [one for one in layout.QUOTIENTS if not one.share and "net_" not in one.name]
_UNIT = mark("万元")
_PAYING: tuple[tuple[str, JustifyMethod], ...] = (
    (mark("谁出"), "left"),
    (mark("出资方"), "left"),
    (mark("约定"), "right"),
    (mark("已付"), "right"),
)


def leverage(report: LeverageReport, locale: str) -> RenderableType:
    """Head, figures by group in 万元 (CNY million), the totals in full, and definitions."""
    parts: list[RenderableType] = [Text(gettext(layout.TITLE, locale), style="bold")]
    parts.append(_pairs(layout.head(report, locale)))
    parts += [Text(), _figures(report, locale), Text(), _in_full(report, locale), Text()]
    parts += [*_causal(report, locale), Text()]
    if report.trade_in:
        parts += [*_trade_in(report, locale), Text()]
    parts.append(_pairs([one.in_words(locale) for one in DEFINITIONS]))
    return Group(*parts)


def _figures(report: LeverageReport, locale: str) -> Table:
    table = Table(show_footer=True, pad_edge=False, padding=0, box=box.SIMPLE)
    lines = [_cells(row, locale) for row in (*report.rows, report.totals)]
    for heading, cells in zip(_headings(report, locale), zip(*lines, strict=True), strict=True):
        first = not table.columns
        table.add_column(
            heading,
            footer=cells[-1],
            justify="left" if first else "right",
            overflow="fold",
            min_width=None if first else _width(heading, cells),
        )
    for line in lines[:-1]:
        table.add_row(*line)
    return table


def _width(heading: str, cells: Iterable[str | Text]) -> int:
    """Names may break anywhere; figures and the words of a heading may not."""
    words = heading.replace("\n", " ").split(" ")
    return max(cell_len(str(one)) for one in (*words, *cells))


def _headings(report: LeverageReport, locale: str) -> list[str]:
    unit = gettext(_UNIT, locale)
    return [
        gettext(layout.GROUP_BY[report.group_by], locale),
        *(f"{gettext(one.heading, locale)}\n{unit}" for one in _AMOUNTS),
        *(
            gettext(one.heading, locale).replace(" ÷ ", "\n÷\N{NO-BREAK SPACE}")
            for one in _QUOTIENTS
        ),
    ]


def _cells(row: Row, locale: str) -> list[str | Text]:
    quotients = [formats.ratio(one.of(row)) for one in _QUOTIENTS]
    amounts = [formats.wan_parts(one.of(row), locale)[0] for one in _AMOUNTS]
    # Names are data: a square bracket in one of them is no markup.
    return [Text(row.labels[locale]), *amounts, *quotients]


def _causal(report: LeverageReport, locale: str) -> list[RenderableType]:
    """Gross, floor, net and what vouchers changed, side by side."""
    table = Table(pad_edge=False, box=box.SIMPLE)
    for number, heading in enumerate(causal.COLUMNS):
        table.add_column(gettext(heading, locale), justify="right" if number > 1 else "left")
    for one in causal.side_by_side(report.totals.ratios, report.causal, locale):
        table.add_row(*(Text(cell) for cell in one.written()))
    said = [Text(one) for one in causal.in_words(report.causal, locale)]
    return [Text(gettext(causal.SIDE_BY_SIDE, locale), style="bold"), table, *said]


def _in_full(report: LeverageReport, locale: str) -> Table:
    amounts = [(one.heading, formats.money(one.of(report.totals))) for one in layout.AMOUNTS]
    shares = [
        (one.heading, formats.percent(one.of(report.totals)))
        for one in layout.QUOTIENTS
        if one.share
    ]
    return _pairs([(gettext(heading, locale), value) for heading, value in amounts + shares])


def _trade_in(report: LeverageReport, locale: str) -> list[RenderableType]:
    found = report.trade_in
    total = Grouped(None, report.totals.labels, found.totals)
    by_group = gettext(layout.GROUP_BY[report.group_by], locale)
    return [
        Text(gettext(layout.TRADE_IN, locale), style="bold"),
        _subsidies(by_group, (*found.rows, total), locale),
        _subsidies(gettext(mark("品类"), locale), found.categories, locale),
        _payers(found, locale),
    ]


def _subsidies(heading: str, groups: Sequence[Grouped[Subsidies]], locale: str) -> Table:
    shown = layout.told_amounts(groups)
    table = Table(pad_edge=False, box=box.SIMPLE)
    table.add_column(heading, overflow="fold")
    for column in (*layout.TRADE_IN_COUNTS, *shown):
        table.add_column(gettext(column.heading, locale), justify="right")
    for one in groups:
        counts = [_count(column.of(one)) for column in layout.TRADE_IN_COUNTS]
        amounts = [formats.money(column.of(one)) for column in shown]
        table.add_row(Text(one.labels[locale]), *counts, *amounts)
    return table


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _payers(found: TradeIn, locale: str) -> Table:
    table = Table(pad_edge=False, box=box.SIMPLE)
    for heading, justify in _PAYING:
        table.add_column(gettext(heading, locale), justify=justify)
    for one in found.payers:
        pledged = "–" if one.pledged is None else formats.money(one.pledged)
        payer = gettext(PAYERS[one.payer], locale)
        table.add_row(payer, Text(one.labels[locale]), pledged, formats.money(one.delivered))
    return table


def _pairs(pairs: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(name, style="dim"), Text(value))
    return table
