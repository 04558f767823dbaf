"""One storey walked end to end: budget, publish, claim, redeem, books."""

from __future__ import annotations

import pytest

from tests.make import World
from voucher_service.allocation.model import LimitReached, SoldOut
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, pool
from voucher_service.vouchers.model import Status


def test_money_walks_from_the_budget_to_the_merchant(world: World) -> None:
    offer = world.offer(world.plan(quota=3))
    voucher = world.claim(offer)
    redeemed = world.redeem(voucher, order_fen=12_800).value
    assert (redeemed.discount, redeemed.payable) == (Money(2_000), Money(10_800))
    with world.core.transaction() as session:
        stages = [Stage.RESERVED, Stage.OUTSTANDING, Stage.COMMITTED]
        found = ledger.balances(session, [pool(offer.id, stage) for stage in stages])
    assert [found[pool(offer.id, stage)].fen for stage in stages] == [4_000, 0, 2_000]


def test_the_same_key_gives_the_same_voucher(world: World) -> None:
    offer = world.offer()
    resident = world.resident()
    first = world.claim(offer, resident, key="one")
    assert world.claim(offer, resident, key="one").id == first.id
    with pytest.raises(LimitReached) as refusal:
        world.claim(offer, resident, key="two")
    assert refusal.value.extra["voucher_ids"] == [str(first.id)]


def test_the_last_voucher_is_the_last(world: World) -> None:
    offer = world.offer(world.plan(quota=2))
    assert [world.claim(offer).status for _ in range(2)] == [Status.CLAIMED] * 2
    with pytest.raises(SoldOut):
        world.claim(offer)
