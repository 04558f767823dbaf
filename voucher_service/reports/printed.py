"""The leverage report in a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from voucher_service.i18n import formats, gettext

from . import layout
from .definitions import DEFINITIONS
from .leverage import LeverageReport, Row

_SHOWN = ("released", "issued", "redeemed", "leveraged")


def leverage(report: LeverageReport, locale: str) -> RenderableType:
    """Head, figures by group in 万元 with the totals in full below, and definitions."""
    parts: list[RenderableType] = [Text(gettext(layout.TITLE, locale), style="bold")]
    parts.append(_pairs(layout.head(report, locale)))
    parts += [Text(), _figures(report, locale), Text(), _in_full(report, locale), Text()]
    parts.append(_pairs([one.in_words(locale) for one in DEFINITIONS]))
    return Group(*parts)


def _figures(report: LeverageReport, locale: str) -> Table:
    table = Table(show_footer=True, pad_edge=False)
    cells = _cells(report.totals, locale)
    headings = [gettext(layout.GROUP_BY[report.group_by], locale), *_headings(locale)]
    for place, (heading, total) in enumerate(zip(headings, cells, strict=True)):
        table.add_column(heading, footer=total, justify="right" if place else "left")
    for row in report.rows:
        table.add_row(*_cells(row, locale))
    return table


def _headings(locale: str) -> list[str]:
    shown: list[layout.Column] = [one for one in layout.AMOUNTS if one.name in _SHOWN]
    return [gettext(one.heading, locale) for one in (*shown, *layout.QUOTIENTS)]


def _cells(row: Row, locale: str) -> list[str | Text]:
    amounts = [one.of(row) for one in layout.AMOUNTS if one.name in _SHOWN]
    quotients = [
        formats.percent(one.of(row)) if one.share else formats.ratio(one.of(row))
        for one in layout.QUOTIENTS
    ]
    # Names are data: a square bracket in one of them is no markup.
    return [Text(row.labels[locale]), *(formats.wan(one, locale) for one in amounts), *quotients]


def _in_full(report: LeverageReport, locale: str) -> Table:
    return _pairs(
        [
            (gettext(one.heading, locale), formats.money(one.of(report.totals)))
            for one in layout.AMOUNTS
        ]
    )


def _pairs(pairs: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in pairs:
        table.add_row(Text(name, style="dim"), Text(value))
    return table
