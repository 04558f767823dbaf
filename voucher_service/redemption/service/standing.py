"""Who stands at the till, and what of it is put on record."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.ids import CashierId

from ..model import LIFECYCLE, Status
from ..tables import RedemptionRow
from .granted import Granted, GrantedSale


def cashier_of(actor: Actor) -> CashierId:
    """The cashier who acts."""
    assert actor.kind is ActorKind.CASHIER and actor.id is not None
    return CashierId(actor.id)


def claim_of(row: RedemptionRow) -> dict[str, str]:
    """What an order is paid with, for its records."""
    if row.voucher_id is not None:
        return {"voucher": str(row.voucher_id)}
    return {"qualification": str(row.qualification_id)}


def on_record(one: Granted | GrantedSale) -> dict[str, Any]:
    """What the trail keeps of an order, for whoever changes its row later: with what it was paid,
    where, and how much it came to.
    """
    claim = "voucher" if one.voucher_id else "qualification"
    return {
        claim: str(one.claimed),
        "shop": str(one.till.shop_id),
        "order_amount_fen": one.ask.order.amount.fen,
    }


def record_frozen(
    session: Session, redemption: UUID, one: Granted | GrantedSale, now: datetime
) -> None:
    """The birth of a redemption that is frozen first."""
    audit.record(
        session,
        actor=one.ask.actor,
        action="redemption.frozen",
        object_type=LIFECYCLE.name,
        object_id=str(redemption),
        now=now,
        to_status=str(Status.FROZEN),
        detail=on_record(one),
    )
