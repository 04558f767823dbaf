"""The tables of a leverage report, as data: Excel and CSV only write them down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from voucher_service.i18n import gettext, mark
from voucher_service.kernel.money import Money

from . import causal, instruments, layout, sentences
from .definitions import DEFINITIONS
from .groups import Group, GroupBy
from .leverage import LeverageReport, Row
from .trade_in import PAYERS, Subsidies

Cell = str | int | float | Decimal | Money | date | None
_YUAN, _FEN = mark("{amount}（元）"), mark("{amount}（分）")
_VOUCHERS = (mark("发放张数"), mark("核销张数"), mark("过期张数"))
_TRADE_IN = mark("以旧换新：{figure}")
_CATEGORY = mark("品类")


class Kind(StrEnum):
    """What stands in a column. `prose` is text of many words; `ratio` and `share` are quotients."""

    TEXT = "text"
    PROSE = "prose"
    YUAN = "yuan"
    COUNT = "count"
    RATIO = "ratio"
    SHARE = "share"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading in the reader's language, and what stands in it."""

    heading: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `name` is what a file of it is called. `total` is its last row, if it has one."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()


def tables(report: LeverageReport, locale: str) -> list[Table]:
    """All that a report says, what one must know of it first; tables without a row are left out."""
    every = (
        _about(report, locale),
        groups(report, locale),
        *_trade_in(report, locale),
        instrument_lines(report, locale),
        _estimates(report, locale),
        _sources(report, locale),
        _definitions(locale),
    )
    return [one for one in every if one.rows or one.total]


def groups(report: LeverageReport, locale: str) -> Table:
    """The figures by group, vouchers' and trade-in's; sums in yuan, those of vouchers in fen too.

    In a report by day the first cell of a row is a date.
    """
    by_day = report.group_by is GroupBy.DAY
    amounts = [gettext(one.heading, locale) for one in layout.AMOUNTS]
    subsidies = [
        Column(gettext(_TRADE_IN, locale, figure=one.heading), one.kind)
        for one in _subsidy_columns(locale)
    ]
    columns = [
        _column(layout.GROUP_BY[report.group_by], Kind.DAY if by_day else Kind.TEXT, locale),
        *(Column(gettext(_YUAN, locale, amount=one), Kind.YUAN) for one in amounts),
        *(
            _column(one.heading, Kind.SHARE if one.share else Kind.RATIO, locale)
            for one in layout.QUOTIENTS
        ),
        *(_column(one, Kind.COUNT, locale) for one in _VOUCHERS),
        *(Column(gettext(_FEN, locale, amount=one), Kind.COUNT) for one in amounts),
        *subsidies,
    ]
    *rows, total = [
        [_name(row, by_day=by_day, locale=locale), *_figures(row), *_subsidies(subsidised)]
        for row, subsidised in layout.lines(report)
    ]
    return Table("groups", gettext(mark("分组"), locale), columns, rows, total)


def instrument_lines(report: LeverageReport, locale: str) -> Table:
    """What each instrument moved; the last line says why they are not added up."""
    columns = [_column(words, kind, locale) for words, kind in instruments.COLUMNS]
    rows: list[Sequence[Cell]] = [instruments.cells_of(one, locale) for one in report.instruments]
    note = [[gettext(instruments.NOTE, locale)]] if rows else []
    return Table("instruments", gettext(instruments.TITLE, locale), columns, [*rows, *note])


def _column(heading: str, kind: str, locale: str) -> Column:
    return Column(gettext(heading, locale), Kind(kind))


def _about(report: LeverageReport, locale: str) -> Table:
    (_, programme), *facts = layout.head(report, locale)
    title = gettext(layout.TITLE, locale)
    columns = [Column(title, Kind.TEXT), Column(programme, Kind.PROSE)]
    return Table("about", title, columns, facts)


