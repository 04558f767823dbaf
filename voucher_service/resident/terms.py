"""How the residents' pages say what an offer takes off, when it can be used, by what rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from voucher_service.campaigns import wording
from voucher_service.campaigns.model import Offer, OfferKind
from voucher_service.i18n import formats, mark
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.redemption.model import Payer, Redemption
from voucher_service.vouchers.model import Voucher
from voucher_service.web.language import _, locale
from voucher_service.web.site import core

_MOST_NAMES = 5
_PAYERS = {Payer.BANK: mark("银行优惠"), Payer.PLATFORM: mark("平台优惠")}


def benefit(offer: Offer) -> str:
    """What a voucher is good for: 每单打 8 折，最多减 ¥30."""
    return wording.benefit(offer, locale())


def rule(offer: Offer) -> str | None:
    """The line below the figure of an offer's ticket; None where the threshold says it all."""
    return wording.rule(offer, locale())


def figure(voucher: Voucher) -> Money:
    """The figure of a voucher's ticket: what it takes off the next order at most."""
    return min(voucher.offer.face_value, voucher.left) or voucher.offer.face_value


def voucher_rule(voucher: Voucher) -> str | None:
    """The line below that figure; of a pack with how many pieces are left."""
    offer = voucher.offer
    if offer.kind is not OfferKind.PACK or not voucher.left:
        return rule(offer)
    return _(
        "满 {threshold} 可用，还剩 {n} 张",
        threshold=formats.face(offer.threshold),
        n=voucher.left.fen // offer.face_value.fen,
    )


def usable_when(offer: Offer) -> str:
    """When it can be used: 周一至周五 10:00–14:00; empty for always."""
    return wording.when(offer, locale())


def excluded(offer: Offer) -> str:
    """The goods that don't count: 燃油、烟草."""
    return wording.goods(offer.excluded_items, locale())


def only_shops(offer: Offer) -> str:
    """The shops that take it, the first few of many by name; empty when it says nothing."""
    if not offer.shops:
        return ""
    with core().transaction() as session:
        known = merchants.shop_names(session, shops=offer.shops[:_MOST_NAMES])
    names = _("、").join(known[one][0] for one in offer.shops if one in known)
    more = len(offer.shops) > len(known)
    return _("{names} 等 {n} 家", names=names, n=len(offer.shops)) if more else names


def limits(offer: Offer) -> str:
    """What narrows it besides area and trade: 周六 10:00–14:00 · 只限东风路店 · 不含烟草."""
    parts = (
        usable_when(offer),
        _("只限{shops}", shops=only_shops(offer)) if offer.shops else "",
        _("不含{goods}", goods=excluded(offer)) if offer.excluded_items else "",
    )
    return " · ".join(part for part in parts if part)


def refunds(offer: Offer) -> str:
    """What becomes of a voucher whose order goes back."""
    return wording.refunds(offer.refund_rule, locale(), offer.kind)


def sums(order: Redemption) -> list[tuple[str, Money]]:
    """How an order comes down to what was paid: its amount, and what each payer takes off."""
    others = [(_(_PAYERS[one.payer]), -one.amount) for one in order.discounts_later]
    off = _("政府补贴") if order.sale else _("消费券抵扣")
    return [(_("订单金额"), order.order_amount), (off, -order.discount), *others]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "benefit": benefit,
    "rule": rule,
    "figure": figure,
    "voucher_rule": voucher_rule,
    "usable_when": usable_when,
    "excluded": excluded,
    "only_shops": only_shops,
    "limits": limits,
    "refunds": refunds,
    "sums": sums,
}
