"""The leverage report as a file to hand in: Excel and CSV, with the same figures as the screen."""

from __future__ import annotations

import csv as csv_module
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import IO, Any, BinaryIO

import xlsxwriter
from rich.cells import cell_len

from voucher_service.infra.sheet_files import guarded
from voucher_service.kernel.money import Money

from . import layout, sheets
from .leverage import LeverageReport
from .sheets import Cell, Column, Kind, Table

_WRAPPED = {"num_format": "@", "text_wrap": True, "valign": "top"}
_FORMATS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: _WRAPPED,
    Kind.PROSE: _WRAPPED,
    Kind.CODE: _WRAPPED,
    Kind.YUAN: {"num_format": "#,##0.00", "valign": "top"},
    Kind.COUNT: {"num_format": "#,##0", "valign": "top"},
    Kind.RATIO: {"num_format": "0.00", "valign": "top"},
    Kind.SHARE: {"num_format": "0.0%", "valign": "top"},
    Kind.DAY: {"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"},
}
# In characters, of which a Chinese one takes two; heights in points a line.
_WIDTHS = {Kind.TEXT: 22, Kind.PROSE: 56, Kind.CODE: 34, Kind.YUAN: 16}
_NARROW, _LINE = 12, 15
_A4, _WIDEST = 9, 240
_HEADING = {"bold": True, "text_wrap": True, "bottom": 1, "valign": "top", "bg_color": "#eef2f7"}
_TOTAL = {"bold": True, "top": 6}
# Packed at the same instant whenever it is packed: the same report is the same bytes.
_PACKED = (1980, 1, 1, 0, 0, 0)


def xlsx(report: LeverageReport, out: BinaryIO, locale: str) -> None:
    """Write an Excel file, a sheet for each table; its head stays in place, and on each page.

    Amounts are in yuan with two decimals, days are dates; every text is a text cell, so that no
    name becomes a formula.
    """
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    try:
        plain, total = (
            {kind: book.add_format(one | extra) for kind, one in _FORMATS.items()}
            for extra in ({}, _TOTAL)
        )
        for table in sheets.tables(report, locale):
            page = _page(book, table, layout.programme(report, locale))
            for line, row in enumerate(table.rows, 1):
                _write(page, line, table, row, plain)
            last = len(table.rows) + 1
            if table.total:
                _write(page, last, table, table.total, total)
            if table.note:
                _note(page, last + 2, table, plain[Kind.PROSE])
    finally:
        book.close()


def csv(report: LeverageReport, out: BinaryIO, locale: str) -> None:
    """Write the groups in UTF-8 with a mark that Excel knows; every row says what it is a part of.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    table, head = sheets.flat(report, locale), layout.head(report, locale)
    facts = [value for _, value in head]
    headings = [one.heading for one in table.columns] + [name for name, _ in head]
    _csv(headings, ([*row, *facts] for row in (*table.rows, table.total)), out)


def zip_(report: LeverageReport, out: BinaryIO, locale: str) -> None:
    """Write every table as a CSV file of its own, in one archive."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in sheets.tables(report, locale):
            named = zipfile.ZipInfo(f"{table.name}.csv", _PACKED)
            named.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(named, "w") as file:
                below = ([table.total], [[table.note]] if table.note else [])
                rows = [row for part in (table.rows, *below) for row in part if row]
                _csv([one.heading for one in table.columns], rows, file)


def _csv(headings: Sequence[str], rows: Iterable[Sequence[Cell]], out: IO[bytes]) -> None:
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    writer = csv_module.writer(text, quoting=csv_module.QUOTE_NONNUMERIC)
    writer.writerow([guarded(one) for one in headings])
    writer.writerows([guarded(_plain(cell)) for cell in row] for row in rows)
    text.flush()
    text.detach()


def _plain(cell: Cell) -> str | int | float | Decimal | None:
    if isinstance(cell, Money):
        return Decimal(cell.yuan_text())
    return cell.isoformat() if isinstance(cell, date) else cell


def _page(book: xlsxwriter.Workbook, table: Table, programme: str) -> Any:
    page = book.add_worksheet(table.title)
    texts, figures = book.add_format(_HEADING), book.add_format(_HEADING | {"align": "right"})
    lines = [-(-cell_len(one.heading) * 5 // (4 * _width(one))) for one in table.columns]
    page.set_row(0, _LINE * max(lines))  # bold, and words wrap
    for column, one in enumerate(table.columns):
        page.set_column(column, column, _width(one))
        page.write_string(0, column, one.heading, texts if _is_text(one) else figures)
    page.freeze_panes(1, 1)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_paper(_A4)
    page.set_footer("&L" + programme.replace("&", "&&") + "&R&P / &N")
    if sum(map(_width, table.columns)) <= _WIDEST:
        page.fit_to_pages(1, 0)
    else:
        page.repeat_columns(0)
    return page


def _write(page: Any, line: int, table: Table, cells: Sequence[Cell], formats: Any) -> None:
    """One row, as high as its longest text needs."""
    pairs = list(zip(cells, table.columns, strict=False))
    lines = (-(-cell_len(one) // _width(column)) for one, column in pairs if isinstance(one, str))
    page.set_row(line, _LINE * max(1, *lines, 1))
    for place, (cell, column) in enumerate(pairs):
        format_ = formats[column.kind]
        if cell is None:
            page.write_blank(line, place, None, format_)
        elif isinstance(cell, str):
            page.write_string(line, place, cell, format_)
        elif isinstance(cell, date):
            page.write_datetime(line, place, cell, format_)
        else:
            page.write_number(line, place, _plain(cell), format_)


def _note(page: Any, line: int, table: Table, format_: Any) -> None:
    """A text below a table, as wide as the table."""
    page.set_row(line, _LINE * -(-cell_len(table.note) // sum(map(_width, table.columns))))
    page.merge_range(line, 0, line, len(table.columns) - 1, "", format_)
    page.write_string(line, 0, table.note, format_)


def _width(column: Column) -> int:
    return _WIDTHS.get(column.kind, _NARROW)


def _is_text(column: Column) -> bool:
    return column.kind in (Kind.TEXT, Kind.PROSE, Kind.CODE, Kind.DAY)
