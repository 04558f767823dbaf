"""Tables that people upload: CSV in UTF-8 or GB18030, or Excel, read a row at a time.

A cell is a text, or what Excel makes of it: a number, a day, nothing.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import openpyxl

from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import Money

MOST_UNPACKED = 64 * 1024 * 1024
_MOST_COLUMNS = 64
_MOST_FEN = 10**12
_EXACT_DIGITS = 15  # Excel keeps no more of a number
_UNIT = re.compile(r"\((元|人民币|yuan|cny|rmb)\)|[\s_\-.:]")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日")


class NotATable(Exception):
    """Neither CSV nor Excel, or broken."""


class TooLarge(Exception):
    """Unpacked it is larger than it may be."""


class Rounded(ValueError):
    """A number that a spreadsheet wrote with fewer digits than it had."""


def rows(
    content: bytes, *, most_unpacked: int = MOST_UNPACKED
) -> Iterator[tuple[int, Sequence[Any]]]:
    """The rows that hold anything, with their numbers; the first sheet of a book.

    Raises NotATable; TooLarge for a book of more than `most_unpacked` bytes.
    """
    found = _excel(content, most_unpacked) if content.startswith(b"PK") else _csv(content)
    for number, cells in enumerate(found, 1):
        if any(cell not in (None, "") for cell in cells):
            yield number, cells


def heading(cell: Any) -> str:
    """A heading without its unit, blanks and case."""
    return _UNIT.sub("", folded(cell).lower())


def folded(cell: Any) -> str:
    """A cell's text in half width, trimmed, without the apostrophe by which spreadsheets, and our
    own files, mark a text.
    """
    text = "" if cell is None else str(cell)
    return unicodedata.normalize("NFKC", text).strip().lstrip("'")


def number_text(cell: Any) -> str:
    """The digits and letters of a number that names something, without blanks. Raises Rounded."""
    if isinstance(cell, int | float):
        if cell != int(cell) or len(str(int(cell))) > _EXACT_DIGITS:
            raise Rounded
        cell = int(cell)
    text = "".join(folded(cell).split())
    if _SCIENTIFIC.fullmatch(text):
        raise Rounded
    return text


def amount(cell: Any) -> Money | None:
    """A sum in yuan; None for an empty cell. Raises ValueError for a negative or broken one."""
    if cell in (None, ""):
        return None
    text = folded(cell).replace(",", "").lstrip("¥￥'").strip()
    try:
        fen = Decimal(text) * 100
    except InvalidOperation:
        raise ValueError(text) from None
    if not fen.is_finite() or not 0 <= fen <= _MOST_FEN or fen != fen.to_integral_value():
        raise ValueError(text)
    return Money(int(fen))


def day(cell: Any) -> date | None:
    """A day; None for an empty cell. Raises ValueError."""
    if cell in (None, ""):
        return None
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = folded(cell)
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=SHANGHAI).date()
        except ValueError:
            continue
    raise ValueError(text)


def _csv(content: bytes) -> Iterator[Sequence[Any]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise NotATable
    if "\x00" in text:
        raise NotATable
    first = text.partition("\n")[0]
    delimiter = max(",\t;", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    except csv.Error:
        raise NotATable from None


def _excel(content: bytes, most_unpacked: int) -> Iterator[Sequence[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > most_unpacked:
                raise TooLarge
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        yield from book.worksheets[0].iter_rows(max_col=_MOST_COLUMNS, values_only=True)
    except TooLarge:
        raise
    except Exception as error:  # whatever a broken or hostile file makes of the reader
        raise NotATable from error
