"""The leverage report in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from voucher_service.i18n import formats, gettext, mark

from . import causal, definitions, instruments, layout, sentences
from .groups import Group as Grouped
from .leverage import LeverageReport
from .trade_in import PAYERS, Subsidies, TradeIn

_UNIT = mark("万元")
_PAYING: tuple[JustifyMethod, ...] = ("left", "left", "right", "right")


def leverage(report: LeverageReport, locale: str) -> RenderableType:
    """Head, figures by group in 万元 (CNY million), the totals in full, and definitions."""
    parts: list[RenderableType] = [Text(gettext(layout.TITLE, locale), style="bold")]
    parts.append(_pairs(layout.head(report, locale)))
    parts += [
        Text(),
        _figures(report, locale),
        Text(),
        _pairs(layout.in_full(report, locale)),
        Text(),
    ]
    if report.causal:
        parts += _estimates(report, locale)
    if report.trade_in:
        parts += [*_trade_in(report, locale), Text()]
    if report.instruments:
        parts += _instruments(report, locale)
    parts += _sources(report, locale)
    parts.append(_pairs([one.in_words(locale) for one in definitions.DEFINITIONS]))
    return Group(*parts)


def _figures(report: LeverageReport, locale: str) -> Table:
    table = Table(show_footer=True, pad_edge=False, padding=0, box=box.SIMPLE)
    # Names are data: a square bracket in one of them is no markup.
    lines: list[list[str | Text]] = [
        [Text(row.labels[locale]), *layout.few(row, locale)]
        for row in (*report.rows, report.totals)
    ]
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
        *(f"{gettext(one.heading, locale)}\n{unit}" for one in layout.FEW_AMOUNTS),
        *(
            gettext(one.heading, locale).replace(" ÷ ", "\n÷\N{NO-BREAK SPACE}")
            for one in layout.FEW_QUOTIENTS
        ),
    ]


def _estimates(report: LeverageReport, locale: str) -> list[RenderableType]:
    """What vouchers changed, with intervals; what each estimate says and takes for granted."""
    table = Table(pad_edge=False, box=box.SIMPLE)
    for words, kind in causal.COLUMNS[: causal.SHORT]:
        justify: JustifyMethod = "left" if kind == "text" else "right"
        table.add_column(gettext(words, locale), justify=justify, overflow="fold")
    for one in report.causal:
        table.add_row(*(Text(cell) for cell in causal.written(one, locale)))
    said = (Text(causal.explained(one, locale)) for one in report.causal)
    return [Text(gettext(causal.NET_LEVERAGE, locale), style="bold"), table, *said, Text()]


def _instruments(report: LeverageReport, locale: str) -> list[RenderableType]:
    """What each instrument moved, in 万元 (CNY million)."""
    title = f"{gettext(instruments.TITLE, locale)} · {gettext(_UNIT, locale)}"
    table = Table(pad_edge=False, box=box.SIMPLE)
    for words, kind in instruments.COLUMNS:
        broken = gettext(words, locale).replace(" ÷ ", "\n÷\N{NO-BREAK SPACE}")
        table.add_column(broken, justify="left" if kind == "text" else "right", overflow="fold")
    for one in report.instruments:
        table.add_row(*(Text(cell) for cell in instruments.written(one, locale)))
    return [Text(title, style="bold"), table, Text(gettext(instruments.NOTE, locale)), Text()]


def _sources(report: LeverageReport, locale: str) -> list[RenderableType]:
    """Where each figure of the year-end sentences comes from."""
    terms = definitions.terms(locale)
    table = Table(pad_edge=False, box=box.SIMPLE)
    for words in sentences.SOURCES:
        table.add_column(gettext(words, locale), overflow="fold")
    for said in sentences.sentences(report, locale):
        for one in said.figures:
            table.add_row(Text(one.written), Text(one.field), terms[one.definition])
    return [Text(gettext(sentences.HEADING, locale), style="bold"), table] if table.rows else []


def _trade_in(report: LeverageReport, locale: str) -> list[RenderableType]:
    found = report.trade_in
    total = Grouped(None, report.totals.labels, found.totals)
    by_group = gettext(layout.GROUP_BY[report.group_by], locale)
    return [
        Text(gettext(layout.TRADE_IN, locale), style="bold"),
        _subsidies(by_group, (*found.rows, total), locale),
        _subsidies(gettext(layout.CATEGORY, locale), found.categories, locale),
        _payers(found, locale),
    ]


def _subsidies(heading: str, groups: Sequence[Grouped[Subsidies]], locale: str) -> Table:
    shown = layout.told_amounts(groups)
    table = Table(pad_edge=False, box=box.SIMPLE)
    table.add_column(heading, overflow="fold")
    for column in (*layout.TRADE_IN_COUNTS, *shown):
        table.add_column(gettext(column.heading, locale), justify="right")
    for one in groups:
        counts = [formats.count(column.of(one)) for column in layout.TRADE_IN_COUNTS]
        amounts = [formats.money(column.of(one)) for column in shown]
        table.add_row(Text(one.labels[locale]), *counts, *amounts)
    return table


def _payers(found: TradeIn, locale: str) -> Table:
    table = Table(pad_edge=False, box=box.SIMPLE)
    for heading, justify in zip(layout.PAYING, _PAYING, strict=True):
        table.add_column(gettext(heading, locale), justify=justify)
    for one in found.payers:
        payer, sums = gettext(PAYERS[one.payer], locale), (one.pledged, one.delivered)
        table.add_row(payer, Text(one.labels[locale]), *map(formats.money, sums))
    return table


def _pairs(pairs: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(name, style="dim"), Text(value))
    return table
