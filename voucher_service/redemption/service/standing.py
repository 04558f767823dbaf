"""Who stands at the till, and what of it is put on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.ids import CashierId

from ..model import LIFECYCLE, Status
from ..tables import RedemptionRow


def cashier_of(actor: Actor) -> CashierId:
    """The cashier who acts."""
    assert actor.kind is ActorKind.CASHIER and actor.id is not None
    return CashierId(actor.id)


def claim_of(row: RedemptionRow) -> dict[str, str]:
    """What an order is paid with, for its records."""
    if row.voucher_id is not None:
        return {"voucher": str(row.voucher_id)}
    return {"qualification": str(row.qualification_id)}


def record_frozen(
    session: Session, redemption: UUID, actor: Actor, claim: Mapping[str, str], now: datetime
) -> None:
    """The birth of a redemption that is frozen first."""
    audit.record(
        session,
        actor=actor,
        action="redemption.frozen",
        object_type=LIFECYCLE.name,
        object_id=str(redemption),
        now=now,
        to_status=str(Status.FROZEN),
        detail=claim,
    )
