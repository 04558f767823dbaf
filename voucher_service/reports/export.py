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

from voucher_service.infra.sheet_files import guarded
from voucher_service.kernel.money import Money

from . import layout, sheets
from .leverage import LeverageReport
from .sheets import Cell, Kind, Table

_FORMATS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"num_format": "@"},
    Kind.PROSE: {"num_format": "@", "text_wrap": True, "valign": "top"},
    Kind.YUAN: {"num_format": "#,##0.00"},
    Kind.COUNT: {"num_format": "#,##0"},
    Kind.RATIO: {"num_format": "0.00"},
    Kind.SHARE: {"num_format": "0.0%"},
    Kind.DAY: {"num_format": "yyyy-mm-dd", "align": "left"},
}
_WIDTHS = {Kind.TEXT: 24, Kind.PROSE: 60, Kind.YUAN: 17}
_NARROW = 13
_A4 = 9
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
        heading = book.add_format(_HEADING)
        plain, total = (
            {kind: book.add_format(one | extra) for kind, one in _FORMATS.items()}
            for extra in ({}, _TOTAL)
        )
        for table in sheets.tables(report, locale):
            page = _page(book, table, heading)
            kinds = [column.kind for column in table.columns]
            for line, row in enumerate(table.rows, 1):
                _write(page, line, row, [plain[one] for one in kinds])
            _write(page, len(table.rows) + 1, table.total, [total[one] for one in kinds])
    finally:
        book.close()


def csv(report: LeverageReport, out: BinaryIO, locale: str) -> None:
    """Write the groups in UTF-8 with a mark that Excel knows; every row says what it is a part of.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    table, head = sheets.groups(report, locale), layout.head(report, locale)
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
                rows = [*table.rows, *([table.total] if table.total else [])]
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


def _page(book: xlsxwriter.Workbook, table: Table, heading: Any) -> Any:
    page = book.add_worksheet(table.title)
    for column, one in enumerate(table.columns):
        page.set_column(column, column, _WIDTHS.get(one.kind, _NARROW))
        page.write_string(0, column, one.heading, heading)
    page.freeze_panes(1, 1)
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    return page


def _write(page: Any, line: int, cells: Sequence[Cell], formats: Sequence[Any]) -> None:
    for column, (cell, format_) in enumerate(zip(cells, formats, strict=False)):
        if cell is None:
            page.write_blank(line, column, None, format_)
        elif isinstance(cell, str):
            page.write_string(line, column, cell, format_)
        elif isinstance(cell, date):
            page.write_datetime(line, column, cell, format_)
        else:
            page.write_number(line, column, _plain(cell), format_)
