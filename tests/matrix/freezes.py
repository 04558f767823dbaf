"""Orders for which a voucher is frozen, of one shop and of one resident."""

from __future__ import annotations

from uuid import uuid4

from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Redemption
from voucher_service.vouchers.model import Voucher

from .city import City, Side
from .table import Thing, kind


def _freeze(city: City, side: Side, voucher: Voucher) -> Redemption:
    return redemption.freeze(
        city.core,
        actor=side.till[Role.CASHIER],
        code=city.world.code(voucher),
        order=Order(Money(12_800), uuid4().hex),
        key=uuid4().hex,
    ).value


@kind
def at_till(city: City, side: Side, _caller: Actor) -> Thing:
    """A freeze at one shop."""
    return Thing(str(_freeze(city, side, city.world.claim(city.offer)).id))


@kind
def of_mine(city: City, side: Side, _caller: Actor) -> Thing:
    """A freeze of one resident's voucher."""
    voucher = city.world.claim(city.offer, side.resident)
    held = _freeze(city, side, voucher)
    return Thing(str(voucher.id), {"id": str(voucher.id), "redemption_id": str(held.id)})
