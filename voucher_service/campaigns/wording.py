"""What an offer's terms say, in words for residents, tills and officials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Protocol

from voucher_service.i18n import formats, gettext, mark
from voucher_service.kernel.money import Money

from .model import (
    WHOLE_BPS,
    GoodsClass,
    OfferKind,
    PartialRefund,
    RefundRule,
    Window,
)

GOODS: Mapping[str, str] = {
    GoodsClass.FUEL: mark("燃油"),
    GoodsClass.TOBACCO: mark("烟草"),
    GoodsClass.ALCOHOL: mark("酒类"),
    GoodsClass.PHARMACY: mark("药品"),
    GoodsClass.GIFT_CARD: mark("购物卡"),
    GoodsClass.JEWELLERY: mark("金银珠宝"),
}
REFUNDS: Mapping[str, str] = {
    RefundRule.IN_VALIDITY: mark("整单退货，有效期内还能再用；过了期不恢复。"),
    RefundRule.NEVER: mark("用过就不退券，退货只退自己付的钱。"),
    RefundRule.NEXT_DAY: mark("当天整单退货，马上能再用；以后退的，第二天起能再用。"),
    RefundRule.RESTORED: mark("整单退货，券收回，名额还给您，可以再领。"),
}
_PARTS_BACK: Mapping[str, str] = {
    OfferKind.PACK: mark("只退一部分，那一张不恢复。"),
    OfferKind.BALANCE: mark("只退一部分，券抵的那份回到余额。"),
}
_PART_BACK = mark("只退一部分，券不恢复。")
PARTIAL_REFUNDS: Mapping[str, str] = {
    PartialRefund.PROPORTIONAL: mark("只退一部分：优惠按留下的货的比例保留。"),
    PartialRefund.THRESHOLD_KEPT: mark(
        "只退一部分：留下的还够门槛，优惠不变；不够，差多少扣多少。"
    ),
}
_WEEKDAYS = (
    mark("周一"),
    mark("周二"),
    mark("周三"),
    mark("周四"),
    mark("周五"),
    mark("周六"),
    mark("周日"),
)


class Worth(Protocol):
    """What a voucher takes off: an offer's terms, as it stands or as it was frozen."""

    @property
    def kind(self) -> str: ...
    @property
    def face_value(self) -> Money: ...
    @property
    def threshold(self) -> Money: ...
    @property
    def rate_bps(self) -> int | None: ...
    @property
    def pieces(self) -> int: ...


class When(Protocol):
    """When a voucher can be used."""

    @property
    def hours(self) -> Sequence[Window]: ...
    @property
    def weekdays(self) -> Sequence[int]: ...


def benefit(offer: Worth, locale: str) -> str:
    """What a voucher is good for: 每单打 8 折，最多减 ¥30."""
    texts = _BENEFIT if has_threshold(offer) else _WITHOUT_THRESHOLD
    return gettext(texts[offer.kind], locale, **_facts(offer, locale))


def rule(offer: Worth, locale: str) -> str | None:
    """The line below the figure of a ticket; None where the threshold says it all."""
    text = _RULES.get(offer.kind)
    return text and gettext(text, locale, **_facts(offer, locale))


def when(offer: When, locale: str) -> str:
    """When it can be used: 周一至周五 10:00–14:00; empty for always."""
    hours = formats.listed((_window(*one, locale) for one in offer.hours), locale)
    return " ".join(part for part in (weekdays(offer.weekdays, locale), hours) if part)


def weekdays(days: Sequence[int], locale: str) -> str:
    """Days of the week: 周一至周五; empty for none."""
    return formats.listed((_days(run, locale) for run in _runs(days)), locale)


def goods(classes: Sequence[str], locale: str) -> str:
    """Classes of goods by name: 燃油、烟草."""
    return formats.listed((gettext(GOODS.get(one, str(one)), locale) for one in classes), locale)


def refunds(rule: str, locale: str, kind: str | None = None) -> str:
    """What becomes of a voucher whose order goes back; of one of a kind also by a part of it."""
    whole = gettext(REFUNDS[rule], locale)
    if kind is None or rule == RefundRule.NEVER:
        return whole
    part = gettext(_PARTS_BACK.get(kind, _PART_BACK), locale)
    return f"{whole} {part}" if locale == "en" else whole + part


def partial_refunds(rule: str, locale: str) -> str:
    """What of the discount stays with an order that goes back in part."""
    return gettext(PARTIAL_REFUNDS[rule], locale)


def has_threshold(offer: Worth) -> bool:
    """Whether the threshold says more than that an order is needed at all."""
    if offer.kind in (OfferKind.PERCENT_CAPPED, OfferKind.BALANCE):
        return offer.threshold.fen > least_threshold(offer.rate_bps)
    return True


def least_threshold(rate_bps: int | None) -> int:
    """The least order, in fen, of which a rate leaves one fen; without a rate one fen."""
    return 1 if rate_bps is None else -(-WHOLE_BPS // rate_bps)


_BENEFIT: Mapping[str, str] = {
    OfferKind.THRESHOLD: mark("满 {threshold} 减 {face}"),
    OfferKind.FIXED: mark("满 {threshold} 减 {face}"),
    OfferKind.PERCENT_CAPPED: mark("每单满 {threshold} 打 {tenths} 折，最多减 {face}"),
    OfferKind.PACK: mark("{pieces} 张，每张满 {threshold} 减 {face}"),
    OfferKind.BALANCE: mark("余额券 {face}，每单满 {threshold} 可用，可分次用"),
}
_WITHOUT_THRESHOLD: Mapping[str, str] = {
    OfferKind.PERCENT_CAPPED: mark("每单打 {tenths} 折，最多减 {face}"),
    OfferKind.BALANCE: mark("余额券 {face}，可分次用"),
}
_RULES: Mapping[str, str] = {
    OfferKind.PERCENT_CAPPED: mark("{tenths} 折，最多减 {face}"),
    OfferKind.PACK: mark("满 {threshold} 可用，共 {pieces} 张"),
    OfferKind.BALANCE: mark("余额，可分次用"),
}


def _facts(offer: Worth, locale: str) -> dict[str, str]:
    rate = offer.rate_bps or 0
    return {
        "threshold": formats.face(offer.threshold),
        "face": formats.face(offer.face_value),
        "pieces": formats.count(offer.pieces),
        "tenths": _plain(rate, 100) if locale == "en" else _plain(WHOLE_BPS - rate, 1_000),
    }


def _plain(value: int, unit: int) -> str:
    """A quotient without trailing zeros: 8.5."""
    whole, rest = divmod(value, unit)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def _window(opens: time, closes: time, locale: str) -> str:
    text = mark("{opens}–{closes}") if closes > opens else mark("{opens}–次日 {closes}")
    return gettext(text, locale, opens=f"{opens:%H:%M}", closes=f"{closes:%H:%M}")


def _runs(days: Sequence[int]) -> list[list[int]]:
    """Days in a row together: [[1, 2, 3], [6]]."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _days(run: Sequence[int], locale: str) -> str:
    first, last = (gettext(_WEEKDAYS[day - 1], locale) for day in (run[0], run[-1]))
    if len(run) < 3:
        return formats.listed((gettext(_WEEKDAYS[day - 1], locale) for day in run), locale)
    return gettext(mark("{first}至{last}"), locale, first=first, last=last)
