"""How a merchant stands: what waits and why, what it was paid, what it was paid ahead."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of, end_of
from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import Page
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.tradein.review import service as review

from ..model import UNRELEASED, BatchLine
from ..standing import Payee, Unpaid
from ..tables import SettlementAdvanceRow, SettlementLineRow
from . import advancing, views
from .access import own_merchant, require_reader
from .holding import all_held
from .owing import owed_now
from .reading import lines_page

_ADVANCES = 20


def own_unpaid(core: Core, *, actor: Actor) -> Unpaid:
    """What the caller's merchant redeemed, today's too, and no batch pays yet, and why some of it
    waits. Raises NotAllowed.
    """
    with core.transaction() as session:
        return unpaid(session, own_merchant(session, actor), core.now(session))


def unpaid(session: Session, whose: MerchantId, now: datetime) -> Unpaid:
    """The same of any merchant, as a step."""
    found = redemption.unpaid(session, merchants=[whose], offers=None, until=end_of(day_of(now)))
    held = {id: str(reason) for id, reason in all_held(session).items()}
    sales = [one.id for one in found if one.sale]
    released = review.released(session, redemptions=sales) if sales else set()
    held |= {one: UNRELEASED for one in sales if one not in released and one not in held}
    waits: dict[str, Money] = {}
    for one in found:
        if reason := held.get(one.id):
            waits[reason] = waits.get(reason, ZERO) + one.due
    return Unpaid(
        count=len(found),
        amount=Money.total(one.due for one in found),
        held=waits,
        payment_hold=merchants.payment_held(session, merchant=whose),
        no_account=not merchants.accounts_at(session, merchants=[whose], at=now),
        owed=max(ZERO, owed_now(session, [whose])[whose]),
    )


def payee(core: Core, *, actor: Actor, merchant: MerchantId) -> Payee:
    """A merchant as settlement sees it. Raises NotAllowed, NoSuchThing."""
    require_reader(actor)
    with core.transaction() as session:
        found = merchants.load_merchant(session, merchant=merchant)
        rows = advancing.advances(
            session, SettlementAdvanceRow.merchant_id == merchant, limit=_ADVANCES
        )
        return Payee(
            merchant,
            found.name,
            unpaid(session, merchant, core.now(session)),
            [views.advance(one) for one in rows],
            advancing.may_advance(session, merchant),
        )


def payee_lines(
    core: Core, *, actor: Actor, merchant: MerchantId, cursor: str | None, limit: int
) -> Page[BatchLine]:
    """A merchant's lines, newest first. Raises NotAllowed, NoSuchThing, CursorInvalid."""
    require_reader(actor)
    with core.transaction() as session:
        merchants.load_merchant(session, merchant=merchant)
        where = [SettlementLineRow.merchant_id == merchant]
        return lines_page(session, where, cursor, limit, newest=True)
