"""Tables as files to hand on: CSV and Excel, written a line at a time.

A year costs no more memory than a day. Texts are texts: no number of an order loses its zeros and
no name becomes a formula.
"""

from __future__ import annotations

import contextlib
import csv as csv_module
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any, BinaryIO

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
_MOST_LINES = 1_048_575  # of a sheet, below its head
# Where double-width signs are typed, spreadsheets read them as the others.
_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
Cell = str | int | Money | datetime | date | None
Column = tuple[str, str]
Put = Callable[[Sequence[Cell]], object]
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
    with csv_lines(sheet.columns, out) as put:
        for row in sheet.rows:
            put(row)


def xlsx(sheet: Sheet, out: BinaryIO) -> None:
    """One sheet whose head stays in place: texts as texts, sums in yuan and times as such."""
    with xlsx_lines(sheet.title, sheet.columns, out) as put:
        for row in sheet.rows:
            put(row)


@contextlib.contextmanager
def csv_lines(columns: Sequence[Column], out: IO[bytes]) -> Iterator[Put]:
    """As `csv`, for who has its rows one after another."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    writer = csv_module.writer(text, quoting=csv_module.QUOTE_NONNUMERIC)
    writer.writerow([words for _, words in columns])
    yield lambda row: writer.writerow([guarded(_plain(cell)) for cell in row])
    text.flush()
    text.detach()


@contextlib.contextmanager
def xlsx_lines(
    title: str, columns: Sequence[Column], out: IO[bytes], *, created: datetime | None = None
) -> Iterator[Put]:
    """As `xlsx`, for who has its rows one after another; more than a sheet holds go on in the next.

    With the instant at which the book was `created` the same rows are the same bytes.
    """
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    if created is not None:
        book.set_properties({"created": created.astimezone(UTC).replace(tzinfo=None)})
    heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
    formats = {kind: book.add_format({"num_format": one}) for kind, one in _FORMATS.items()}
    kinds = [formats[kind] for kind, _ in columns]
    written = 0
    page: Any = None

    def put(row: Sequence[Cell]) -> None:
        nonlocal page, written
        if written % _MOST_LINES == 0:
            page = _page(book, title, columns, heading)
        for column, cell in enumerate(row):
            _put(page, written % _MOST_LINES + 1, column, cell, kinds[column])
        written += 1

    try:
        yield put
        if page is None:
            _page(book, title, columns, heading)
    finally:
        book.close()


WRITERS: dict[str, Write] = {"csv": csv, "xlsx": xlsx}


def guarded(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, with an apostrophe in front."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def wall(instant: datetime) -> datetime:
    """The time on a wall in Shanghai, to the second; a spreadsheet knows no zones."""
    return instant.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0)


def _page(book: Any, title: str, columns: Sequence[Column], heading: Any) -> Any:
    number = len(book.worksheets()) + 1
    page = book.add_worksheet(title if number == 1 else f"{title} {number}")
    for column, (kind, words) in enumerate(columns):
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
        return str(wall(cell))
    return cell.isoformat() if isinstance(cell, date) else cell
