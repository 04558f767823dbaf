"""Pools of places for applications, planned and approved like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.make import CITY, World
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind
from voucher_service.infra.core import Core
from voucher_service.kernel.money import Money
from voucher_service.tradein import service as tradein
from voucher_service.tradein.applications import service, store
from voucher_service.tradein.applications.pools import ApplicationPool, ApplicationPoolPlan
from voucher_service.tradein.qualifications import Every, PoolPlan

POLICIES = ("car_scrap-2026", "car_replace-2026")


def car_pools(core: Core) -> None:
    """An open pool of each scheme with room for everybody; others may open later."""
    with core.transaction() as session:
        now = core.now(session)
        running = campaigns.running_offers(session, now=now, kind=CampaignKind.TRADE_IN)
        there = store.pools(session, running)
    if not any(one.offer.releases[0].opens_at <= now for one in there):
        published(World(core), *(plan(policy) for policy in POLICIES))


def plan(policy: str = POLICIES[0], **given: Any) -> ApplicationPoolPlan:
    """A pool of a policy, all of it released at once unless told."""
    usual = {"title": "汽车补贴名额", "every": Every.MONTH, "release_quota": 1_000}
    return ApplicationPoolPlan(policy=policy, **{**usual, **given})


def published(
    world: World,
    *plans: ApplicationPoolPlan,
    area: str = CITY,
    beside: PoolPlan | None = None,
) -> Sequence[ApplicationPool]:
    """Pools of one campaign, around now; with one of qualifications beside them."""
    programme = world.programme()
    campaign = campaigns.create_campaign(
        world.core,
        actor=world.planner,
        programme=programme.slug,
        name="汽车以旧换新",
        kind=CampaignKind.TRADE_IN,
        area=area,
        opens_on=programme.opens_on,
        closes_on=programme.closes_on,
    ).value
    made = [
        service.create_pool(world.core, actor=world.planner, campaign=campaign.id, plan=one).value
        for one in plans
    ]
    offers = [one.offer for one in made]
    if beside is not None:
        call: dict[str, Any] = {"actor": world.planner, "campaign": campaign.id}
        offers.append(tradein.create_pool(world.core, plan=beside, **call).value.offer)
    world.line(campaign.id, Money.total(one.face_value * one.quota for one in offers))
    world.publish(campaign.id)
    return made
