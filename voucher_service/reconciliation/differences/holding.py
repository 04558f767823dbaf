"""Money that is held back while a difference about it is under way, and let go when none is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.settlement import service as settlement
from voucher_service.settlement.model import HoldReason

from . import store
from .model import DifferenceId


def hold(session: Session, opened: Collection[DifferenceId], *, now: datetime) -> None:
    """Keep what these differences are about out of settlement; what is held already stays so. A
    payment that came back by our books alone is not tried again meanwhile.
    """
    for payment in sorted(store.payments(session, opened)):
        settlement.hold_payment(session, payment=payment, by=SYSTEM, now=now)
    orders = sorted(store.orders(session, opened))
    store.lock_orders(session, orders)
    for one in orders:
        settlement.hold(session, redemption=one, reason=HoldReason.DIFFERENCE, by=SYSTEM, now=now)


def let_go(session: Session, ended: Collection[DifferenceId], *, by: Actor, now: datetime) -> None:
    """Let go of what these differences held and no other under way does."""
    # One payment is in one difference that holds: what came back by our books alone.
    for payment in sorted(store.payments(session, ended)):
        settlement.release_payment(session, payment=payment, by=by, now=now)
    held = store.orders(session, ended).keys()
    # Another import may be about to hold one of them: what it holds is seen once it has ended.
    store.lock_orders(session, held)
    still = store.orders(session, store.holding(session, held)).keys()
    for one in sorted(held - still):
        settlement.release_hold(
            session, redemption=one, reason=HoldReason.DIFFERENCE, by=by, now=now
        )
