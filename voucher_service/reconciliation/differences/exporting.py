"""A file beside our books, to hand in: Excel and CSV, a line at a time, totals at the end.

The totals tie to the ledger: what our orders in the file cost by the redemptions, and by the
entries under their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from voucher_service.i18n import gettext, mark
from voucher_service.infra.core import Core
from voucher_service.infra.sheet_files import WRITERS, Cell, Column, Sheet
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.money import ZERO, Money

from ..model import Finding, Part
from . import formats, service
from .layout import LineKind
from .model import FINDINGS, PUBLIC, ChannelFile, ChannelFileId, ChannelLine, Status
from .tying import Tie

_UNIT = mark("{amount}（元）")
_COLUMNS = (
    ("text", mark("结果")),
    ("text", mark("处理")),
    ("text", mark("种类")),
    ("text", mark("单号")),
    ("count", mark("文件行号")),
    ("time", mark("平台时间")),
    ("yuan", mark("平台订单金额")),
    ("yuan", mark("平台券抵")),
    ("yuan", mark("平台顾客付")),
    ("time", mark("对方时间")),
    ("day", mark("对方账期")),
    ("yuan", mark("对方订单金额")),
    ("yuan", mark("对方券抵")),
    ("yuan", mark("对方付款")),
    ("text", mark("不一样的地方")),
    ("text", mark("平台编号")),
)
# No customer pays what stands in a bank's statement.
_OF_BANK = {mark("平台顾客付"): mark("平台付款")}
PARTS = {
    Part.ORDER: mark("订单金额"),
    Part.DISCOUNT: mark("券抵"),
    Part.PAID: mark("付款"),
}
TITLE = mark("对账明细")
TOTAL = mark("合计：{what}，{count} 行")
LEDGER = mark("账本：这些订单的补贴")
LEDGER_REFUNDED = mark("账本：其中退回的补贴")
OURS = mark("平台：这些订单的补贴")
OURS_REFUNDED = mark("平台：其中退回的补贴")
BATCHES_IN_LEDGER = mark("账本：这些付款所在批次结算的补贴")
BATCHES = mark("平台：这些付款所在批次已付的补贴")
TIED = mark("两边一样")
NOT_TIED = mark("两边不一样")


@dataclass
class _Sum:
    count: int = 0
    discount: Money = ZERO
    ours: Money = ZERO
    theirs: Money = ZERO

    def add(self, line: ChannelLine) -> None:
        self.count += 1
        if line.ours:
            self.discount += line.ours.discount
            self.ours += line.ours.paid
        if line.theirs and line.theirs.paid:
            self.theirs += line.theirs.paid


def export(
    core: Core, *, actor: Actor, file: ChannelFileId, format_: str, locale: str, out: BinaryIO
) -> None:
    """Write every line of a file and its totals, as `xlsx` or `csv`.

    Raises NotAllowed, NoSuchThing.
    """

    def write(found: ChannelFile, tie: Tie, lines: Iterator[ChannelLine]) -> None:
        rows = _rows(lines, found.format, tie, locale)
        sheet = Sheet(gettext(TITLE, locale), _headings(found.format, locale), rows)
        WRITERS[format_](sheet, out)

    service.export(core, actor=actor, file=file, write=write)


def _headings(format: str, locale: str) -> list[Column]:
    others = _OF_BANK if formats.is_bank(format) else {}

    def words(kind: str, text: str) -> str:
        said = gettext(others.get(text, text), locale)
        return gettext(_UNIT, locale, amount=said) if kind == "yuan" else said

    return [(kind, words(kind, text)) for kind, text in _COLUMNS]


def _ends(tie: Tie, format: str) -> list[tuple[str, Money]]:
    if formats.is_bank(format):
        return [(BATCHES, tie.subsidy), (BATCHES_IN_LEDGER, tie.subsidy_in_ledger)]
    return [
        (OURS, tie.subsidy),
        (LEDGER, tie.subsidy_in_ledger),
        (OURS_REFUNDED, tie.refunded),
        (LEDGER_REFUNDED, tie.refunded_in_ledger),
    ]


def _rows(lines: Iterable[ChannelLine], format: str, tie: Tie, locale: str) -> Iterator[list[Cell]]:
    kinds = formats.kinds(format)
    sums: dict[tuple[Finding, Status | None], _Sum] = {}
    for line in lines:
        sums.setdefault((line.finding, line.status), _Sum()).add(line)
        yield _cells(line, kinds, locale)
    for (finding, status), total in sorted(sums.items(), key=lambda one: str(one[0])):
        what = gettext(FINDINGS[finding], locale)
        told = [gettext(TOTAL, locale, what=what, count=total.count), _said(status, locale)]
        sides: list[Cell] = [total.discount, total.ours, None, None, None, None, total.theirs]
        yield [*told, *[None] * 5, *sides, None, None]
    judged = gettext(TIED if tie.holds else NOT_TIED, locale)
    for text, amount in _ends(tie, format):
        yield [gettext(text, locale), judged, *[None] * 5, amount, *[None] * 8]


def _cells(line: ChannelLine, kinds: Mapping[LineKind, str], locale: str) -> list[Cell]:
    ours, theirs = line.ours, line.theirs
    return [
        gettext(FINDINGS[line.finding], locale),
        _said(line.status, locale),
        gettext(kinds[line.kind], locale),
        line.reference,
        theirs.line if theirs else None,
        ours.at if ours else None,
        *((ours.order, ours.discount) if ours and ours.redemption_id else (None,) * 2),
        ours.paid if ours else None,
        theirs.at if theirs else None,
        theirs.day if theirs else None,
        *((theirs.order, theirs.discount, theirs.paid) if theirs else (None,) * 3),
        "、".join(gettext(PARTS[part], locale) for part in line.differs),
        str(ours.redemption_id or ours.payment_id) if ours else None,
    ]


def _said(status: Status | None, locale: str) -> str:
    return gettext(PUBLIC[status], locale) if status else ""
