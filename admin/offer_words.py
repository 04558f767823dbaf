"""Words of an offer's terms on the admin pages: what it takes off, where, when, by what rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from voucher_service.campaigns import wording
from voucher_service.campaigns.model import PartialRefund, RefundRule
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.ids import ShopId
from voucher_service.merchants import service as merchants
from voucher_service.web.language import locale
from voucher_service.web.site import core

from .words import say, scope

_MOST_NAMES = 5
REFUNDS_IN_SHORT: Mapping[str, str] = {
    RefundRule.IN_VALIDITY: mark("整单退：有效期内能再用"),
    RefundRule.NEVER: mark("整单退：券不退"),
    RefundRule.NEXT_DAY: mark("整单退：当天或次日起能再用"),
    RefundRule.RESTORED: mark("整单退：券收回，名额归还"),
}
PARTIAL_REFUNDS_IN_SHORT: Mapping[str, str] = {
    PartialRefund.PROPORTIONAL: mark("部分退：优惠按比例"),
    PartialRefund.THRESHOLD_KEPT: mark("部分退：优惠按门槛"),
}


def shop_list(ids: Sequence[UUID | str]) -> str:
    """Shops by name, the first few of many; one that nobody knows by its id."""
    if not ids:
        return ""
    first = [ShopId(UUID(str(one))) for one in ids[:_MOST_NAMES]]
    with core().transaction() as session:
        known = merchants.shop_names(session, shops=first)
    names = [known[one][0] if one in known else str(one) for one in first]
    if len(ids) == len(names):
        return scope(names, str, "")
    text = mark("{names} 等 {n} 家")
    return gettext(text, locale(), names=scope(names, str, ""), n=len(ids))


def weekdays(days: Sequence[int]) -> str:
    """Days of the week: 周一至周五."""
    return wording.weekdays(days, locale()) or gettext(mark("每天"), locale())


def _localised(words: Callable[[Any, str], str | None]) -> Callable[[Any], str | None]:
    return lambda value: words(value, locale())


def globals_() -> dict[str, Any]:
    """What the templates can say of an offer."""
    return {
        "benefit": _localised(wording.benefit),
        "ticket_rule": _localised(wording.rule),
        "usable_when": _localised(wording.when),
        "goods": _localised(wording.goods),
        "refund_words": _localised(wording.refunds),
        "partial_refund_words": _localised(wording.partial_refunds),
        "refund_in_short": say(REFUNDS_IN_SHORT),
        "partial_refund_in_short": say(PARTIAL_REFUNDS_IN_SHORT),
        "weekdays": weekdays,
        "shop_list": shop_list,
    }