def _name(row: Row, *, by_day: bool, locale: str) -> str | date:
    if by_day and row.key:
        return date.fromisoformat(row.key)
    return row.labels[locale]


def _figures(row: Row) -> list[Cell]:
    amounts = [one.of(row) for one in layout.AMOUNTS]
    return [
        *amounts,
        *(one.of(row) for one in layout.QUOTIENTS),
        row.figures.vouchers_issued,
        row.figures.vouchers_redeemed,
        row.figures.vouchers_lapsed,
        *(one.fen for one in amounts),
    ]


def _subsidies(group: Group[Subsidies]) -> list[Cell]:
    counts = [one.of(group) for one in layout.TRADE_IN_COUNTS]
    return [*counts, *(one.of(group) for one in layout.TRADE_IN_AMOUNTS)]


def _subsidy_columns(locale: str) -> list[Column]:
    amounts = [gettext(one.heading, locale) for one in layout.TRADE_IN_AMOUNTS]
    return [
        *(_column(one.heading, Kind.COUNT, locale) for one in layout.TRADE_IN_COUNTS),
        *(Column(gettext(_YUAN, locale, amount=one), Kind.YUAN) for one in amounts),
    ]


def _trade_in(report: LeverageReport, locale: str) -> list[Table]:
    """Trade-in by category, and who pledged and paid how much."""
    found = report.trade_in
    categories = [[one.labels[locale], *_subsidies(one)] for one in found.categories]
    payers = [
        [gettext(PAYERS[one.payer], locale), one.labels[locale], one.pledged, one.delivered]
        for one in found.payers
    ]
    paying = zip(layout.PAYING, (Kind.TEXT, Kind.TEXT, Kind.YUAN, Kind.YUAN), strict=True)
    return [
        Table(
            "trade-in",
            gettext(layout.TRADE_IN, locale),
            [_column(_CATEGORY, Kind.TEXT, locale), *_subsidy_columns(locale)],
            categories,
        ),
        Table(
            "payers",
            gettext(mark("谁出的钱"), locale),
            [_column(words, kind, locale) for words, kind in paying],
            payers,
        ),
    ]


def _estimates(report: LeverageReport, locale: str) -> Table:
    """Every estimate; without one what to ask for."""
    title = gettext(causal.NET_LEVERAGE, locale)
    if not report.causal:
        none, *wanted = causal.none(locale)
        return Table("causal", title, [Column(none, Kind.PROSE)], [[one] for one in wanted])
    columns = [_column(words, kind, locale) for words, kind in causal.COLUMNS]
    return Table("causal", title, columns, [causal.cells_of(one, locale) for one in report.causal])


def _sources(report: LeverageReport, locale: str) -> Table:
    """The year-end sentences, and where each of their figures comes from."""
    meanings = {one.key: one.in_words(locale)[0] for one in DEFINITIONS}
    sealed = layout.sealed(report, locale)
    query = sentences.query(report)
    rows: list[list[Cell]] = []
    for said in sentences.sentences(report, locale):
        rows += [
            [
                said.text,
                figure.written,
                str(figure.value),
                figure.field,
                meanings[figure.definition],
                query,
                sealed,
            ]
            for figure in said.figures
        ] or [[said.text]]
    headings = (
        sentences.HEADING,
        *sentences.SOURCES,
        layout.QUERY,
        layout.SEALED,
    )
    columns = [_column(one, Kind.PROSE, locale) for one in headings]
    columns.insert(2, _column(sentences.EXACT, Kind.TEXT, locale))
    return Table("sentences", gettext(sentences.HEADING, locale), columns, rows)


def _definitions(locale: str) -> Table:
    columns = [
        _column(mark("名词"), Kind.TEXT, locale),
        _column(mark("意思"), Kind.PROSE, locale),
    ]
    rows = [one.in_words(locale) for one in DEFINITIONS]
    return Table("definitions", gettext(mark("名词解释"), locale), columns, rows)
