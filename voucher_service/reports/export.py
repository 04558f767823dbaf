"""The leverage report as a file to hand in: Excel and CSV, with the same figures as the screen."""

from __future__ import annotations

import csv as csv_module
import io
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from voucher_service.i18n import gettext, mark
from voucher_service.infra.sheet_files import guarded
from voucher_service.kernel.money import Money

from . import causal, instruments, layout, sentences
from .definitions import DEFINITIONS
from .groups import Group
from .leverage import LeverageReport, Row
from .trade_in import PAYERS, Subsidies

Cell = str | Decimal | float | int | None

_YUAN, _FEN = mark("{amount}（元）"), mark("{amount}（分）")
_VOUCHERS = (mark("发放张数"), mark("核销张数"), mark("过期张数"))
_TRADE_IN = mark("以旧换新：{figure}")
_PAYING = (mark("谁出"), mark("出资方"), mark("约定"), mark("已付"))
_MEANINGS = (mark("名词"), mark("意思"))


def xlsx(report: LeverageReport, out: BinaryIO, locale: str) -> None:
    """Write an Excel file: figures, trade-in by category and payer, estimates, definitions.

    Amounts are in yuan with two decimals, those of vouchers also in whole fen; every text is a
    text cell, so that no name becomes a formula.
    """
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    try:
        _figures_sheet(book, report, locale)
        if report.trade_in:
            _trade_in_sheet(book, report, locale)
        if report.instruments:
            instruments.sheet(book, report.instruments, locale)
        causal.sheet(book, report.totals.ratios, report.causal, locale)
        _sentences_sheet(book, report, locale)
        _definitions_sheet(book, locale)
    finally:
        book.close()


