"""The two files a bank and we exchange: what to pay, and what became of it. Pure."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voucher_service.i18n import mark
from voucher_service.infra import sheet_files, sheets
from voucher_service.infra.sheet_files import Cell, Sheet
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import ZERO, Money

from .model import Form, ReturnInvalid

# The bank reads these words: a file for a machine has no second language.
_OUT = (
    ("count", "序号"),
    ("text", "批次号"),
    ("text", "付款账号"),
    ("text", "付款户名"),
    ("text", "收款账号"),
    ("text", "收款户名"),
    ("text", "收款行名"),
    ("text", "联行号"),
    ("text", "对公/对私"),
    ("yuan", "金额(元)"),
    ("text", "用途"),
    ("text", "摘要"),
    ("text", "业务流水号"),
)
_BACK = (
    ("count", "序号"),
    ("text", "批次号"),
    ("text", "业务流水号"),
    ("yuan", "金额(元)"),
    ("text", "状态"),
    ("text", "失败原因"),
    ("text", "银行流水号"),
    ("text", "时间"),
)
_TOTAL = "合计"
PAID, BOUNCED = "paid", "bounced"
_STATES: Mapping[str, str] = {"成功": PAID, "失败": BOUNCED}
_WORDS = {answer: word for word, answer in _STATES.items()}
_TIME = "%Y-%m-%d %H:%M:%S"
_MOST_LINES = 300_000
_MOST_NAMED = 20
_MOST_UNPACKED = 256 * 1024 * 1024
_FLOW = re.compile(r"[0-9]{22}")
_BATCH = re.compile(r"[0-9]{8}-[0-9]{6,}")
_REFERENCE = re.compile(r"[!-~]{1,64}")
_LONGEST_REASON = 200

NOT_A_TABLE = mark("这个文件打不开。要 CSV（UTF-8 或 GBK）或 Excel（.xlsx）。")
HEADER = mark("第一行要是：{columns}。")
TOO_LONG = mark("文件太长。")
CELLS = mark("这一行的列数不对。")
PLACE = mark("序号要从 1 起一行加 1。")
MIXED = mark("批次号要整个文件一样。")
FLOW = mark("业务流水号要 22 位数字。")
TWICE = mark("这个业务流水号在文件里出现过。")
AMOUNT = mark("金额要写成 128.50 这样。")
STATE = mark("状态只能是“成功”或“失败”。")
NO_REASON = mark("失败要写原因，不超过 200 个字。")
NO_REFERENCE = mark("成功要写银行流水号。")
TIME = mark("时间要写成 2026-11-22 12:30:00 这样。")
NO_TOTAL = mark("最后一行要是“合计”。")
TOTAL = mark("合计是 {count} 笔、{amount} 元，上面各行不是。")
AFTER_TOTAL = mark("“合计”后面还有内容。")
UNKNOWN = mark("这一批没有这个业务流水号。")
OTHER_AMOUNT = mark("金额和付款文件不一样。")
NOT_SENT = mark("这一笔没有交给银行。")
FUTURE = mark("时间在以后。")
DIFFERS = mark("这一笔银行以前回过别的结果。")
GIVEN_BACK = mark("这一笔收款人自己已经还过钱。请先和收款人核对，文件里去掉这一行再传。")
OTHER_BATCH = mark("这是另一个批次的文件。请到那一批的页面上传。")


@dataclass(frozen=True, slots=True)
class Payer:
    """The account that pays, and what is written on every payment."""

    account: str
    name: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Order:
    """One payment as the bank is told; holder and number are in clear."""

    number: str
    holder: str
    bank: str
    cnaps: str
    personal: bool
    amount: Money
    note: str
    flow_number: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bank says of one payment; `line` is its place in the file."""

    line: int
    flow_number: str
    amount: Money
    answer: str
    reason: str
    reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answers:
    """A bank's whole file."""

    batch: str
    answers: tuple[Answer, ...]


def write(form: Form, batch: str, payer: Payer, orders: Sequence[Order]) -> bytes:
    """The file of a batch, with its total in the last line."""
    return _written(form, Sheet(batch, _OUT, _orders(batch, payer, orders)))


def write_answers(form: Form, batch: str, answers: Sequence[Answer]) -> bytes:
    """What a bank would answer: for a played bank."""
    return _written(form, Sheet(batch, _BACK, _answers(batch, answers)))


def read_orders(content: bytes) -> tuple[str, list[tuple[str, str, Money]]]:
    """The batch of our own file, and of each payment the flow number, the account and the amount:
    for a played bank.
    """
    rows = iter(sheets.rows(content, most_unpacked=_MOST_UNPACKED))
    next(rows)
    found = [cells for _, cells in rows if sheets.folded(cells[0]) != _TOTAL]
    orders = [
        (sheets.folded(cells[12]), sheets.folded(cells[4]), sheets.amount(cells[9]) or ZERO)
        for cells in found
    ]
    return sheets.folded(found[0][1]) if found else "", orders


def refusal(lines: Iterable[tuple[int, str]], **words: str) -> ReturnInvalid:
    """A refusal that names lines by number (0: the file) and says what is wrong with each."""
    named = [{"line": number, "text": text} | words for number, text in lines]
    return ReturnInvalid(extra={"lines": named[:_MOST_NAMED]})


