"""Pools of places for cars at the desk: planned, read before signing, and watched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.admin_desk import Desk, send
from tests.make import World
from tests.matrix.pools import CAR_PLAN, a_campaign
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign


@pytest.fixture
def campaign(world: World) -> Campaign:
    return a_campaign(world, world.programme(days=20))


def sent(desk: Desk, campaign: Campaign, **changed: Any) -> Any:
    path = f"/campaigns/{campaign.id}/application-pools/new"
    return send(desk.browser(desk.world.planner), path, path, **(CAR_PLAN | changed))


def test_a_planner_adds_a_pool_an_approver_reads_it_and_both_see_how_it_stands(
    desk: Desk, world: World, campaign: Campaign
) -> None:
    browser = desk.browser(world.planner)
    here = f"/campaigns/{campaign.id}"
    assert "每份最多补 ¥20,000" in browser.get(f"{here}/application-pools/new").text
    assert sent(desk, campaign).location == here
    page = browser.get(here).text
    assert "报废更新名额" in page
    assert "满" not in page.split('id="h-what"')[1].split("</section>")[0]
    _, (offer,), _ = campaigns.campaign(world.core, actor=world.planner, campaign=campaign.id)
    world.line(campaign.id, offer.face_value * offer.quota)
    proposal = campaigns.submit(world.core, actor=world.planner, campaign=campaign.id)
    assert "2026年汽车报废更新" in desk.browser(world.approver).get(f"/approvals/{proposal}").text
    world.approve(proposal)
    assert "汽车名额池现状" in browser.get(here).text


def test_a_plan_that_breaks_a_rule_is_refused_at_its_field(desk: Desk, campaign: Campaign) -> None:
    refused = sent(desk, campaign, release_quota="0")
    assert (refused.status_code, "每一期至少 1 份" in refused.text) == (422, True)
    refused = sent(desk, campaign, policy="digital-2026")
    assert (refused.status_code, 'id="e-policy"' in refused.text) == (422, True)
