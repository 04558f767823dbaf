"""Orders for which a voucher or a qualification is frozen, of one shop and of one resident."""

from __future__ import annotations

from uuid import UUID, uuid4

from tests.make import World
from tests.services.goods_shelf import line, new_gtin, stocked
from tests.tradein.counter import code_of
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Redemption
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Qualification, Status
from voucher_service.vouchers.model import Voucher

from .city import City, Side
from .pools import held
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


@kind
def sold_to_me(city: City, side: Side, _caller: Actor) -> Thing:
    """A freeze of one resident's qualification for a watch."""
    mine = [one for one in _watches(city, side) if one.status is Status.FROZEN]
    if mine:
        latest = redemption.sale_on_screen(city.core, actor=side.resident, qualification=mine[0].id)
        assert latest is not None
        return _of(mine[0].id, latest.id)
    held(city, side, Category.WATCH)
    (claimed,) = [one for one in _watches(city, side) if one.status is Status.CLAIMED]
    frozen = redemption.freeze(
        city.core,
        actor=side.till[Role.CASHIER],
        code=code_of(city.world, claimed),
        order=Order(Money(100_000), uuid4().hex, items=(_a_watch(city.world),)),
        key=uuid4().hex,
    ).value
    return _of(claimed.id, frozen.id)


def _watches(city: City, side: Side) -> list[Qualification]:
    page = tradein.mine(city.core, actor=side.resident, cursor=None, limit=50)
    return [one for one in page.items if one.category is Category.WATCH]


def _a_watch(world: World) -> dict[str, object]:
    gtin = new_gtin()
    stocked(world, line(gtin, category=Category.WATCH, grade=""))
    return {"gtin": gtin, "serial": uuid4().hex[:12], "price_fen": 100_000}


def _of(qualification: UUID, order: UUID) -> Thing:
    return Thing(str(qualification), {"id": str(qualification), "redemption_id": str(order)})
