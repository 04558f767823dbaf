"""Redemptions by id, for what is told of them outside the till."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from voucher_service.kernel.ids import RedemptionId

from . import store
from .model import Redemption
from .tables import RedemptionRow


def told(session: Session, *, ids: Collection[RedemptionId]) -> list[Redemption]:
    """These redemptions, tombstones left out: nothing was ever spent there."""
    return store.redemptions(session, RedemptionRow.id.in_(ids))
