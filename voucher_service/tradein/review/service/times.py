"""Days to cash: from the sale to the release of its subsidy."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants import service as merchants

from .. import store
from ..model import CashTime
from ..tables import ReviewRow

# Releases of a quarter: enough of them to tell, and none from under other rules.
_DAYS = 91
_MOST = 100


def cash_times(core: Core, *, actor: Actor) -> list[CashTime]:
    """How long money took in the actor's area lately: of all, by category, by merchant; the most
    sales first.
    """
    with core.transaction() as session:
        return cash_times_of(session, core.now(session), area=actor.area)


def cash_times_of(
    session: Session, now: datetime, *, area: str = "", merchant: MerchantId | None = None
) -> list[CashTime]:
    """The same of an area, or of one merchant."""
    where = [ReviewRow.released_at >= now - timedelta(days=_DAYS)]
    if merchant is not None:
        where.append(ReviewRow.merchant_id == merchant)
    rows = store.cash_times(session, *where, area=area, most=_MOST)
    names = {
        one: merchants.load_merchant(session, merchant=MerchantId(one)).name
        for one, *_ in rows
        if one is not None
    }
    return [
        CashTime(names[of] if of else None, category, count, median, most)
        for of, category, count, median, most in rows
        if count
    ]
