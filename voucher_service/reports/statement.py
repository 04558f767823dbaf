"""A shop's orders, and a comparison with its till's file, as files to hand in: Excel and CSV.

Written a line at a time, so that a year costs no more memory than a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import BinaryIO

from voucher_service.i18n import formats, gettext, mark
from voucher_service.infra.core import Core
from voucher_service.infra.sheet_files import WRITERS, Cell, Column, Sheet, wall
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.money import ZERO, Money
from voucher_service.reconciliation import matching
from voucher_service.reconciliation.model import (
    FINDINGS,
    Matching,
    MatchingId,
    MatchingLine,
    Ours,
    Part,
    Theirs,
)
from voucher_service.redemption.model import Phase, Status

from .shop_lines import ShopLine, Sought, each, shop_of

_UNIT = mark("{amount}（元）")
_HEAD = (
    ("text", mark("订单号")),
    ("text", mark("状态")),
    ("time", mark("时间")),
    ("yuan", mark("订单金额")),
    ("yuan", mark("券抵")),
    ("yuan", mark("银行和平台优惠")),
    ("yuan", mark("顾客付")),
    ("yuan", mark("退款（订单金额）")),
    ("yuan", mark("退回的券抵")),
    ("text", mark("结算")),
    ("text", mark("券种")),
    ("text", mark("券号")),
    ("text", mark("小票号")),
    ("text", mark("付款单号")),
    ("text", mark("收银员")),
    ("text", mark("摊位")),
)
TOTAL = mark("合计")
_COMPARED = (
    ("text", mark("结果")),
    ("text", mark("订单号")),
    ("count", mark("文件行号")),
    ("time", mark("平台时间")),
    ("yuan", mark("平台订单金额")),
    ("yuan", mark("平台券抵")),
    ("yuan", mark("平台顾客付")),
    ("text", mark("收银时间")),
    ("yuan", mark("收银订单金额")),
    ("yuan", mark("收银券抵")),
    ("yuan", mark("收银顾客付")),
    ("text", mark("不一样的地方")),
)
STATES = {
    Status.FROZEN: mark("使用中"),
    Status.COMMITTED: mark("已核销"),
    Status.CANCELLED: mark("已取消"),
    Status.LAPSED: mark("已超时"),
    Status.REVERSED: mark("已冲正"),
    Status.REFUSED: mark("已作废"),
}
PHASES = {
    Phase.NONE: mark("还没结算"),
    Phase.BATCHED: mark("结算中"),
    Phase.PAID: mark("已付款"),
}
PARTS = {
    Part.ORDER: mark("订单金额"),
    Part.DISCOUNT: mark("券抵"),
    Part.PAID: mark("顾客付"),
}


def statement(
    core: Core, *, actor: Actor, sought: Sought, format_: str, locale: str, out: BinaryIO
) -> None:
    """Write the orders of the manager's shop that fit as `xlsx` or `csv`, and their total.

    What came to nothing has no sums there, so that the columns add up. Raises NotAllowed.
    """
    if not actor.has(Role.MANAGER):
        raise NotAllowed
    with core.transaction() as session:
        found = each(session, shop=shop_of(session, actor), sought=sought)
        title = gettext(mark("核销明细"), locale)
        WRITERS[format_](Sheet(title, _headings(_HEAD, locale), _rows(found, locale)), out)


def compared(
    core: Core, *, actor: Actor, id: MatchingId, format_: str, locale: str, out: BinaryIO
) -> None:
    """Write every line of a comparison. Raises NotAllowed, NoSuchThing."""

    def write(_found: Matching, lines: Iterator[MatchingLine]) -> None:
        rows = (_compared(line, locale) for line in lines)
        title = gettext(mark("对账结果"), locale)
        WRITERS[format_](Sheet(title, _headings(_COMPARED, locale), rows), out)

    matching.export(core, actor=actor, matching=id, write=write)


def _headings(columns: Sequence[Column], locale: str) -> list[Column]:
    def words(kind: str, text: str) -> str:
        said = gettext(text, locale)
        return gettext(_UNIT, locale, amount=said) if kind == "yuan" else said

    return [(kind, words(kind, text)) for kind, text in columns]


def _rows(lines: Iterable[ShopLine], locale: str) -> Iterator[tuple[Cell, ...]]:
    total: tuple[Money, ...] = (ZERO,) * 6
    sales = 0
    for line in lines:
        yield _cells(line, locale)
        if line.sale:
            total = tuple(sum_ + more for sum_, more in zip(total, _money(line), strict=True))
            sales += 1
    yield (
        gettext(TOTAL, locale),
        gettext(mark("{n} 笔已核销"), locale, n=sales),
        None,
        *total,
    )


def _money(line: ShopLine) -> tuple[Money, ...]:
    return (
        line.order,
        line.discount,
        line.other,
        line.paid,
        line.refunded,
        line.refunded_discount,
    )


def _cells(line: ShopLine, locale: str) -> tuple[Cell, ...]:
    return (
        line.reference,
        gettext(STATES[line.status], locale),
        line.at,
        *(_money(line) if line.sale else (None,) * 6),
        gettext(PHASES[line.phase], locale) if line.sale else None,
        line.offer,
        line.number,
        line.ticket,
        line.payment,
        line.cashier,
        line.point,
    )


def _compared(line: MatchingLine, locale: str) -> tuple[Cell, ...]:
    pair = line.pair
    return (
        gettext(FINDINGS[pair.finding], locale),
        pair.reference,
        pair.theirs.line if pair.theirs else None,
        pair.ours.at if pair.ours else None,
        *_sums(pair.ours),
        _said(pair.theirs.at) if pair.theirs else None,
        *_sums(pair.theirs),
        formats.listed((gettext(PARTS[part], locale) for part in pair.differs), locale),
    )


def _sums(side: Ours | Theirs | None) -> tuple[Cell, ...]:
    return (side.order, side.discount, side.paid) if side else (None, None, None)


def _said(at: datetime | date | None) -> str | None:
    """A time as the till's file had it: with the hour, or the day alone."""
    if isinstance(at, datetime):
        return str(wall(at))
    return None if at is None else at.isoformat()
