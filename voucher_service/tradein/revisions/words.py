"""Revisions and what-ifs in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping

from voucher_service.i18n import formats, gettext, mark
from voucher_service.infra import areas
from voucher_service.kernel.money import Money

from ..policy import Category, Energy
from ..words import label
from .effects import BANDS_YUAN, By
from .model import PUBLIC, LineState, Status

WAYS: Mapping[By, str] = {
    By.CATEGORY: mark("品类"),
    By.PRICE: mark("成交价"),
    By.AREA: mark("地区"),
    By.ENERGY: mark("新车的能源"),
}
STATES: Mapping[LineState, str] = {
    LineState.LISTED: mark("只列出"),
    LineState.UNCLAIMED: mark("等本人填卡"),
    LineState.PAYABLE: mark("可以付"),
    LineState.SENT: mark("银行处理中"),
    LineState.PAID: mark("已付"),
    LineState.CANCELLED: mark("退货后取消"),
    LineState.RETURNED: mark("已退回"),
}
_FROM = mark("{low} 及以上")
_BETWEEN = mark("{low} 起，不到 {high}")
_NOWHERE = mark("没有地区")


def status(word: Status, locale: str) -> str:
    """A revision's state."""
    return gettext(PUBLIC[word], locale)


def line_state(word: LineState, locale: str) -> str:
    """Where one difference stands."""
    return gettext(STATES[word], locale)


def way(word: By, locale: str) -> str:
    """What decisions are told apart by."""
    return gettext(WAYS[word], locale)


def key(way: By, word: str, locale: str) -> str:
    """One row of a what-if."""
    if way is By.CATEGORY:
        return label(Category(word), locale)
    if way is By.ENERGY:
        return label(Energy(word), locale)
    if way is By.AREA:
        return areas.name(word, locale) if word else gettext(_NOWHERE, locale)
    low = int(word)
    above = [one for one in BANDS_YUAN if one > low]
    facts = {"low": formats.face(Money.of_yuan(low))}
    if not above:
        return gettext(_FROM, locale, **facts)
    return gettext(_BETWEEN, locale, **facts, high=formats.face(Money.of_yuan(above[0])))