def csv(report: LeverageReport, out: BinaryIO, locale: str) -> None:
    """Write a CSV file in UTF-8 with a mark that Excel knows; every row says what it is a part of.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    writer = csv_module.writer(text, quoting=csv_module.QUOTE_NONNUMERIC)
    head = layout.head(report, locale)
    writer.writerow([*_headings(report, locale), *(heading for heading, _ in head)])
    facts = [guarded(value) for _, value in head]
    for row, subsidised in layout.lines(report):
        writer.writerow([guarded(one) for one in _cells(report, row, subsidised, locale)] + facts)
    text.flush()
    text.detach()


def _headings(report: LeverageReport, locale: str) -> list[str]:
    amounts = [gettext(one.heading, locale) for one in layout.AMOUNTS]
    return [
        gettext(layout.GROUP_BY[report.group_by], locale),
        *(gettext(_YUAN, locale, amount=one) for one in amounts),
        *(gettext(one.heading, locale) for one in layout.QUOTIENTS),
        *(gettext(one, locale) for one in (*causal.FIGURES, *_VOUCHERS)),
        *(gettext(_FEN, locale, amount=one) for one in amounts),
        *(gettext(_TRADE_IN, locale, figure=one) for one in _trade_in_headings(locale)),
    ]


def _trade_in_headings(locale: str) -> list[str]:
    amounts = [gettext(one.heading, locale) for one in layout.TRADE_IN_AMOUNTS]
    counts = [gettext(one.heading, locale) for one in layout.TRADE_IN_COUNTS]
    return counts + [gettext(_YUAN, locale, amount=one) for one in amounts]


def _cells(
    report: LeverageReport, row: Row, subsidised: Group[Subsidies], locale: str
) -> list[Cell]:
    amounts = [one.of(row) for one in layout.AMOUNTS]
    return [
        row.labels[locale],
        *(_yuan(one) for one in amounts),
        *(one.of(row) for one in layout.QUOTIENTS),
        # What vouchers changed is known of the whole, not of its groups.
        *causal.figures(report.causal if row is report.totals else ()),
        row.figures.vouchers_issued,
        row.figures.vouchers_redeemed,
        row.figures.vouchers_lapsed,
        *(one.fen for one in amounts),
        *_trade_in_cells(subsidised),
    ]


def _trade_in_cells(group: Group[Subsidies]) -> list[Decimal | int | None]:
    amounts = [_yuan(one.of(group)) for one in layout.TRADE_IN_AMOUNTS]
    return [*(one.of(group) for one in layout.TRADE_IN_COUNTS), *amounts]


def _yuan(amount: Money) -> Decimal:
    return Decimal(amount.yuan_text())


def _figures_sheet(book: xlsxwriter.Workbook, report: LeverageReport, locale: str) -> None:
    bold = {"bold": True}
    heading = book.add_format(bold | {"text_wrap": True, "bottom": 1, "valign": "top"})
    title = book.add_format(bold | {"font_size": 16})
    sheet = book.add_worksheet(gettext(layout.TITLE, locale))
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, len(_headings(report, locale)) - 1, 17)
    sheet.write_string(0, 0, gettext(layout.TITLE, locale), title)
    head = layout.head(report, locale)
    for line, (name, value) in enumerate(head, 1):
        sheet.write_string(line, 0, name)
        sheet.write_string(line, 1, value)
    first = len(head) + 3  # below the title, the head, a gap and the headings
    for column, text in enumerate(_headings(report, locale)):
        sheet.write_string(first - 1, column, text, heading)
    sheet.freeze_panes(first, 1)
    plain = _formats(book, {})
    *lines, (totals, subsidised) = layout.lines(report)
    for place, (row, one) in enumerate(lines, first):
        _write(sheet, place, _cells(report, row, one, locale), plain)
    total = _formats(book, bold | {"top": 6})
    _write(sheet, first + len(lines), _cells(report, totals, subsidised, locale), total)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _formats(book: xlsxwriter.Workbook, extra: dict[str, Any]) -> list[Any]:
    """The format of each cell of a row, left to right."""
    text, whole, yuan = (
        book.add_format(extra | {"num_format": one}) for one in ("@", "#,##0", "#,##0.00")
    )
    ratio, share = (book.add_format(extra | {"num_format": one}) for one in ("0.00", "0.0%"))
    amounts = len(layout.AMOUNTS)
    quotients = [share if one.share else ratio for one in layout.QUOTIENTS]
    ratios = [*quotients, *[ratio] * len(causal.FIGURES)]
    vouchers = [*[yuan] * amounts, *ratios, *[whole] * (len(_VOUCHERS) + amounts)]
    counts = [whole] * len(layout.TRADE_IN_COUNTS)
    return [text, *vouchers, *counts, *[yuan] * len(layout.TRADE_IN_AMOUNTS)]


def _write(sheet: Any, line: int, cells: list[Cell], formats: list[Any]) -> None:
    for column, (cell, format_) in enumerate(zip(cells, formats, strict=True)):
        if cell is None:
            sheet.write_blank(line, column, None, format_)
        elif isinstance(cell, str):
            sheet.write_string(line, column, cell, format_)
        else:
            sheet.write_number(line, column, cell, format_)


def _trade_in_sheet(book: xlsxwriter.Workbook, report: LeverageReport, locale: str) -> None:
    """Trade-in by category, and below it who pledged and paid how much."""
    found = report.trade_in
    heading = book.add_format({"bold": True, "text_wrap": True, "bottom": 1, "valign": "top"})
    text, whole, yuan = (book.add_format({"num_format": one}) for one in ("@", "#,##0", "#,##0.00"))
    columns = [text, *[whole] * len(layout.TRADE_IN_COUNTS), *[yuan] * len(layout.TRADE_IN_AMOUNTS)]
    sheet = book.add_worksheet(gettext(layout.TRADE_IN, locale))
    sheet.set_column(0, 1, 24)
    sheet.set_column(2, len(columns) - 1, 17)
    category = gettext(mark("品类"), locale)
    _write(sheet, 0, [category, *_trade_in_headings(locale)], [heading] * len(columns))
    for line, one in enumerate(found.categories, 1):
        _write(sheet, line, [one.labels[locale], *_trade_in_cells(one)], columns)
    first = len(found.categories) + 2
    _write(sheet, first, [gettext(one, locale) for one in _PAYING], [heading] * len(_PAYING))
    for line, paid in enumerate(found.payers, first + 1):
        pledged = None if paid.pledged is None else _yuan(paid.pledged)
        names = [gettext(PAYERS[paid.payer], locale), paid.labels[locale]]
        _write(sheet, line, [*names, pledged, _yuan(paid.delivered)], [text, text, yuan, yuan])


def _sentences_sheet(book: xlsxwriter.Workbook, report: LeverageReport, locale: str) -> None:
    """The year-end sentences, and where each of their figures comes from."""
    heading = book.add_format({"bold": True, "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(gettext(sentences.HEADING, locale))
    sheet.set_column(0, 0, 60)
    sheet.set_column(1, 3, 40)
    said = sentences.sentences(report, locale)
    for line, one in enumerate(said):
        sheet.write_string(line, 0, one.text, wrapped)
    first = len(said) + 1
    for column, text in enumerate(sentences.SOURCES):
        sheet.write_string(first, column, gettext(text, locale), heading)
    figures = [figure for one in said for figure in one.figures]
    for line, figure in enumerate(figures, first + 1):
        for column, text in enumerate((figure.written, figure.field, figure.definition)):
            sheet.write_string(line, column, text, wrapped)
    sheet.write_string(first + len(figures) + 2, 0, sentences.query(report), wrapped)


def _definitions_sheet(book: xlsxwriter.Workbook, locale: str) -> None:
    heading = book.add_format({"bold": True, "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(gettext(mark("名词解释"), locale))
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 90)
    for column, text in enumerate(_MEANINGS):
        sheet.write_string(0, column, gettext(text, locale), heading)
    for line, one in enumerate(DEFINITIONS, 1):
        for column, text in enumerate(one.in_words(locale)):
            sheet.write_string(line, column, text, wrapped)
