"""Money that is held back while a difference about it is under way, and let go when none is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.ids import RedemptionId
from voucher_service.settlement import service as settlement
from voucher_service.settlement.model import HoldReason

from . import store
from .model import Difference


def hold(session: Session, redemptions: Collection[RedemptionId], *, now: datetime) -> None:
    """Keep redemptions out of settlement; those that are held already stay so."""
    for one in sorted(redemptions):
        settlement.hold(session, redemption=one, reason=HoldReason.DIFFERENCE, by=SYSTEM, now=now)


def let_go(session: Session, ended: Collection[Difference], *, by: Actor, now: datetime) -> None:
    """Let go of what these differences held and no other under way does."""
    held = {one.line.ours.redemption_id for one in ended if one.holds and one.line.ours}
    for one in sorted(held - store.held(session, held)):
        settlement.release_hold(
            session, redemption=one, reason=HoldReason.DIFFERENCE, by=by, now=now
        )
