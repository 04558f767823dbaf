"""A city with a frame and two counties, three funders, shops everywhere, on the walk's clock."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

from tests.make import CITY, JIANGCHENG, World
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Budget, BudgetId, Level
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Programme
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of

YANGCHUN = "441781"
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
_DAYS = 3_000


@dataclass(frozen=True)
class City:
    """Who acts, and what does not change while they do."""

    world: World
    programme: Programme
    budgets: dict[str, Budget]
    funders: dict[str, str]
    tills: list[Actor]
    residents: list[Actor]
    signers: list[Actor]


def build(core: Core, residents: int) -> City:
    """The city; `core` is on the walk's clock, so the programme is synthetic."""
    world = World(core)
    today = day_of(START)
    programme = campaigns.create_programme(
        core,
        actor=world.planner,
        slug=f"walk-{uuid4().hex[:8]}",
        name="账本漫步",
        name_en="A walk on the books",
        brand="jinqiu",
        opens_on=today,
        closes_on=today + timedelta(days=_DAYS),
        synthetic=True,
    )
    funders = {"city": CITY, "jiangcheng": JIANGCHENG, "yangchun": YANGCHUN}
    for code, area in funders.items():
        world.funder(code, Level.CITY if area == CITY else Level.COUNTY, area)
    frame = _budget(world, programme, CITY, None)
    parts = {area: _budget(world, programme, area, frame.id) for area in (JIANGCHENG, YANGCHUN)}
    return City(
        world,
        programme,
        {CITY: frame, **parts},
        funders,
        [world.cashier(area=area) for area in (JIANGCHENG, YANGCHUN, "441704") for _ in range(2)],
        world.residents(residents),
        [world.staff(Role.APPROVER) for _ in range(3)],
    )


def offers_of(random: Random) -> tuple[int, int]:
    """A face value in yuan, and how many."""
    return random.choice((10, 20, 33, 50)), random.randint(20, 200)


def keys() -> itertools.count[int]:
    """Numbers for idempotency keys."""
    return itertools.count(1)


def _budget(world: World, programme: Programme, area: str, parent: BudgetId | None) -> Budget:
    return budgets.create_budget(
        world.core,
        actor=world.planner,
        programme=programme.id,
        name=f"预算 {area}",
        area=area,
        parent=parent,
    )
