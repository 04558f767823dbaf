"""Read a till's own file: CSV in UTF-8 or GB18030, or Excel; columns by their headings.

All or nothing: a file with a line that can't be read is refused with the lines named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from voucher_service.i18n import mark
from voucher_service.infra import sheets
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import Money

from .model import Theirs, TillFileInvalid

MOST_LINES = 50_000
_MOST_NAMED = 20
_REFERENCE_LENGTH = 64

# The headings of each column, as tills write them, best first; without units, blanks and case.
_HEADINGS: Mapping[str, str] = {
    "reference": (
        "订单号 订单编号 商户订单号 单号 小票号 流水号 交易单号 交易号"
        " orderreference orderno ordernumber orderid reference receiptno"
    ),
    "order": "订单金额 应收金额 应收 消费金额 交易金额 总金额 金额 orderamount bill amount total",
    "at": "时间 核销时间 交易时间 支付时间 下单时间 交易日期 日期 time paidat occurredat date",
    "discount": "券抵 消费券抵扣 券抵扣 消费券 抵扣金额 优惠金额 优惠 discount voucher",
    "paid": "顾客付 实付金额 实付 实收金额 实收 支付金额 paid customerpays",
    "state": "状态 订单状态 state status",
}
_RANKS: Mapping[str, tuple[str, int]] = {
    word: (name, rank)
    for name, words in _HEADINGS.items()
    for rank, word in enumerate(words.split())
}
_TOTALS = frozenset({"合计", "总计", "total"})
_TIMES = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
)
# What is wrong with a line or a file; `{column}` is its heading.
NOT_A_TABLE = mark("这个文件打不开。请存成 CSV（UTF-8 或 GBK）或 Excel（.xlsx）再传。")
EMPTY = mark("文件里一行订单也没有。")
TOO_LONG = mark("文件超过 50000 行。请按天分开传。")
NO_REFERENCE = mark("没找到“订单号”这一列。第一行要写列名。")
NO_AMOUNT = mark("没找到“订单金额”这一列。第一行要写列名。")
TWO_COLUMNS = mark("有两列都像“{column}”。请删掉一列再传。")
REFERENCE = mark("“{column}”要 1 到 64 个字母、数字或符号。")
ROUNDED = mark("“{column}”被表格软件改成了科学计数法或丢了后几位。请把这一列设成文本再导出。")
AMOUNT = mark("“{column}”要写成 128.50 这样的金额，不能是负数。退款行请先删掉。")
TIME = mark("“{column}”要写成 2026-11-22 12:30 这样的时间。")


class _Wrong(Exception):
    """A cell that can't be read, and why."""


def read(content: bytes) -> list[Theirs]:
    """The orders of a file. Raises TillFileInvalid."""
    rows = _rows(content)
    head = next(rows, (0, ()))[1]
    columns = _columns(head)
    found: list[Theirs] = []
    wrong: list[tuple[int, str, str]] = []
    for number, cells in rows:
        if _no_order(cells, columns):
            continue
        if len(found) + len(wrong) >= MOST_LINES:
            raise _refusal((0, TOO_LONG, ""))
        try:
            found.append(_line(number, cells, columns, head))
        except _Wrong as error:
            wrong.append((number, str(error.args[0]), str(error.args[1])))
            if len(wrong) >= _MOST_NAMED:
                break
    if wrong:
        raise _refusal(*wrong)
    if not found:
        raise _refusal((0, EMPTY, ""))
    return found


def _refusal(*lines: tuple[int, str, str]) -> TillFileInvalid:
    """Each line by its number (0: the file), the text of what is wrong, and its column."""
    told = [{"line": number, "text": text, "column": column} for number, text, column in lines]
    return TillFileInvalid(extra={"lines": told})


def _rows(content: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    try:
        yield from sheets.rows(content)
    except sheets.NotATable:
        raise _refusal((0, NOT_A_TABLE, "")) from None
    except sheets.TooLarge:
        raise _refusal((0, TOO_LONG, "")) from None


def _columns(head: Sequence[Any]) -> dict[str, int]:
    """Where each column stands. Raises TillFileInvalid when one is missing or there twice."""
    found: dict[str, tuple[int, int]] = {}
    for place, cell in enumerate(head):
        name, rank = _RANKS.get(sheets.heading(cell), ("", 0))
        if name and name in found and found[name][0] == rank:
            raise _refusal((1, TWO_COLUMNS, str(cell)))
        if name:
            found[name] = min(found.get(name, (rank, place)), (rank, place))
    for name, text in (("reference", NO_REFERENCE), ("order", NO_AMOUNT)):
        if name not in found:
            raise _refusal((1, text, ""))
    return {name: place for name, (_, place) in found.items()}


def _no_order(cells: Sequence[Any], columns: Mapping[str, int]) -> bool:
    """Whether a line is a total, or an order that came to nothing: with a state and without sums,
    as in our own statement.
    """

    def said(name: str) -> str:
        place = columns.get(name, len(cells))
        cell = cells[place] if place < len(cells) else None
        return "" if cell is None else str(cell).strip()

    if said("reference").lower() in _TOTALS:
        return True
    return bool(said("state")) and not any(said(name) for name in ("order", "discount", "paid"))


def _line(
    number: int, cells: Sequence[Any], columns: Mapping[str, int], head: Sequence[Any]
) -> Theirs:
    def cell(name: str) -> Any:
        place = columns.get(name, len(cells))
        return cells[place] if place < len(cells) else None

    def called(name: str) -> str:
        return str(head[columns[name]])

    return Theirs(
        number,
        _reference(cell("reference"), called("reference")),
        _needed(_amount(cell("order"), called("order")), called("order")),
        _time(cell("at"), called("at")) if "at" in columns else None,
        _amount(cell("discount"), called("discount")) if "discount" in columns else None,
        _amount(cell("paid"), called("paid")) if "paid" in columns else None,
    )


def _reference(cell: Any, column: str) -> str:
    try:
        text = sheets.number_text(cell)
    except sheets.Rounded:
        raise _Wrong(ROUNDED, column) from None
    if not re.fullmatch(rf"[\x21-\x7e]{{1,{_REFERENCE_LENGTH}}}", text):
        raise _Wrong(REFERENCE, column)
    return text


def _needed(amount: Money | None, column: str) -> Money:
    if amount is None:
        raise _Wrong(AMOUNT, column)
    return amount


def _amount(cell: Any, column: str) -> Money | None:
    try:
        return sheets.amount(cell)
    except ValueError:
        raise _Wrong(AMOUNT, column) from None


def _time(cell: Any, column: str) -> datetime | date | None:
    if isinstance(cell, datetime):
        return _in_shanghai(cell)
    text = " ".join(sheets.folded(cell).split())
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=SHANGHAI)
        except ValueError:
            continue
    try:
        return sheets.day(cell)
    except ValueError:
        pass
    try:
        return _in_shanghai(datetime.fromisoformat(text))
    except ValueError:
        raise _Wrong(TIME, column) from None


def _in_shanghai(instant: datetime) -> datetime:
    """A till's clock is on the wall of the shop."""
    return instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)
