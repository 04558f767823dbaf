"""The tables of a leverage report, as data: Excel and CSV only write them down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from voucher_service.i18n import gettext, mark
from voucher_service.kernel.money import Money

from . import causal, definitions, instruments, layout, sentences
from .groups import Group, GroupBy
from .leverage import LeverageReport, Row
from .trade_in import PAYERS, Subsidies

Cell = str | int | float | Decimal | Money | date | None
_YUAN, _FEN = mark("{amount}（元）"), mark("{amount}（分）")
_VOUCHERS = (mark("发放张数"), mark("核销张数"), mark("过期张数"))
_TRADE_IN = mark("以旧换新：{figure}")


class Kind(StrEnum):
    """What stands in a column. `prose` is text of many words, `code` text for machines; `ratio` and
    `share` are quotients.
    """

    TEXT = "text"
    PROSE = "prose"
    CODE = "code"
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
    """A table; `name` is what a file of it is called. `total` is its last row, if it has one, and
    `note` is to be read below it.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    note: str = ""


def tables(report: LeverageReport, locale: str) -> list[Table]:
    """All that a report says, what one must know of it first; tables without a row are left out."""
    every = (
        _about(report, locale),
        groups(report, locale),
        *_trade_in(report, locale),
        _instruments(report, locale),
        _estimates(report, locale),
        _sources(report, locale),
        _definitions(locale),
    )
    return [one for one in every if one.rows]


def groups(report: LeverageReport, locale: str) -> Table:
    """What vouchers moved by group, in yuan. In a report by day the first cell is a date."""
    *rows, total = [
        [_name(row, report, locale), *_figures(row)] for row in (*report.rows, report.totals)
    ]
    columns = [_by(report, locale), *_figure_columns(locale)]
    return Table("groups", gettext(mark("分组"), locale), columns, rows, total)


def flat(report: LeverageReport, locale: str) -> Table:
    """Vouchers and trade-in in one table for machines; sums of vouchers stand in whole fen too."""
    subsidies = [
        Column(gettext(_TRADE_IN, locale, figure=one.heading), one.kind)
        for one in _subsidy_columns(locale)
    ]
    columns = [
        _by(report, locale),
        *_figure_columns(locale),
        *(_column(one, Kind.RATIO, locale) for one in causal.FIGURES),
        *(
            Column(gettext(_FEN, locale, amount=gettext(one.heading, locale)), Kind.COUNT)
            for one in layout.AMOUNTS
        ),
        *subsidies,
    ]
    *rows, total = [
        [
            _name(row, report, locale),
            *_figures(row),
            # What vouchers changed is known of the whole, not of its groups.
            *causal.figures(report.causal if row is report.totals else ()),
            *(one.of(row).fen for one in layout.AMOUNTS),
            *_subsidies(subsidised),
        ]
        for row, subsidised in layout.lines(report)
    ]
    return Table("groups", gettext(mark("分组"), locale), columns, rows, total)


def _by(report: LeverageReport, locale: str) -> Column:
    kind = Kind.DAY if report.group_by is GroupBy.DAY else Kind.TEXT
    return _column(layout.GROUP_BY[report.group_by], kind, locale)


def _name(row: Row | Group[Subsidies], report: LeverageReport, locale: str) -> str | date:
    if report.group_by is GroupBy.DAY and row.key:
        return date.fromisoformat(row.key)
    return row.labels[locale]


def _figure_columns(locale: str) -> list[Column]:
    amounts = [gettext(one.heading, locale) for one in layout.AMOUNTS]
    return [
        *(Column(gettext(_YUAN, locale, amount=one), Kind.YUAN) for one in amounts),
        *(
            _column(one.heading, Kind.SHARE if one.share else Kind.RATIO, locale)
            for one in layout.QUOTIENTS
        ),
        *(_column(one, Kind.COUNT, locale) for one in _VOUCHERS),
    ]


def _figures(row: Row) -> list[Cell]:
    return [
        *(one.of(row) for one in layout.AMOUNTS),
        *(one.of(row) for one in layout.QUOTIENTS),
        row.figures.vouchers_issued,
        row.figures.vouchers_redeemed,
        row.figures.vouchers_lapsed,
    ]


def _column(heading: str, kind: str, locale: str) -> Column:
    return Column(gettext(heading, locale), Kind(kind))


def _about(report: LeverageReport, locale: str) -> Table:
    (_, programme), *facts = layout.head(report, locale)
    title = gettext(layout.TITLE, locale)
    columns = [Column(title, Kind.TEXT), Column(programme, Kind.PROSE)]
    return Table("about", title, columns, facts)


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
    """Trade-in by group and by category, and who pledged and paid how much."""
    found = report.trade_in
    title, columns = gettext(layout.TRADE_IN, locale), _subsidy_columns(locale)
    by_group = [[_name(one, report, locale), *_subsidies(one)] for one in found.rows]
    total = [report.totals.labels[locale], *_subsidies(Group(None, {}, found.totals))]
    categories = [[one.labels[locale], *_subsidies(one)] for one in found.categories]
    payers = [
        [gettext(PAYERS[one.payer], locale), one.labels[locale], one.pledged, one.delivered]
        for one in found.payers
    ]
    paying = zip(layout.PAYING, (Kind.TEXT, Kind.TEXT, Kind.YUAN, Kind.YUAN), strict=True)
    return [
        Table("trade-in", title, [_by(report, locale), *columns], by_group, total),
        Table(
            "categories",
            gettext(mark("以旧换新品类"), locale),
            [_column(layout.CATEGORY, Kind.TEXT, locale), *columns],
            categories,
        ),
        Table(
            "payers",
            gettext(mark("谁出的钱"), locale),
            [_column(words, kind, locale) for words, kind in paying],
            payers,
        ),
    ]


def _instruments(report: LeverageReport, locale: str) -> Table:
    return Table(
        "instruments",
        gettext(instruments.TITLE, locale),
        [_column(words, kind, locale) for words, kind in instruments.COLUMNS],
        [instruments.cells_of(one, locale) for one in report.instruments],
        note=gettext(instruments.NOTE, locale),
    )


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
    terms = definitions.terms(locale)
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
                terms[figure.definition],
                query,
                sealed,
            ]
            for figure in said.figures
        ] or [[said.text]]
    figure, field, definition = sentences.SOURCES
    columns = [
        _column(words, kind, locale)
        for words, kind in (
            (sentences.HEADING, Kind.PROSE),
            (figure, Kind.TEXT),
            (sentences.EXACT, Kind.TEXT),
            (field, Kind.CODE),
            (definition, Kind.TEXT),
            (layout.QUERY, Kind.CODE),
            (layout.SEALED, Kind.CODE),
        )
    ]
    return Table("sentences", gettext(sentences.HEADING, locale), columns, rows)


def _definitions(locale: str) -> Table:
    columns = [
        _column(mark("名词"), Kind.TEXT, locale),
        _column(mark("意思"), Kind.PROSE, locale),
    ]
    rows = [one.in_words(locale) for one in definitions.DEFINITIONS]
    return Table("definitions", gettext(mark("名词解释"), locale), columns, rows)
