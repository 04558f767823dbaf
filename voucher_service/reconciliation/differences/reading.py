"""Read a channel's file line by line, in bounded memory, strictly: all of it or nothing.

What is wrong is named by line, the first 20; the totals that a file tells of itself must be right.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import lru_cache
from string import Formatter
from typing import BinaryIO

from voucher_service.i18n import mark

from ..model import Part
from .cells import AMOUNT, Wrong, fen, moment, written
from .formats import COUNTS, facts_of
from .layout import Days, Format, LineKind, Slip, Told, Totals, Unit
from .model import ChannelFileInvalid

MOST_NAMED = 20
_LONGEST_LINE = 64 * 1024
_LINES_BEFORE_HEAD = 50
_BOM = b"\xef\xbb\xbf"
# gzip, zip (which Excel's files are), and the older Excel's.
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_BLANK = " \t\r\n'"
# In which spreadsheets save a file again.
_SAVED_AGAIN = ("gb18030", "utf-8")
_ISO = "%Y-%m-%d %H:%M:%S"
_REFERENCE = re.compile(r"[\x21-\x7e]{1,64}")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")

# What is wrong with a line or a file; `{column}` is its heading.
ENCODING = mark("这一行不是 {column} 编码，读不出来。请用渠道原样下载的文件，不要另存。")
TOO_LONG = mark("这一行太长，不像账单。")
PACKED = mark("这是压缩包或 Excel 文件。请先解压，传里面的 CSV；Excel 的账单请向渠道要 CSV。")
BINARY = mark("这一行有空字节，不是文本。请用渠道原样下载的文件，不要另存。")
NO_HEAD = mark("没找到列名，缺“{column}”。请核对是不是选错了账单格式。")
TWICE = mark("有两列都叫“{column}”。")
SHORT = mark("这一行只有 {found} 列，应有 {said} 列。")
BROKEN = mark("这一行的引号不成对。")
KIND = mark("“{column}”写的是“{said}”，这种账单里没有这个词。")
REFERENCE = mark("“{column}”要 1 到 64 个字母、数字或符号。")
ROUNDED = mark("“{column}”被表格软件改成了科学计数法。请用渠道原样下载的文件。")
NEGATIVE = mark("“{column}”是负数，付款不能是负数。")
TIME = mark("“{column}”写的是“{said}”，不是这种账单的时间。")
AFTER_TOTALS = mark("合计之后还有内容。")
NO_TOTALS = mark("文件末尾没有“{column}”，可能没有下载完整。")
TOTAL = mark("“{column}”不对：文件末尾写的是 {said}，逐行加起来是 {found}。")
EMPTY = mark("文件里一行也没有。这天真的没有交易，请写明是哪一天的账单。")
OTHER_DAY = mark("文件里没有 {said} 的账。")
DAYS_NOT_SAID = mark(
    "这一行是 {said} 的账，前面的是 {found} 的。请写明这份账单是哪几天的（账期），再传一次。"
)
FACTS: Mapping[str, str] = {
    "lines": mark("总笔数"),
    "payments": mark("付款笔数"),
    "refunds": mark("退款笔数"),
    "payment": mark("付款总额"),
    "refund": mark("退款总额"),
}


@dataclass
class Tally:
    """What was counted while reading; sums in fen. `first`: the day of the first line."""

    lines: int = 0
    payments: int = 0
    refunds: int = 0
    payment: int = 0
    refund: int = 0
    first: date | None = None

    def add(self, told: Told) -> None:
        """Count a line."""
        paid = told.paid or 0
        if told.kind is LineKind.PAYMENT:
            self.payments += 1
            self.payment += paid
        else:
            self.refunds += 1
            self.refund += paid
        self.first = self.first or told.day


@dataclass
class Reading:
    """One pass over a file; `tally` is complete once `lines` came to its end.

    `days`: those that it was said to be about. Where nobody said, all its lines are of one day: a
    stray line of another would stand for every day between them.
    """

    format: Format
    source: BinaryIO
    days: Days | None = None
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self._slips: list[Slip] = []
        self._encodings = self.format.encodings
        self._head: list[str] = []
        self._places: dict[str, int] = {}
        self._facts: dict[str, str] = {}
        self._totals_head: list[str] | None = None
        self._over = False
        self._within = False

    def lines(self) -> Iterator[Told]:
        """The payments and refunds of the file, in its order. Raises ChannelFileInvalid."""
        for number, text in self._texts():
            if not self._head:
                self._look_for_head(number, text)
            elif not self._is_total(number, text):
                told = self._told(number, text)
                if told is not None and not self._slips:
                    self._check_day(told)
                    self.tally.add(told)
                    yield told
        self._finish()

    @property
    def about(self) -> Days:
        """The days that the file is about, once it was read."""
        if self.days is not None:
            return self.days
        assert self.tally.first is not None, "its lines say the day, where nobody did"
        return Days(self.tally.first, self.tally.first)

    def _texts(self) -> Iterator[tuple[int, str]]:
        """The lines that hold anything, decoded, with their numbers."""
        number = 0
        while raw := self.source.readline(_LONGEST_LINE + 1):
            number += 1
            if len(raw) > _LONGEST_LINE:
                self._slip(number, TOO_LONG)
                raise self._refusal()  # what follows would be read as lines of their own
            if number == 1 and raw.startswith(_PACKED):
                self._slip(0, PACKED)
                raise self._refusal()
            if b"\0" in raw:
                self._slip(number, BINARY)
                raise self._refusal()  # nor is the rest of the file text
            text = self._decoded(number, raw.removeprefix(_BOM) if number == 1 else raw)
            if text.strip(_BLANK):
                yield number, text

    def _decoded(self, number: int, raw: bytes) -> str:
        """The line as text. Up to the headings the encoding is the one in which they are read."""
        if not self._head:
            tried = [(one, raw.decode(one, "replace")) for one in self._encodings]
            for encoding, text in tried:
                if self.format.reference in text:
                    self._encodings = (encoding,)
                    return text
            if any(self.format.reference in raw.decode(one, "replace") for one in _SAVED_AGAIN):
                self._slip(number, ENCODING, column=self._encodings[0].upper())
                raise self._refusal()  # the headings are there, in an encoding of somebody else
            return tried[0][1]
        try:
            return raw.decode(self._encodings[0])
        except UnicodeDecodeError:
            self._slip(number, ENCODING, column=self._encodings[0].upper())
            return ""

    def _look_for_head(self, number: int, text: str) -> None:
        if self.format.comment and text.startswith(self.format.comment):
            return
        cells = [one.strip(_BLANK) for one in self._cells(number, text)]
        missing = sorted(self.format.headings - set(cells))
        if missing:
            if number > _LINES_BEFORE_HEAD or len(missing) < len(self.format.headings):
                self._slip(number, NO_HEAD, column="”“".join(missing))
                raise self._refusal()
            return
        twice = [one for one in sorted(self.format.headings) if cells.count(one) > 1]
        if twice:
            self._slip(number, TWICE, column=twice[0])
            raise self._refusal()
        self._head = cells
        self._places = {one: cells.index(one) for one in self.format.headings}

    def _is_total(self, number: int, text: str) -> bool:
        """Whether the line is no data: a comment, which may tell totals, or their small table."""
        totals = self.format.totals
        if self.format.comment and text.startswith(self.format.comment):
            for pattern in map(_pattern, totals.texts if totals else ()):
                if found := pattern.match(text):
                    self._facts |= found.groupdict()
            return True
        if self._over:
            self._slip(number, AFTER_TOTALS)
            return True
        if totals is None or not totals.after:
            return False
        if self._totals_head is not None:
            self._read_totals(totals, self._totals_head, self._cells(number, text))
            return True
        if text.lstrip(_BLANK + '"').startswith(totals.after):
            self._totals_head = [one.strip(_BLANK) for one in self._cells(number, text)]
            return True
        return False

    def _read_totals(self, totals: Totals, head: list[str], cells: Sequence[str]) -> None:
        told = dict(zip(head, cells, strict=False))
        self._facts = {
            fact: told[column].strip(_BLANK)
            for fact, column in totals.columns.items()
            if column in told
        }
        self._over = True

    def _cells(self, number: int, text: str) -> Sequence[str]:
        prefix, delimiter = self.format.prefix, self.format.delimiter
        if prefix and text.startswith(prefix):
            # A name in it may hold the delimiter; the prefix behind it says where a field begins.
            return text.strip("\r\n")[len(prefix) :].split(delimiter + prefix)
        try:
            return next(csv.reader([text], delimiter=delimiter, strict=True))
        except csv.Error:
            self._slip(number, BROKEN)
            return ()

    def _told(self, number: int, text: str) -> Told | None:
        cells = self._cells(number, text)
        if not cells:
            return None
        if len(cells) < len(self._head):
            self._slip(number, SHORT, said=str(len(self._head)), found=str(len(cells)))
            return None
        self.tally.lines += 1
        column = ""
        try:
            column = self.format.kind
            kind = self._kind(cells)
            if kind is None:
                return None
            column = self.format.reference
            reference = self._reference(cells)
            column = self.format.at[0]
            at = self._at(cells)
            column = self.format.day
            day = self._day(cells, at)
            if kind is LineKind.REFUND:
                column = self.format.refund
                back = self._amount(cells, column)
                if back is None:
                    raise Wrong(AMOUNT)
                return Told(number, kind, reference, at, day, None, None, abs(back))
            sums = {}
            for part, column in self.format.sums.items():
                sums[part] = self._payment(cells, column)
            return Told(number, kind, reference, at, day, *(sums.get(part) for part in Part))
        except Wrong as error:
            said = cells[self._places[column]].strip(_BLANK)[:40] if column else ""
            self._slip(number, str(error), column=column, said=said)
            return None

    def _cell(self, cells: Sequence[str], column: str) -> str:
        return cells[self._places[column]].strip(_BLANK)

    def _kind(self, cells: Sequence[str]) -> LineKind | None:
        if not self.format.kind:
            return LineKind.PAYMENT
        word = self._cell(cells, self.format.kind)
        if word not in self.format.kinds:
            raise Wrong(KIND)
        return self.format.kinds[word]

    def _reference(self, cells: Sequence[str]) -> str:
        text = self._cell(cells, self.format.reference)
        if _SCIENTIFIC.fullmatch(text):
            raise Wrong(ROUNDED)
        if not _REFERENCE.fullmatch(text):
            raise Wrong(REFERENCE)
        return text

    def _at(self, cells: Sequence[str]) -> datetime:
        text = " ".join(self._cell(cells, one) for one in self.format.at)
        try:
            if self.format.time_form == _ISO and len(text) == 19:
                found = datetime.fromisoformat(text)
            else:
                found = moment(" ".join(text.split()), self.format.time_form)
        except ValueError:
            raise Wrong(TIME) from None
        return found.replace(tzinfo=self.format.zone)

    def _day(self, cells: Sequence[str], at: datetime) -> date:
        if not self.format.day:
            return self.format.business_day(at)
        try:
            return moment(self._cell(cells, self.format.day), self.format.day_form).date()
        except ValueError:
            raise Wrong(TIME) from None

    def _payment(self, cells: Sequence[str], column: str) -> int | None:
        found = self._amount(cells, column)
        if found is not None and found < 0:
            raise Wrong(NEGATIVE)
        return found

    def _amount(self, cells: Sequence[str], column: str) -> int | None:
        text = self._cell(cells, column)
        return fen(text, self.format.unit) if text else None

    def _finish(self) -> None:
        if not self._head and not self._slips:
            self._slip(0, NO_HEAD, column="”“".join(sorted(self.format.headings)))
        elif not self._slips:
            self._check_totals()
        if not self._slips:
            self._check_days()
        if self._slips:
            raise self._refusal()

    def _check_day(self, told: Told) -> None:
        first = self.tally.first
        if self.days is not None:
            self._within = self._within or told.day in self.days
        elif first is not None and told.day != first:
            self._slip(told.line, DAYS_NOT_SAID, said=told.day.isoformat(), found=first.isoformat())
            raise self._refusal()

    def _check_days(self) -> None:
        if self.tally.first is None:
            if self.days is None:
                self._slip(0, EMPTY)
        elif self.days is not None and not self._within:
            self._slip(0, OTHER_DAY, said=str(self.days))

    def _check_totals(self) -> None:
        totals, counted = self.format.totals, vars(self.tally)
        if totals is None:
            return
        known = {*totals.columns, *(fact for one in totals.texts for fact in facts_of(one))}
        needed = totals.needed | {fact for fact in known if counted[fact]}
        for fact in FACTS:
            said = self._facts.get(fact)
            if said is None:
                if fact in needed:
                    self._slip(0, NO_TOTALS, column=FACTS[fact])
                continue
            unit = Unit.FEN if fact in COUNTS else self.format.unit
            try:
                right = abs(fen(said.replace(",", ""), unit)) == counted[fact]
            except Wrong:
                right = False
            if not right:
                self._slip(
                    0, TOTAL, column=FACTS[fact], said=said, found=written(counted[fact], unit)
                )

    def _slip(self, number: int, text: str, **facts: str) -> None:
        self._slips.append(Slip(number, text, **facts))
        if len(self._slips) >= MOST_NAMED:
            raise self._refusal()

    def _refusal(self) -> ChannelFileInvalid:
        return ChannelFileInvalid(
            count=len(self._slips), extra={"lines": [asdict(one) for one in self._slips]}
        )


@lru_cache
def _pattern(text: str) -> re.Pattern[str]:
    """How a line of totals begins, with a group for each fact."""
    parts = (
        re.escape(before) + (f"(?P<{fact}>-?[0-9.,]+)" if fact else "")
        for before, fact, _, _ in Formatter().parse(text)
    )
    return re.compile("".join(parts))
