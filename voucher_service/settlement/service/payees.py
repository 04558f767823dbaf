"""Which merchants nothing is paid to for the time being."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants import service as merchants

from ..model import LeftOut


def kept_back(
    session: Session, whose: Collection[MerchantId], at: datetime
) -> dict[MerchantId, LeftOut]:
    """Those of these merchants to whom nothing may be paid at an instant, and why."""
    accounts = merchants.accounts_at(session, merchants=whose, at=at)
    homeless = dict.fromkeys((one for one in whose if one not in accounts), LeftOut.NO_ACCOUNT)
    held = merchants.payments_held(session, merchants=whose)
    return homeless | dict.fromkeys(held, LeftOut.PAYMENT_HOLD)
