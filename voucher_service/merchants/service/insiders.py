"""Who of the residents works for a merchant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.identity import service as identity
from voucher_service.kernel.ids import MerchantId, ResidentId

from ..model import CashierStatus
from ..tables import CashierRow, ShopRow


def insiders(
    session: Session, *, merchants: Collection[MerchantId]
) -> dict[MerchantId, frozenset[ResidentId]]:
    """The residents whose identity is that of a cashier or manager of each merchant.

    Only of those whose document the merchant told.
    """
    rows = session.execute(
        select(ShopRow.merchant_id, CashierRow.identity_hashes)
        .join(ShopRow, ShopRow.id == CashierRow.shop_id)
        .where(ShopRow.merchant_id.in_(merchants), CashierRow.status == CashierStatus.ACTIVE)
    )
    hashes: dict[MerchantId, set[bytes]] = defaultdict(set)
    for merchant, theirs in rows:
        hashes[MerchantId(merchant)] |= {bytes(one) for one in theirs}
    every = {one for theirs in hashes.values() for one in theirs}
    known = identity.holders(session, hashes=every) if every else {}
    return {
        merchant: frozenset(known[one] for one in hashes[merchant] if one in known)
        for merchant in merchants
    }
