"""The leverage report as a PDF to hand in: the figures of the screen, and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from voucher_service.causal import words
from voucher_service.causal.service import headline
from voucher_service.i18n import formats, gettext, mark
from voucher_service.kernel.money import ZERO, Money
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

from . import causal, definitions, instruments, layout, sentences
from .groups import Group
from .leverage import TOTAL, LeverageReport
from .trade_in import PAYERS, Subsidies

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
    blocks: list[Block] = [Facts(head), *_side_by_side(report, locale), *_chart(report, locale)]
    blocks.append(_figures(report, locale))
    blocks += [
        Heading(gettext(TOTAL, locale)),
        Facts([Fact(*pair) for pair in layout.in_full(report, locale)]),
    ]
    blocks += _estimates(report, locale)
    if report.trade_in:
        blocks += _trade_in(report, locale)
    blocks += _instruments(report, locale)
    blocks += _sources(report, locale)
    blocks.append(Heading(gettext(mark("名词解释"), locale)))
    blocks += [
        Words(formats.headed(*one.in_words(locale), locale)) for one in definitions.DEFINITIONS
    ]
    return Form(
        gettext(layout.TITLE, locale),
        blocks,
        foot=layout.programme(report, locale),
        pages=gettext(mark("第 {page} 页 / 共 {pages} 页"), locale, page="{page}", pages="{pages}"),
        lang="en" if locale == "en" else "zh",
    )


def _figures(report: LeverageReport, locale: str) -> Table:
    headings = [one.heading for one in (*layout.FEW_AMOUNTS, *layout.FEW_QUOTIENTS)]
    *rows, total = [
        [row.labels[locale], *layout.few(row, locale)] for row in (*report.rows, report.totals)
    ]
    return Table(
        (
            Column(gettext(layout.GROUP_BY[report.group_by], locale), 2),
            *(Column(gettext(one, locale), figures=True) for one in headings),
        ),
        rows,
        total,
        gettext(_UNIT, locale),
    )


def _side_by_side(report: LeverageReport, locale: str) -> list[Block]:
    """Gross, floor, net and what vouchers changed, each for a redeemed yuan."""
    ratios = report.totals.ratios
    if not ratios.on_redeemed:
        return []
    best = headline(report.causal)
    effect = best.spending if best else None
    found = words.interval(effect) if effect else causal.no_cost(report.causal, locale)
    bars = [(one.name, one.figure, one.written()[2]) for one in causal.gross_to_net(ratios, locale)]
    net = effect.point if effect else None
    bars.append((gettext(causal.NET_LEVERAGE, locale), net, found))
    longest = max(1.0, *(value or 0.0 for _, value, _ in bars))
    groups = [
        (name, [Length(max(0, int((value or 0.0) * 1000 / longest)), figure)])
        for name, value, figure in bars
    ]
    unit = gettext(mark("元"), locale)
    return [Bars(gettext(mark("每核销 1 元券，对应多少元消费"), locale), [unit], groups)]


def _chart(report: LeverageReport, locale: str) -> list[Block]:
    """Two sums of each group: in time as lines, else as bars; none where there is nothing."""
    drawing = layout.drawing(report)
    title, top = gettext(drawing.title, locale), drawing.top
    names = [gettext(one.heading, locale) for one in drawing.amounts]
    line = layout.in_time(report)
    if top <= ZERO:
        return []
    if len(line) > 1:
        points = [[_share(one.of(row), top) for row in line] for one in drawing.amounts]
        return [
            Lines(
                title,
                list(zip(names, points, strict=True)),
                line[0].labels[locale],
                line[-1].labels[locale],
                sentences.amount(top, locale),
            )
        ]
    groups = [
        (
            row.labels[locale],
            [
                Length(_share(one.of(row), top), sentences.amount(one.of(row), locale))
                for one in drawing.amounts
            ],
        )
        for row in drawing.rows[:_MOST_BARS]
    ]
    return [Bars(title, names, groups)]


def _estimates(report: LeverageReport, locale: str) -> list[Block]:
    """What vouchers changed, with intervals; what each estimate says and takes for granted."""
    if not report.causal:
        return []
    columns = causal.COLUMNS[: causal.SHORT]
    return [
        Heading(gettext(causal.NET_LEVERAGE, locale)),
        Table(
            [Column(gettext(words, locale), figures=kind != "text") for words, kind in columns],
            [causal.written(one, locale) for one in report.causal],
        ),
        *(Words(causal.explained(one, locale)) for one in report.causal),
    ]


def _instruments(report: LeverageReport, locale: str) -> list[Block]:
    if not report.instruments:
        return []
    name, *headings, cost = [gettext(one, locale) for one, _ in instruments.COLUMNS]
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
    terms = definitions.terms(locale)
    rows = [
        (figure.written, figure.field, terms[figure.definition])
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
        Facts(
            [
                Fact(gettext(layout.QUERY, locale), sentences.query(report), wide=True),
                Fact(gettext(layout.SEALED, locale), layout.sealed(report, locale), wide=True),
            ]
        ),
    ]


def _share(part: Money, whole: Money) -> int:
    return max(0, part.fen) * 1000 // whole.fen if whole.fen > 0 else 0


def _trade_in(report: LeverageReport, locale: str) -> list[Block]:
    found = report.trade_in
    total = Group(None, report.totals.labels, found.totals)
    payers = Table(
        tuple(
            Column(gettext(one, locale), figures=number > 1)
            for number, one in enumerate(layout.PAYING)
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
        _subsidies(gettext(layout.CATEGORY, locale), found.categories, None, locale),
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
