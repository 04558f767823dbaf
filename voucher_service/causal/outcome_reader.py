"""Read an outcome file a line at a time: all or nothing, every fault with its line. Pure.

CSV in UTF-8: the lines of the head (`name,value`), the columns' names, then the lines.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import BinaryIO, TypeVar
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.infra import areas
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money

from .outcomes import (
    COLUMNS,
    FORMAT,
    KEY_LENGTH,
    VERSION,
    Amounts,
    Head,
    Kind,
    Line,
    OutcomeFileInvalid,
)

T = TypeVar("T")
MOST_LINES = 20_000_000
MOST_NAMED = 20
_MOST_FEN = 10**12
_MOST_COUNT = 10**9
_LONGEST = 1_000  # characters of a line
_HEAD = ("kind", "provider", "made_on", "offer", "amounts", "from", "to", "lines", "total_fen")

NOT_UTF8 = mark("文件不是 UTF-8 编码。")
NOT_CSV = mark("这一行不是完整的 CSV。")
NO_FORMAT = mark("第一行要写“voucher-outcomes,2026-11”。")
NO_HEAD = mark("缺少“{column}”这一行，或写得不对。")
NO_COLUMNS = mark("这一行要写列名：{column}")
CELLS = mark("这一行的列数不对。")
VALUE = mark("“{column}”写得不对。")
WEEK = mark("“{column}”要写周一的日期，在文件所说的起止之内。")
DAY = mark("“{column}”要写文件起止之内的日期。")
WHOLE_WEEKS = mark("“{column}”：起要是周一，止要是周日。")
LINES = mark("文件说有 {column} 行，实际不是。")
TOTAL = mark("各行金额相加不等于文件所说的合计 {column}。")
TWICE = mark("这一行与前面的行重复。")
UNKNOWN_KEY = mark("没有给出过这个代号，或本人已不同意。")
COVER = mark("文件要包括 {column} 的每一周：开始前至少四周，到最后一张券过期那一周。")
UNKNOWN_SHOP = mark("没有这家门店。")


class _Wrong(Exception):
    """What is wrong with a line, and with which column."""


def refusal(*lines: tuple[int, str, str]) -> OutcomeFileInvalid:
    """The refusal of a file: each line by its number (0: the file), the text, and its column."""
    told = [{"line": number, "text": text, "column": column} for number, text, column in lines]
    return OutcomeFileInvalid(extra={"lines": told})


def read(stream: BinaryIO) -> tuple[Head, Iterator[Line]]:
    """The head, and the lines as they are read.

    Raises OutcomeFileInvalid; going through the lines raises it too: at the end, or after twenty
    that can't be read.
    """
    rows = _rows(stream)
    head = _head(rows)
    return head, _lines(rows, head)


def _rows(stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    number = 0
    reader = csv.reader(_texts(stream), strict=True)
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError:
            raise refusal((number, NOT_UTF8, "")) from None
        except csv.Error:
            raise refusal((number, NOT_CSV, "")) from None
        # A quoted text may not run over the end of its line: lines are counted as they stand.
        if reader.line_num != number:
            raise refusal((number, NOT_CSV, ""))
        yield number, row


def _texts(stream: BinaryIO) -> Iterator[str]:
    first = True
    while line := stream.readline(_LONGEST * 4):
        if first:
            line, first = line.removeprefix(codecs.BOM_UTF8), False
        text = line.decode("utf-8")
        if "\0" in text or len(text) > _LONGEST:
            raise csv.Error
        yield text


def _head(rows: Iterator[tuple[int, list[str]]]) -> Head:
    number, row = next(rows, (1, []))
    if row != [FORMAT, VERSION]:
        raise refusal((number, NO_FORMAT, ""))
    said: dict[str, str] = {}
    for name in _HEAD:
        number, row = next(rows, (number + 1, []))
        if len(row) != 2 or row[0] != name:
            raise refusal((number, NO_HEAD, name))
        said[name] = row[1].strip()
    head = _said(said)
    number, row = next(rows, (number + 1, []))
    if tuple(row) != COLUMNS[head.kind]:
        raise refusal((number, NO_COLUMNS, ",".join(COLUMNS[head.kind])))
    return head


def _said(said: Mapping[str, str]) -> Head:
    def value(name: str, read: Callable[[str], T]) -> T:
        try:
            return read(said[name])
        except ValueError:
            raise refusal((_HEAD.index(name) + 2, NO_HEAD, name)) from None

    first, last = value("from", date.fromisoformat), value("to", date.fromisoformat)
    if first.isoweekday() != 1 or last.isoweekday() != 7 or last < first:
        raise refusal((_HEAD.index("from") + 2, WHOLE_WEEKS, "from, to"))
    return Head(
        value("kind", Kind),
        value("provider", _provider),
        value("made_on", date.fromisoformat),
        OfferId(value("offer", UUID)),
        value("amounts", Amounts),
        first,
        last,
        value("lines", lambda text: _whole(text, MOST_LINES)),
        Money(value("total_fen", lambda text: _whole(text, _MOST_FEN * 1_000))),
    )


def _lines(rows: Iterator[tuple[int, list[str]]], head: Head) -> Iterator[Line]:
    of = {Kind.PANEL: _panel, Kind.ORDERS: _order, Kind.AREAS: _area}[head.kind]
    width, wrong = len(COLUMNS[head.kind]), []
    count, total = 0, 0
    for number, row in rows:
        try:
            if len(row) != width:
                raise _Wrong(CELLS, "")
            line = of(number, dict(zip(COLUMNS[head.kind], row, strict=True)), head)
        except _Wrong as error:
            wrong.append((number, str(error.args[0]), str(error.args[1])))
            if len(wrong) >= MOST_NAMED:
                break
            continue
        count, total = count + 1, total + line.amount.fen
        if not wrong:
            yield line
    if not wrong and count != head.lines:
        wrong.append((_HEAD.index("lines") + 2, LINES, str(head.lines)))
    elif not wrong and total != head.total.fen:
        wrong.append((_HEAD.index("total_fen") + 2, TOTAL, str(head.total.fen)))
    if wrong:
        raise refusal(*wrong)


def _panel(number: int, cells: Mapping[str, str], head: Head) -> Line:
    return Line(
        number,
        _week(cells["week"], head),
        _amount(cells),
        _count(cells, "count"),
        key=_key(cells["key"]),
        area=_place(cells),
        trade=_named(cells, "trade", r"[a-z_]{1,40}"),
    )


def _order(number: int, cells: Mapping[str, str], head: Head) -> Line:
    try:
        shop = UUID(cells["shop"])
    except ValueError:
        raise _Wrong(VALUE, "shop") from None
    return Line(
        number,
        _day(cells["day"], head, DAY, "day"),
        _amount(cells),
        1,
        shop=shop,
        reference=_named(cells, "order_reference", r"[\x21-\x7e]{1,64}"),
    )


def _area(number: int, cells: Mapping[str, str], head: Head) -> Line:
    people = _count(cells, "people")
    if not people:
        raise _Wrong(VALUE, "people")
    return Line(
        number,
        _week(cells["week"], head),
        _amount(cells),
        _count(cells, "count"),
        area=_place(cells),
        trade=_named(cells, "trade", r"[a-z_]{1,40}"),
        people=people,
    )


def _week(text: str, head: Head) -> date:
    found = _day(text, head, WEEK, "week")
    if found.isoweekday() != 1 or found + timedelta(days=6) > head.last:
        raise _Wrong(WEEK, "week")
    return found


def _day(text: str, head: Head, wrong: str, column: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise _Wrong(wrong, column) from None
    if not head.first <= found <= head.last:
        raise _Wrong(wrong, column)
    return found


def _key(text: str) -> bytes:
    if not re.fullmatch(rf"[0-9a-f]{{{KEY_LENGTH}}}", text):
        raise _Wrong(VALUE, "key")
    return bytes.fromhex(text)


def _amount(cells: Mapping[str, str]) -> Money:
    try:
        return Money(_whole(cells["amount_fen"], _MOST_FEN))
    except ValueError:
        raise _Wrong(VALUE, "amount_fen") from None


def _count(cells: Mapping[str, str], column: str) -> int:
    try:
        return _whole(cells[column], _MOST_COUNT)
    except ValueError:
        raise _Wrong(VALUE, column) from None


def _place(cells: Mapping[str, str]) -> str:
    if not areas.known(cells["area"]):
        raise _Wrong(VALUE, "area")
    return areas.full(cells["area"])


def _named(cells: Mapping[str, str], column: str, form: str) -> str:
    if not re.fullmatch(form, cells[column]):
        raise _Wrong(VALUE, column)
    return cells[column]


def _provider(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,40}", text):
        raise ValueError(text)
    return text


def _whole(text: str, most: int) -> int:
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or int(text) > most:
        raise ValueError(text)
    return int(text)
