"""Tables as files to hand on: CSV and Excel, written a line at a time.

A year costs no more memory than a day. Texts are texts: no number of an order loses its zeros and
no name becomes a formula.
"""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import Money

_WIDTHS = {"text": 22, "yuan": 14, "time": 20, "day": 12, "count": 12}
_FORMATS = {
    "text": "@",
    "yuan": "#,##0.00",
    "time": "yyyy-mm-dd hh:mm:ss",
    "day": "yyyy-mm-dd",
    "count": "0",
}
_MOST_LINES = 1_000_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
Cell = str | int | Money | datetime | date | None
Column = tuple[str, str]
Write = Callable[["Sheet", BinaryIO], None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table that is read once. `columns`: the kind of cell (`text yuan time day count`) and the
    heading in the reader's language.
    """

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]


def csv(sheet: Sheet, out: BinaryIO) -> None:
    """UTF-8 with a mark that Excel knows, every text quoted and guarded against formulas."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    writer = csv_module.writer(text, quoting=csv_module.QUOTE_NONNUMERIC)
    writer.writerow([words for _, words in sheet.columns])
    for row in sheet.rows:
        writer.writerow([guarded(_plain(cell)) for cell in row])
    text.flush()
    text.detach()


def xlsx(sheet: Sheet, out: BinaryIO) -> None:
    """A sheet whose head stays in place: texts as texts, sums in yuan and times as such.

    What one sheet of Excel can't hold stands on further ones, each with the head.
    """
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    try:
        heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        formats = {kind: book.add_format({"num_format": one}) for kind, one in _FORMATS.items()}
        page = _page(book, sheet, sheet.title, heading)
        for place, row in enumerate(sheet.rows):
            number, line = divmod(place, _MOST_LINES)
            if number and not line:
                page = _page(book, sheet, f"{sheet.title} {number + 1}", heading)
            for column, cell in enumerate(row):
                _put(page, line + 1, column, cell, formats[sheet.columns[column][0]])
    finally:
        book.close()


WRITERS: dict[str, Write] = {"csv": csv, "xlsx": xlsx}


def guarded(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, with an apostrophe in front."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def wall(instant: datetime) -> datetime:
    """The time on a wall in Shanghai; a spreadsheet knows no zones."""
    return instant.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0)


def _page(book: xlsxwriter.Workbook, sheet: Sheet, title: str, heading: Any) -> Any:
    page = book.add_worksheet(title)
    for column, (kind, words) in enumerate(sheet.columns):
        page.set_column(column, column, _WIDTHS[kind])
        page.write_string(0, column, words, heading)
    page.freeze_panes(1, 1)
    return page


def _put(page: Any, line: int, column: int, cell: Cell, format_: Any) -> None:
    if isinstance(cell, Money):
        page.write_number(line, column, Decimal(cell.yuan_text()), format_)
    elif isinstance(cell, datetime):
        page.write_datetime(line, column, wall(cell), format_)
    elif isinstance(cell, date):
        page.write_datetime(line, column, cell, format_)
    elif isinstance(cell, int):
        page.write_number(line, column, cell, format_)
    elif cell:
        page.write_string(line, column, cell, format_)


def _plain(cell: Cell) -> str | int | Decimal | None:
    if isinstance(cell, Money):
        return Decimal(cell.yuan_text())
    if isinstance(cell, datetime):
        return f"{wall(cell):%Y-%m-%d %H:%M:%S}"
    return cell.isoformat() if isinstance(cell, date) else cell
