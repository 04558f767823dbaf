"""Words of the library of goods at the desk: categories, tags, states, suspicions, slips."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from voucher_service.goods import words
from voucher_service.goods.categories import CATEGORIES
from voucher_service.goods.gtins import printed
from voucher_service.goods.model import PUBLIC, TAGS, ChangeStatus, Difference, Product
from voucher_service.i18n import formats, gettext, mark
from voucher_service.infra import areas
from voucher_service.kernel.actor import Role
from voucher_service.web.language import locale
from voucher_service.web.site import today

from .staff import reader

BADGES: Mapping[ChangeStatus, str] = {
    ChangeStatus.SUBMITTED: "wait",
    ChangeStatus.APPROVED: "ok",
    ChangeStatus.REJECTED: "stop",
}
_DIFFERS = (
    ("brand", mark("品牌")),
    ("model", mark("型号")),
    ("name", mark("商品名称")),
    ("category", mark("品类")),
    ("grade", mark("能效等级")),
    ("dual_imei", mark("双 IMEI")),
    ("guide_price", mark("指导价")),
    ("tags", mark("标签")),
    ("origin_area", mark("产地")),
    ("valid_until", mark("到哪天止")),
)


def keeps_library() -> bool:
    """Whether the reader hands in changes of the library, which is the whole city's."""
    caller = reader()
    return caller is not None and caller.has(Role.PLANNER) and not caller.area


def told(name: str, product: Product) -> str:
    """One column of a product, as people write it."""
    value = getattr(product, name)
    if name == "category":
        return gettext(CATEGORIES[value], locale())
    if name == "tags":
        tags = sorted(gettext(TAGS[one], locale()) for one in value)
        return formats.listed(tags, locale()) or formats.NOTHING
    if name == "guide_price":
        return formats.money(value)
    if name == "dual_imei":
        return gettext(mark("是") if value else mark("否"), locale())
    if name == "origin_area":
        return areas.name(value, locale()) if value else formats.NOTHING
    return formats.NOTHING if value in (None, "") else str(value)


def differs(before: Product, after: Product) -> list[tuple[str, str, str]]:
    """What a change does to a product: the column, what stands, what would stand."""
    return [
        (gettext(words_, locale()), told(name, before), told(name, after))
        for name, words_ in _DIFFERS
        if getattr(before, name) != getattr(after, name)
    ]


def begins(difference: Difference) -> str:
    """From when a line of a change would count, if it were approved today."""
    first, tomorrow = difference.listed.product.valid_from, today() + timedelta(days=1)
    if difference.before is None:
        late = gettext(mark("批准那天"), locale())
        return late if first is None else formats.plain_day(first, locale(), today())
    if first is None or first <= tomorrow:
        return gettext(mark("批准的第二天"), locale())
    return formats.plain_day(first, locale(), today())


def globals_() -> dict[str, Any]:
    """What the templates say about goods."""
    return {
        "keeps_library": keeps_library,
        "category_name": lambda one: gettext(CATEGORIES[one], locale()),
        "product_part": told,
        "product_differs": differs,
        "begins": begins,
        "barcode": printed,
        "change_name": lambda one: gettext(PUBLIC[one], locale()),
        "change_badge": lambda one: BADGES[one],
        "suspicion_name": lambda one: gettext(words.REASONS[one], locale()),
    }
