"""Who may change merchants, shops and cashiers."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.kernel.page import CursorInvalid, decode_cursor

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
    """As `require_staff`; a manager passes too, at every shop of the own merchant.

    To managers a shop of another merchant is not there: raises NoSuchThing.
    """
    if actor.kind is not ActorKind.CASHIER:
        require_staff(actor, roles, area=shop.area)
        return
    if actor.id is None or not actor.has(Role.MANAGER) or Role.MANAGER not in roles:
        raise NotAllowed
    if found(store.till(session, actor.id)).merchant_id != shop.merchant_id:
        raise NoSuchThing


def manager(session: Session, actor: Actor) -> MerchantId:
    """The merchant whose desk the actor runs. Raises NotAllowed for everybody but its managers."""
    if actor.kind is not ActorKind.CASHIER or actor.id is None or not actor.has(Role.MANAGER):
        raise NotAllowed
    return MerchantId(found(store.till(session, actor.id)).merchant_id)


def managed_shop(session: Session, actor: Actor, shop: ShopId) -> ShopRow:
    """A shop of the manager's merchant. Raises NotAllowed, NoSuchThing."""
    own, row = manager(session, actor), found(store.shop(session, shop))
    if row.merchant_id != own:
        raise NoSuchThing
    return row


def after_name(cursor: str | None) -> tuple[str, UUID] | None:
    """The name and id of the last item shown; None for the first page. Raises CursorInvalid."""
    if cursor is None:
        return None
    name, id = decode_cursor(cursor, 2)
    try:
        return str(name), UUID(str(id))
    except ValueError:
        raise CursorInvalid from None
