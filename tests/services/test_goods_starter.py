"""What a demonstration begins with."""

from __future__ import annotations

from tests.make import World
from tests.services.goods_shelf import filed_on, till_of
from voucher_service.goods import reading, starter
from voucher_service.goods import service as goods
from voucher_service.goods.categories import Category
from voucher_service.kernel.clock import day_of


def test_an_empty_library_gets_products_of_every_category_with_promised_prices(
    world: World,
) -> None:
    core, merchant = world.core, till_of(world.core, world.cashier()).merchant_id
    today = day_of(world.now())
    for _ in range(2):  # a second start finds it there
        starter.load(core, planner=world.planner, approver=world.approver, merchant=merchant)
    products = [one.product for one in reading.products(starter.TABLE.read_bytes())]
    with core.transaction() as session:
        found = goods.products(session, gtins=[one.gtin for one in products], on=today)
    assert len(found) == len(products) > 50
    assert {one.category for one in found.values()} == set(Category) - {Category.CAR}
    for one in found.values():
        price = filed_on(core, merchant, one.gtin, today)
        assert price is not None and one.guide_price is not None
        assert price <= one.guide_price
    own = goods.changes(core, cursor=None, limit=5)
    assert [one.file_name for one in own.items] == ["starter.csv"]
