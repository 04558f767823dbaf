"""Who may change merchants, shops and cashiers."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NotAllowed

from .. import store
from ..tables import ShopRow
from .views import found

ENTERS = frozenset({Role.PLANNER, Role.REVIEWER})


def require_staff(actor: Actor, roles: Collection[Role], *, area: str = "") -> None:
    """Let the operator pass, and staff with one of the roles whose division holds `area`.

    Raises NotAllowed.
    """
    if actor.kind is ActorKind.SYSTEM:
        return
    if actor.kind is not ActorKind.STAFF or not actor.has(*roles):
        raise NotAllowed
    if actor.area and not areas.within(area, actor.area):
        raise NotAllowed


def require_for_cashiers(
    session: Session, actor: Actor, roles: Collection[Role], *, shop: ShopRow
) -> None:
    """As `require_staff`; a manager passes too, at every shop of the own merchant."""
    if actor.kind is not ActorKind.CASHIER:
        require_staff(actor, roles, area=shop.area)
        return
    if actor.id is None or not actor.has(Role.MANAGER) or Role.MANAGER not in roles:
        raise NotAllowed
    if found(store.till(session, actor.id)).merchant_id != shop.merchant_id:
        raise NotAllowed
