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

from voucher_service.i18n import gettext, mark
from voucher_service.infra import areas
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money

from .outcomes import (
    COLUMNS,
    FORMAT,
    KEY_LENGTH,
    PROVIDER,
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
_MOST_QUOTED = 40  # characters of a cell that is wrong
_HEAD = ("kind", "provider", "made_on", "offer", "amounts", "from", "to", "lines", "total_fen")

NOT_UTF8 = mark("文件不是 UTF-8 编码。用 Excel 的话，另存为“CSV UTF-8”。")
NOT_CSV = mark("这一行不是完整的 CSV。")
NO_FORMAT = mark("第一行要写“voucher-outcomes,2026-11”。")
NO_HEAD = mark("缺少“{column}”这一行，或写得不对：{found}")
NO_COLUMNS = mark("这一行要写列名：{column}")
CELLS = mark("这一行要有 {column} 列，有 {found} 列。")
VALUE = mark("“{column}”写得不对：{found}")
FEN = mark("“{column}”要写整数，单位是分：{found}")
COUNT = mark("“{column}”要写整数：{found}")
AREA = mark("没有这个地区代码：{found}")
WEEK = mark("“{column}”要写周一的日期，像 2026-08-31，在文件所说的起止之内：{found}")
DAY = mark("“{column}”要写日期，像 2026-08-31，在文件所说的起止之内：{found}")
WHOLE_WEEKS = mark("“{column}”：起要是周一，止要是周日。")
NO_LINES = mark("文件里一行数据也没有。")
LINES = mark("文件说有 {column} 行，实际有 {found} 行。")
TOTAL = mark("文件说合计 {column} 分，各行相加是 {found} 分。")
TWICE = mark("这一行与前面的行重复。")
UNKNOWN_KEY = mark("没有给出过这个代号，或本人已不同意。")
COVER = mark("文件要包括 {column} 的每一周：开始前至少四周，到最后一张券过期那一周。")
COVER_VALID = mark("文件要包括 {column} 的每一天：券有效的那几周。")
UNKNOWN_SHOP = mark("没有这家门店。")
NO_THRESHOLD = mark("这种券没有满减门槛，从订单的大小看不出它的效果。")


class _Wrong(Exception):
    """What is wrong with a line, with which column, and what stands there."""


def refusal(*lines: tuple[int, str, str] | tuple[int, str, str, str]) -> OutcomeFileInvalid:
    """The refusal of a file: each line by its number (0: the file), the text, its column, and what
    was found there.
    """
    told = [
        {"line": number, "text": text, "column": column, "found": "".join(found)[:_MOST_QUOTED]}
        for number, text, column, *found in lines
    ]
    return OutcomeFileInvalid(extra={"lines": told})


def in_words(error: OutcomeFileInvalid, locale: str) -> list[tuple[list[int], str]]:
    """The sentences of a refusal, each with the numbers of its lines (none: the file)."""
    said: dict[str, list[int]] = {}
    for one in error.extra["lines"]:
        text = gettext(one["text"], locale, column=one["column"], found=one["found"])
        said.setdefault(text, []).extend([one["line"]] if one["line"] else [])
    return [(numbers, text) for text, numbers in said.items()]


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
    if _filled(row) != [FORMAT, VERSION]:
        raise refusal((number, NO_FORMAT, ""))
    said: dict[str, str] = {}
    for name in _HEAD:
        number, row = next(rows, (number + 1, []))
        cells = _filled(row)
        if len(cells) != 2 or cells[0] != name:
            raise refusal((number, NO_HEAD, name, ",".join(cells)))
        said[name] = cells[1].strip()
    head = _said(said)
    number, row = next(rows, (number + 1, []))
    if tuple(_filled(row)) != COLUMNS[head.kind]:
        raise refusal((number, NO_COLUMNS, ",".join(COLUMNS[head.kind])))
    return head


def _filled(row: list[str]) -> list[str]:
    """A row of the head without empty cells at its end: Excel makes all rows equally long."""
    while row and not row[-1]:
        row = row[:-1]
    return row


def _said(said: Mapping[str, str]) -> Head:
    def value(name: str, read: Callable[[str], T]) -> T:
        try:
            return read(said[name])
        except ValueError:
            raise refusal((_HEAD.index(name) + 2, NO_HEAD, name, said[name])) from None

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
    width = len(COLUMNS[head.kind])
    wrong: list[tuple[int, str, str, str]] = []
    count, total = 0, 0
    for number, row in rows:
        try:
            if len(row) != width:
                raise _Wrong(CELLS, str(width), str(len(row)))
            line = of(number, dict(zip(COLUMNS[head.kind], row, strict=True)), head)
        except _Wrong as error:
            text, column, found = error.args
            wrong.append((number, text, column, found))
            if len(wrong) >= MOST_NAMED:
                break
            continue
        count, total = count + 1, total + line.amount.fen
        if not wrong:
            yield line
    if wrong:
        raise refusal(*wrong)
    if count != head.lines:
        raise refusal((_HEAD.index("lines") + 2, LINES, str(head.lines), str(count)))
    if not count:
        raise refusal((0, NO_LINES, ""))
    if total != head.total.fen:
        raise refusal((_HEAD.index("total_fen") + 2, TOTAL, str(head.total.fen), str(total)))


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
        raise _Wrong(VALUE, "shop", cells["shop"]) from None
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
        raise _Wrong(COUNT, "people", cells["people"])
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
        raise _Wrong(WEEK, "week", text)
    return found


def _day(text: str, head: Head, wrong: str, column: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise _Wrong(wrong, column, text) from None
    if not head.first <= found <= head.last:
        raise _Wrong(wrong, column, text)
    return found


def _key(text: str) -> bytes:
    if not re.fullmatch(rf"[0-9a-f]{{{KEY_LENGTH}}}", text):
        raise _Wrong(VALUE, "key", text)
    return bytes.fromhex(text)


def _amount(cells: Mapping[str, str]) -> Money:
    try:
        return Money(_whole(cells["amount_fen"], _MOST_FEN))
    except ValueError:
        raise _Wrong(FEN, "amount_fen", cells["amount_fen"]) from None


def _count(cells: Mapping[str, str], column: str) -> int:
    try:
        return _whole(cells[column], _MOST_COUNT)
    except ValueError:
        raise _Wrong(COUNT, column, cells[column]) from None


def _place(cells: Mapping[str, str]) -> str:
    if not areas.known(cells["area"]):
        raise _Wrong(AREA, "area", cells["area"])
    return areas.full(cells["area"])


def _named(cells: Mapping[str, str], column: str, form: str) -> str:
    if not re.fullmatch(form, cells[column]):
        raise _Wrong(VALUE, column, cells[column])
    return cells[column]


def _provider(text: str) -> str:
    if not re.fullmatch(PROVIDER, text):
        raise ValueError(text)
    return text


def _whole(text: str, most: int) -> int:
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or int(text) > most:
        raise ValueError(text)
    return int(text)
