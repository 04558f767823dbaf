"""The names of shops and merchants, for lists and receipts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ARRAY, Uuid, bindparam, func, select
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId, ShopId

from ..tables import MerchantRow, ShopRow


def shop_names(session: Session, *, shops: Sequence[ShopId]) -> dict[ShopId, tuple[str, str]]:
    """Each shop's name and its merchant's."""
    rows = session.execute(
        select(ShopRow.id, ShopRow.name, MerchantRow.name)
        .join(MerchantRow, MerchantRow.id == ShopRow.merchant_id)
        .where(ShopRow.id.in_(shops))
    )
    return {ShopId(key): (shop, merchant) for key, shop, merchant in rows}


def merchant_names(session: Session, *, merchants: Collection[MerchantId]) -> dict[MerchantId, str]:
    """Merchants' names as their licences have them."""
    asked = func.any(bindparam("merchants", type_=ARRAY(Uuid)))
    rows = session.execute(
        select(MerchantRow.id, MerchantRow.name).where(MerchantRow.id == asked),
        {"merchants": list(merchants)},
    )
    return {MerchantId(id): name for id, name in rows}
