"""Who may do what: settlement is the whole city's, and finance's."""

from __future__ import annotations

from sqlalchemy.orm import Session

from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import CashierId, MerchantId
from voucher_service.merchants import service as merchants

READS = frozenset({Role.FINANCE, Role.APPROVER, Role.AUDITOR})


def require_finance(actor: Actor) -> None:
    """Finance of the whole city. Raises NotAllowed."""
    if actor.kind is not ActorKind.STAFF or actor.area or not actor.has(Role.FINANCE):
        raise NotAllowed


def require_reader(actor: Actor) -> None:
    """Finance, approvers and auditors of the whole city, and the system. Raises NotAllowed."""
    if actor.kind is ActorKind.SYSTEM:
        return
    if actor.kind is not ActorKind.STAFF or actor.area or not actor.has(*READS):
        raise NotAllowed


def own_merchant(session: Session, actor: Actor) -> MerchantId:
    """The merchant whose manager asks. Raises NotAllowed, NoSuchThing."""
    if actor.kind is not ActorKind.CASHIER or actor.id is None or not actor.has(Role.MANAGER):
        raise NotAllowed
    return merchants.till(session, cashier=CashierId(actor.id)).merchant_id
