"""Pools of qualifications at the desk: planned, read before signing, and watched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.admin_desk import Desk, send
from tests.make import CITY, JIANGCHENG, World
from tests.matrix.pools import TYPED, a_campaign
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign
from voucher_service.kernel.actor import Role
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Category


@pytest.fixture
def campaign(world: World) -> Campaign:
    return a_campaign(world, world.programme(days=20))


def sent(desk: Desk, campaign: Campaign, **changed: Any) -> Any:
    path = f"/campaigns/{campaign.id}/pools/new"
    return send(desk.browser(desk.world.planner), path, path, **(TYPED | changed))


def test_a_planner_adds_a_pool_and_reads_what_the_money_pays(
    desk: Desk, world: World, campaign: Campaign
) -> None:
    browser = desk.browser(world.planner)
    form = browser.get(f"/campaigns/{campaign.id}/pools/new").text
    assert "每份最多补 ¥500" in form
    assert sent(desk, campaign).location == f"/campaigns/{campaign.id}"
    page = browser.get(f"/campaigns/{campaign.id}").text
    assert "手机补贴资格" in page
    _, (offer,), _ = campaigns.campaign(world.core, actor=world.planner, campaign=campaign.id)
    n = offer.quota
    assert f"都按最多 ¥500 补，够 {n // 2} 份；放 {n} 份，多发 100%" in page
    assert "加一种券" not in page


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"categories": "television"}, "要是这份细则里有的"),
        ({"overbook": "1001"}, "多发要在 0% 到 1000% 之间"),
        ({"reclaims": "11"}, "再领次数要在 0 到 10 之间"),
        ({"every": "day", "opens": "22:00", "closes": "10:00"}, "截止要晚于开始"),
        ({"closes": "25:00"}, "时间请写成 10:00"),
        ({"release_quota": "0"}, "每一期至少 1 份"),
        ({"valid_days": "0"}, "有效天数要在 1 到 366 之间"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused_at_its_field(
    desk: Desk, campaign: Campaign, changed: dict[str, Any], said: str
) -> None:
    refused = sent(desk, campaign, **changed)
    assert refused.status_code == 422
    assert said in refused.text


def test_the_approver_reads_the_terms_and_later_how_the_pool_stands(
    desk: Desk, world: World, campaign: Campaign
) -> None:
    sent(desk, campaign, opens="00:00")
    _, (offer,), _ = campaigns.campaign(world.core, actor=world.planner, campaign=campaign.id)
    world.line(campaign.id, offer.face_value * offer.quota)
    proposal = campaigns.submit(world.core, actor=world.planner, campaign=campaign.id)
    read = desk.browser(world.approver).get(f"/approvals/{proposal}").text
    assert "过期或放弃后可再领 1 次" in read
    assert "手机" in read
    world.approve(proposal)
    who = world.resident()
    tradein.claim(world.core, actor=who, category=Category.PHONE, key="k")
    (standing,) = tradein.standings(world.core, actor=world.planner, campaign=campaign.id)
    assert (standing.counts, standing.waiting) == ({"claimed": 1}, 0)
    assert standing.places == standing.released - 1
    page = desk.browser(world.planner).get(f"/campaigns/{campaign.id}").text
    assert "资格池现状" in page
    english = desk.browser(world.planner, "en").get(f"/campaigns/{campaign.id}").text
    assert "How the pools stand" in english


def test_the_planner_of_a_county_finds_no_pool_of_the_city(
    desk: Desk, world: World, campaign: Campaign
) -> None:
    county = world.staff(Role.PLANNER, area=JIANGCHENG)
    assert desk.browser(county).get(f"/campaigns/{campaign.id}/pools/new").status_code == 404


def test_a_campaign_of_qualifications_is_begun_by_its_form(desk: Desk, world: World) -> None:
    programme = world.programme(days=20)
    browser = desk.browser(world.planner)
    data = {
        "programme": programme.slug,
        "name": "家电换新",
        "kind": "trade_in",
        "area": CITY,
        "opens_on": str(programme.opens_on),
        "closes_on": str(programme.closes_on),
    }
    made = send(browser, "/campaigns/new", "/campaigns/new", **data)
    assert made.status_code == 303
    assert "加一个资格池" in browser.get(made.location).text
