"""Goods made up for a replay stand in the library, marked; no other till and no shop finds them."""

from __future__ import annotations

import pytest
from stdnum import ean

from tests.services.goods_shelf import line, stocked
from tests.tradein.counter import Counter, unit
from tests.tradein.town import Town
from voucher_service.goods import service as goods
from voucher_service.goods.categories import Category
from voucher_service.goods.gtins import INVENTED
from voucher_service.goods.model import ProductUnknown, Wanted
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.money import Money
from voucher_service.tradein.sales.model import GoodsUnlisted


def test_goods_of_a_replay_are_found_marked_by_the_bureau_and_by_nobody_else(town: Town) -> None:
    digits = f"{INVENTED}00000001"
    gtin = digits + ean.calc_check_digit(digits)
    told = {"model": "R1", "category": Category.PHONE, "grade": "", "first": "2026-01-01"}
    stocked(town.world, line(gtin, **told))
    (seen,) = goods.search(town.core, text=gtin, category=None, cursor=None, limit=9).items
    assert (seen.gtin, seen.synthetic) == (f"0{gtin}", True)
    counter = Counter(town, town.pool(release_quota=10))
    with pytest.raises(GoodsUnlisted):
        counter.sell(item=unit(gtin=gtin))
    till = counter.till
    manager = Actor(till.kind, till.id, frozenset({Role.MANAGER}))
    shown = goods.own_prices(town.core, actor=manager, text="澜山 R1", cursor=None, limit=9)
    assert shown.items == []
    with pytest.raises(ProductUnknown):
        goods.promise(town.core, actor=manager, prices=[Wanted(1, f"0{gtin}", Money(1))])
