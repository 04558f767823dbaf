"""The leverage report as a PDF to hand in: the figures of the screen, and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from voucher_service.i18n import formats, gettext, mark
from voucher_service.kernel.money import Money
from voucher_service.printing.forms import (
    Bars,
    Block,
    Column,
    Fact,
    Facts,
    Form,
    Heading,
    Length,
    Lines,
    Table,
    Words,
    printed,
)

from . import causal, instruments, layout, sentences
from .definitions import DEFINITIONS
from .groups import Group
from .leverage import TOTAL, LeverageReport, Row
from .trade_in import PAYERS, Subsidies

# What a page is wide enough for; the totals in full have the rest.
_AMOUNTS = [one for one in layout.AMOUNTS if one.name in ("issued", "redeemed", "leveraged")]
_QUOTIENTS = [one for one in layout.QUOTIENTS if not one.share and "net_" not in one.name]
_DRAWN = [one for one in layout.AMOUNTS if one.name in ("issued", "leveraged")]
_MOST_BARS = 20
_UNIT = mark("单位：万元")
# Before the first reconciliation a report has no instant of its own.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def pdf(report: LeverageReport, locale: str) -> bytes:
    """Head, figures by group in 万元 (CNY million) with a chart, totals in full, definitions.

    The same report gives the same bytes. Raises FontsMissing.
    """
    return printed(_form(report, locale), at=report.as_of or _NEVER)


def _form(report: LeverageReport, locale: str) -> Form:
    head = [Fact(name, value, wide=len(value) > 40) for name, value in layout.head(report, locale)]
    blocks: list[Block] = [Facts(head), _figures(report, locale)]
    if report.rows:
        blocks.append(_chart(report, locale))
    blocks += [Heading(gettext(TOTAL, locale)), Facts(_in_full(report, locale))]
    blocks += _causal(report, locale)
    if report.trade_in:
        blocks += _trade_in(report, locale)
    blocks += _instruments(report, locale)
    blocks += _sources(report, locale)
    blocks.append(Heading(gettext(mark("名词解释"), locale)))
    blocks += [Words("：".join(one.in_words(locale))) for one in DEFINITIONS]
    return Form(
        gettext(layout.TITLE, locale),
        blocks,
        foot=report.programme.name_en if locale == "en" else report.programme.name,
        pages=gettext(mark("第 {page} 页 / 共 {pages} 页"), locale, page="{page}", pages="{pages}"),
        lang="en" if locale == "en" else "zh",
    )


def _figures(report: LeverageReport, locale: str) -> Table:
    headings = [one.heading for one in (*_AMOUNTS, *_QUOTIENTS)]
    *rows, total = [_cells(row, locale) for row in (*report.rows, report.totals)]
    return Table(
        (
            Column(gettext(layout.GROUP_BY[report.group_by], locale), 2),
            *(Column(gettext(one, locale), figures=True) for one in headings),
        ),
        rows,
        total,
        gettext(_UNIT, locale),
    )


def _cells(row: Row, locale: str) -> list[str]:
    amounts = [formats.wan_parts(one.of(row), locale)[0] for one in _AMOUNTS]
    return [row.labels[locale], *amounts, *(formats.ratio(one.of(row)) for one in _QUOTIENTS)]


def _chart(report: LeverageReport, locale: str) -> Bars | Lines:
    """Issued beside leveraged: in time as lines, else as bars, the largest groups first."""
    names = [gettext(one.heading, locale) for one in _DRAWN]
    longest = max(one.of(row) for row in report.rows for one in _DRAWN)
    line = layout.in_time(report)
    if len(line) > 1:
        return Lines(
            gettext(mark("发放和拉动消费"), locale),
            [
                (name, [_share(one.of(row), longest) for row in line])
                for name, one in zip(names, _DRAWN, strict=True)
            ],
            line[0].labels[locale],
            line[-1].labels[locale],
            sentences.amount(longest, locale),
        )
    largest = sorted(report.rows, key=lambda row: -row.figures.leveraged.fen)[:_MOST_BARS]
    return Bars(
        gettext(mark("发放和拉动消费"), locale),
        names,
        [(row.labels[locale], _lengths(row, longest, locale)) for row in largest],
    )


def _lengths(row: Row, longest: Money, locale: str) -> list[Length]:
    return [
        Length(_share(one.of(row), longest), sentences.amount(one.of(row), locale))
        for one in _DRAWN
    ]


def _causal(report: LeverageReport, locale: str) -> list[Block]:
    """Gross, floor, net and what vouchers changed side by side, and what each estimate assumes."""
    name, about, *headings = [gettext(one, locale) for one in causal.COLUMNS]
    columns = (Column(name, 2), Column(about, 3), *(Column(one, figures=True) for one in headings))
    lines = causal.side_by_side(report.totals.ratios, report.causal, locale)
    return [
        Heading(gettext(causal.SIDE_BY_SIDE, locale)),
        Table(columns, [one.written() for one in lines]),
        *(Words(one) for one in causal.in_words(report.causal, locale)),
    ]


def _instruments(report: LeverageReport, locale: str) -> list[Block]:
    if not report.instruments:
        return []
    name, *headings, cost = [gettext(one, locale) for one in instruments.HEADINGS]
    return [
        Heading(gettext(instruments.TITLE, locale)),
        Table(
            (Column(name, 2), *(Column(one, figures=True) for one in headings), Column(cost, 2)),
            [instruments.written(one, locale) for one in report.instruments],
            unit=gettext(_UNIT, locale),
        ),
        Words(gettext(instruments.NOTE, locale)),
    ]


def _sources(report: LeverageReport, locale: str) -> list[Block]:
    """Where each figure of the year-end sentences comes from."""
    meanings = {one.key: one.in_words(locale)[0] for one in DEFINITIONS}
    rows = [
        (figure.written, figure.field, meanings[figure.definition])
        for one in sentences.sentences(report, locale)
        for figure in one.figures
    ]
    if not rows:
        return []
    columns = tuple(Column(gettext(one, locale), 2) for one in sentences.SOURCES)
    return [
        Heading(gettext(sentences.HEADING, locale)),
        Words(sentences.paragraph(report, locale)),
        Table(columns, rows),
        Words(sentences.query(report)),
    ]


def _share(part: Money, whole: Money) -> int:
    return max(0, part.fen) * 1000 // whole.fen if whole.fen > 0 else 0


def _in_full(report: LeverageReport, locale: str) -> list[Fact]:
    amounts = [(one.heading, formats.money(one.of(report.totals))) for one in layout.AMOUNTS]
    shares = [
        (one.heading, formats.percent(one.of(report.totals)))
        for one in layout.QUOTIENTS
        if one.share
    ]
    return [Fact(gettext(heading, locale), value) for heading, value in amounts + shares]


def _trade_in(report: LeverageReport, locale: str) -> list[Block]:
    found = report.trade_in
    total = Group(None, report.totals.labels, found.totals)
    payers = Table(
        tuple(
            Column(gettext(one, locale), figures=number > 1)
            for number, one in enumerate((mark("谁出"), mark("出资方"), mark("约定"), mark("已付")))
        ),
        [
            (
                gettext(PAYERS[one.payer], locale),
                one.labels[locale],
                formats.money(one.pledged),
                formats.money(one.delivered),
            )
            for one in found.payers
        ],
    )
    by_group = gettext(layout.GROUP_BY[report.group_by], locale)
    return [
        Heading(gettext(layout.TRADE_IN, locale)),
        _subsidies(by_group, found.rows, total, locale),
        _subsidies(gettext(mark("品类"), locale), found.categories, None, locale),
        payers,
    ]


def _subsidies(
    heading: str,
    groups: Sequence[Group[Subsidies]],
    total: Group[Subsidies] | None,
    locale: str,
) -> Table:
    every = (*groups, *((total,) if total else ()))
    shown = layout.told_amounts(every)

    def cells(one: Group[Subsidies]) -> list[str]:
        counts = (formats.count(column.of(one)) for column in layout.TRADE_IN_COUNTS)
        amounts = (formats.money(column.of(one)) for column in shown)
        return [one.labels[locale], *counts, *amounts]

    columns = (*layout.TRADE_IN_COUNTS, *shown)
    return Table(
        (
            Column(heading, 2),
            *(Column(gettext(one.heading, locale), figures=True) for one in columns),
        ),
        [cells(one) for one in groups],
        cells(total) if total else (),
    )