def read(content: bytes) -> Answers:
    """A bank's file, whole. Raises ReturnInvalid, which names up to twenty lines."""
    rows = _rows(content)
    _check_head(next(rows, (1, ()))[1])
    found: list[Answer] = []
    wrong: list[tuple[int, str]] = []
    batch, seen, total = "", set[str](), None
    for number, cells in rows:
        if total is not None:
            wrong.append((number, AFTER_TOTAL))
            break
        if sheets.folded(cells[0]) == _TOTAL:
            total = number, cells
            continue
        if len(found) + len(wrong) >= _MOST_LINES:
            raise refusal([(0, TOO_LONG)])
        batch = batch or sheets.folded(cells[1] if len(cells) > 1 else "")
        try:
            one = _answer(number, cells, batch, len(found) + len(wrong) + 1)
            if one.flow_number in seen:
                raise _Wrong(TWICE)
            seen.add(one.flow_number)
            found.append(one)
        except _Wrong as error:
            wrong.append((number, str(error)))
    if wrong:
        raise refusal(wrong)
    if total is None:
        raise refusal([(0, NO_TOTAL)])
    return Answers(_checked_total(*total, batch, found), tuple(found))


class _Wrong(Exception):
    """What is wrong with a line."""


def _written(form: Form, sheet: Sheet) -> bytes:
    out = io.BytesIO()
    sheet_files.WRITERS[form](sheet, out)
    return out.getvalue()


def _orders(batch: str, payer: Payer, orders: Sequence[Order]) -> Iterator[Sequence[Cell]]:
    for place, one in enumerate(orders, 1):
        yield (
            place,
            batch,
            payer.account,
            payer.name,
            one.number,
            one.holder,
            one.bank,
            one.cnaps,
            "对私" if one.personal else "对公",
            one.amount,
            payer.purpose,
            one.note,
            one.flow_number,
        )
    total = Money.total(one.amount for one in orders)
    yield (_TOTAL, batch, *[""] * 7, total, "", f"共{len(orders)}笔", "")


def _answers(batch: str, answers: Sequence[Answer]) -> Iterator[Sequence[Cell]]:
    for place, one in enumerate(answers, 1):
        at = one.at.astimezone(SHANGHAI).strftime(_TIME)
        word = _WORDS[one.answer]
        yield place, batch, one.flow_number, one.amount, word, one.reason, one.reference, at
    total = Money.total(one.amount for one in answers)
    yield _TOTAL, batch, f"共{len(answers)}笔", total, "", "", "", ""


def _rows(content: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    try:
        yield from sheets.rows(content, most_unpacked=_MOST_UNPACKED)
    except sheets.NotATable:
        raise refusal([(0, NOT_A_TABLE)]) from None
    except sheets.TooLarge:
        raise refusal([(0, TOO_LONG)]) from None


def _check_head(cells: Sequence[Any]) -> None:
    wanted = [sheets.heading(words) for _, words in _BACK]
    if [sheets.heading(one) for one in cells if one not in (None, "")] != wanted:
        raise refusal([(1, HEADER)], columns="、".join(words for _, words in _BACK))


def _answer(number: int, cells: Sequence[Any], batch: str, place: int) -> Answer:
    if len(cells) < len(_BACK):
        raise _Wrong(CELLS)
    told = [sheets.folded(one) for one in cells]
    if told[0] != str(place):
        raise _Wrong(PLACE)
    if told[1] != batch or not _BATCH.fullmatch(batch):
        raise _Wrong(MIXED)
    if not _FLOW.fullmatch(told[2]):
        raise _Wrong(FLOW)
    try:
        amount = sheets.amount(cells[3])
    except ValueError:
        raise _Wrong(AMOUNT) from None
    answer = _STATES.get(told[4])
    if amount is None or not amount:
        raise _Wrong(AMOUNT)
    if answer is None:
        raise _Wrong(STATE)
    if answer == BOUNCED and not 0 < len(told[5]) <= _LONGEST_REASON:
        raise _Wrong(NO_REASON)
    if answer == PAID and not _REFERENCE.fullmatch(told[6]):
        raise _Wrong(NO_REFERENCE)
    return Answer(number, told[2], amount, answer, told[5], told[6][:64], _time(cells[7]))


def _time(cell: Any) -> datetime:
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=SHANGHAI)
    try:
        return datetime.strptime(sheets.folded(cell), _TIME).replace(tzinfo=SHANGHAI)
    except ValueError:
        raise _Wrong(TIME) from None


def _checked_total(number: int, cells: Sequence[Any], batch: str, found: Sequence[Answer]) -> str:
    """The batch that the last line names. Raises ReturnInvalid when the lines are not that."""
    named = sheets.folded(cells[1]) if len(cells) > 1 else ""
    counted = sheets.folded(cells[2]) if len(cells) > 2 else ""
    try:
        amount = sheets.amount(cells[3]) if len(cells) > 3 else None
    except ValueError:
        amount = None
    total = Money.total(one.amount for one in found)
    if counted != f"共{len(found)}笔" or amount != total or (found and named != batch):
        told = "" if amount is None else amount.yuan_text()
        raise refusal([(number, TOTAL)], count=counted.strip("共笔"), amount=told)
    return named
