"""What merchants owe: paid ahead, or paid for what was refunded since."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, merchant

from .. import store


def owed_now(session: Session, of: Collection[MerchantId]) -> dict[MerchantId, Money]:
    """What each owes that no unpaid line deducts yet; less than nothing while the bank has sent
    back a payment of which later lines netted something off.
    """
    there = ledger.balances(session, [merchant(one, Stage.RECEIVABLE) for one in of])
    pending = store.pending(session, of)
    return {one: -there[merchant(one, Stage.RECEIVABLE)] - pending.get(one, ZERO) for one in of}
