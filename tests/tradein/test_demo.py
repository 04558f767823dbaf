"""The demonstration of trade-in: pools stand, and whoever starts again finds them."""

from __future__ import annotations

from datetime import date, datetime

from tests.make import CITY, World
from voucher_service.campaigns import service as campaigns
from voucher_service.demo import trade_in
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import SHANGHAI, Clock, day_of
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Category


def load(core: Core, world: World, today: date) -> None:
    trade_in.load(core, today, area=CITY, planner=world.planner, sign=world.approve)


def test_a_resident_of_the_demo_finds_pools_and_a_second_start_adds_none(
    core: Core,
) -> None:
    spring = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
    world = World(with_clock(core, Clock(spring)))
    core = world.core
    load(core, world, day_of(spring))
    load(core, world, day_of(spring))
    (found,) = campaigns.campaigns(core, actor=world.planner, programme=trade_in.SLUG)
    standing = tradein.standings(core, actor=world.planner, campaign=found.id)
    assert {one.pool.policy.scheme for one in standing} == {"appliance", "digital"}
    assert tradein.open_pool(core, category=Category.PHONE) is not None


def test_in_a_year_without_rules_on_the_shelf_there_is_nothing_to_show(
    core: Core, world: World
) -> None:
    before = campaigns.programmes(core)
    load(core, world, date(2031, 5, 1))
    assert campaigns.programmes(core) == before
