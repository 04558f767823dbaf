"""Which merchant or shop a file is about, as people name it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from voucher_service.i18n import mark
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import MerchantId, ShopId

from . import formats
from .layout import Against
from .model import ScopeInvalid

NOBODY = mark("没有这个统一社会信用代码的商户，或者它没有叫这个名字的门店。")
SEVERAL = mark("这家商户有几家门店，请写明是哪一家。")
_MERCHANT = text("SELECT id, NULL FROM merchant WHERE uscc = :uscc")
_SHOP = text("""
SELECT m.id, s.id
FROM merchant m JOIN shop s ON s.merchant_id = m.id
WHERE m.uscc = :uscc AND (:name = '' OR s.name = :name)
LIMIT 2
""")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a file is about: the city, or one merchant, or one shop."""

    merchant: MerchantId | None = None
    shop: ShopId | None = None


def named(core: Core, *, format: str, uscc: str, shop: str) -> Scope:
    """The scope of a file by the merchant's credit code, and the shop's name where the merchant has
    several. Nothing named: the whole city.

    Raises ChannelFormatUnknown; ScopeInvalid, which names what was told where nobody, or more than
    one shop, is called so.
    """
    against = formats.get(format).against
    of_shop = against is Against.ORDERS
    if not uscc and not of_shop:
        return Scope()
    if against is Against.TRANSFERS:
        raise ScopeInvalid
    with core.transaction() as session:
        statement = _SHOP if of_shop else _MERCHANT
        found = session.execute(statement, {"uscc": uscc.strip().upper(), "name": shop}).all()
    if len(found) != 1:
        named = "shop" if found else "uscc"
        raise ScopeInvalid(extra={"errors": {named: SEVERAL if found else NOBODY}})
    merchant, one = found[0]
    return Scope(shop=ShopId(one)) if of_shop else Scope(merchant=MerchantId(merchant))
