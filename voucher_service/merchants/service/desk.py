"""The desk a cashier stands at: for the greeting of pages and the answer to "who am I"."""

from __future__ import annotations

from dataclasses import dataclass

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CashierId

from ..model import Cashier, Till
from .points import names
from .till import till
from .views import load_cashier


@dataclass(frozen=True, slots=True)
class Desk:
    """A cashier, and where they scan: at which shop, and at which point of it by name, if any."""

    cashier: Cashier
    till: Till
    point: str | None = None


def desk(core: Core, *, actor: Actor) -> Desk:
    """The desk of the cashier or manager who asks. Raises NoSuchThing for anybody else."""
    if actor.kind is not ActorKind.CASHIER or actor.id is None:
        raise NoSuchThing
    cashier = CashierId(actor.id)
    with core.transaction() as session:
        at = actor.evidence.point_id
        return Desk(
            load_cashier(session, cashier=cashier),
            till(session, cashier=cashier),
            names(session, points=[at]).get(at) if at else None,
        )
