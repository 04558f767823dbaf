"""Who stands at the till."""

from __future__ import annotations

from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.ids import CashierId


def cashier_of(actor: Actor) -> CashierId:
    """The cashier who acts."""
    assert actor.kind is ActorKind.CASHIER and actor.id is not None
    return CashierId(actor.id)
