"""Pools of trade-in qualifications, and who has one, waits for one or comes for one."""

from __future__ import annotations

from datetime import time
from uuid import uuid4

from tests.make import CITY, World
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign, CampaignKind, Programme
from voucher_service.kernel.actor import Actor
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Every, PoolPlan, Status

from .city import City, Side
from .table import Thing, kind, material

_CATEGORY = Category.PHONE
PLAN = {
    "title": "手机补贴资格",
    "policy": "digital-2026",
    "categories": ["phone"],
    "every": "month",
    "release_quota": 10,
    "valid_days": 3,
}
CAR_PLAN = {
    "title": "报废更新名额",
    "policy": "car_scrap-2026",
    "every": "month",
    "release_quota": 10,
}

TYPED = {name: value for name, value in PLAN.items() if name != "categories"} | {
    "categories": "phone",
    "opens": "10:00",
    "closes": "23:00",
    "reclaims": "1",
    "overbook": "100",
}


def a_campaign(world: World, programme: Programme, area: str = CITY) -> Campaign:
    """A draft of a trade-in campaign as long as its programme."""
    return campaigns.create_campaign(
        world.core,
        actor=world.planner,
        programme=programme.slug,
        name="手机购新",
        kind=CampaignKind.TRADE_IN,
        area=area,
        opens_on=programme.opens_on,
        closes_on=programme.closes_on,
    ).value


def a_pool(city: City) -> None:
    """A pool that anybody can claim a phone from; one is enough."""
    world = city.world
    if tradein.open_pool(world.core, category=_CATEGORY) is not None:
        return
    found = a_campaign(world, world.programme(days=20))
    plan = PoolPlan(
        "手机补贴资格",
        "digital-2026",
        (Category.PHONE, Category.TABLET, Category.WATCH),
        Every.MONTH,
        500,
        3,
        reclaims=10,
        opens=time(0),
    )
    pool = tradein.create_pool(world.core, actor=world.planner, campaign=found.id, plan=plan).value
    world.line(found.id, pool.offer.face_value * pool.offer.quota)
    world.publish(found.id)


@kind
def trade_in_draft(city: City, side: Side, _caller: Actor) -> Thing:
    """An empty trade-in campaign."""
    return Thing(str(a_campaign(city.world, city.world.programme(days=20), side.area).id))


def held(city: City, side: Side, category: Category) -> Thing:
    """A resident's qualification of a category that can be used, claimed if there is none."""
    a_pool(city)
    page = tradein.mine(city.core, actor=side.resident, cursor=None, limit=50)
    for one in page.items:
        if one.category is category and one.status is Status.CLAIMED:
            return Thing(str(one.id))
    made = tradein.claim(city.core, actor=side.resident, category=category, key=uuid4().hex)
    return Thing(str(made.value.id))


@kind
def qualification(city: City, side: Side, _caller: Actor) -> Thing:
    """The qualification of a resident, who holds on to it."""
    return held(city, side, Category.PHONE)


@kind
def unwanted(city: City, side: Side, _caller: Actor) -> Thing:
    """A qualification of a resident to give up."""
    return held(city, side, Category.TABLET)


@material
def comer(city: City, _side: Side, _caller: Actor) -> Thing:
    """A resident who comes for a qualification."""
    a_pool(city)
    return Thing(
        str(_CATEGORY), {"typed": {"category": str(_CATEGORY)}}, caller=city.world.resident()
    )
