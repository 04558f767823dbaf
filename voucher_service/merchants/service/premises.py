"""A merchant's shops as their manager runs them: when they are open, and where they stand."""

from __future__ import annotations

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import ShopId

from .. import stand_store
from ..model import Shop
from ..place import OpeningHours, Position
from .access import managed_shop, manager
from .views import shop_view


def own_shops(core: Core, *, actor: Actor) -> list[Shop]:
    """The shops of the manager's merchant by name. Raises NotAllowed."""
    with core.transaction() as session:
        return [shop_view(row) for row in stand_store.shops(session, manager(session, actor))]


def own_shop(core: Core, *, actor: Actor, shop: ShopId) -> Shop:
    """A shop of the manager's merchant. Raises NotAllowed, NoSuchThing."""
    with core.transaction() as session:
        return shop_view(managed_shop(session, actor, shop))


def set_premises(
    core: Core,
    *,
    actor: Actor,
    shop: ShopId,
    opening_hours: OpeningHours | None,
    position: Position | None,
) -> Shop:
    """Say when a shop is open and where it stands; what was said before is in the record.

    Raises NotAllowed, NoSuchThing.
    """
    with core.transaction() as session:
        row, now = managed_shop(session, actor, shop), core.now(session)
        before = {"hours": row.opening_hours, "position": [row.latitude, row.longitude]}
        row.opening_hours = opening_hours.as_json() if opening_hours else None
        row.latitude = position.latitude if position else None
        row.longitude = position.longitude if position else None
        session.flush()
        audit.record(
            session,
            actor=actor,
            action="shop.premises_changed",
            object_type="shop",
            object_id=str(row.id),
            now=now,
            detail={
                "before": before,
                "after": {"hours": row.opening_hours, "position": [row.latitude, row.longitude]},
            },
        )
        return shop_view(row)
