"""Funds and budgets at the desk: forms, the second person's view, both languages."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from tests.faces.admin_desk import CHINESE, Desk, send
from tests.make import CITY, JIANGCHENG, World
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Role
from voucher_service.kernel.ids import ApprovalId, CampaignId


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    world.funder("city")
    world.funder("jiangcheng", area=JIANGCHENG)
    return Desk(world)


def proposed(client: FlaskClient, page: str, to: str, /, **typed: object) -> str:
    """Send a form that proposes; the path of the proposal."""
    answer = send(client, page, to, **typed)
    assert answer.status_code == 303, answer.text
    assert answer.location.startswith("/approvals/")
    return str(answer.location)


def sign(desk: Desk, proposal: str) -> None:
    desk.world.approve(ApprovalId(proposal.rsplit("/", 1)[1]))  # type: ignore[arg-type]


def booked(desk: Desk, client: FlaskClient, amount: str = "1,000,000", **more: str) -> str:
    """The path of a fund with money."""
    document = f"阳财预〔2026〕{uuid4().hex[:6]} 号"
    typed = {"funder": "city", "year": "2026", "document": document, "amount": amount} | more
    sign(desk, proposed(client, "/funds", "/funds", **typed))
    page = client.get("/funds").text
    (path,) = re.findall(rf'href="(/funds/[0-9a-f-]+)">[^<]*{re.escape(document)}', page)
    return str(path)


def opened(client: FlaskClient, programme: str, area: str, parent: str = "") -> str:
    """The path of an empty budget."""
    typed = {"programme": programme, "name": f"预算 {area}", "area": area, "parent": parent}
    answer = send(client, "/budgets", "/budgets", **typed)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_two_people_bring_money_to_a_county_and_see_each_fen(desk: Desk) -> None:
    planner = desk.browser(desk.world.planner)
    approver = desk.browser(desk.world.approver)
    fund = booked(desk, planner)
    slug = desk.world.programme().slug
    frame = opened(planner, slug, CITY)
    county = opened(planner, slug, JIANGCHENG, frame.rsplit("/", 1)[1])
    given = {"direction": "give", "fund": fund.rsplit("/", 1)[1], "amount": "300,000"}
    proposal = proposed(planner, frame, f"{frame}/money", **given)
    assert "¥300,000.00" in approver.get(proposal).text
    assert "不能批自己的提案" in planner.get(proposal).text
    sign(desk, proposal)
    sign(desk, proposed(planner, county, f"{county}/money", **given | {"amount": "100,000"}))
    back = given | {"direction": "back", "amount": "40,000"}
    sign(desk, proposed(planner, county, f"{county}/money", **back))
    too_much = send(planner, county, f"{county}/money", **given | {"amount": "900,000"})
    assert too_much.status_code == 409 and "还差" in too_much.text
    page = planner.get(frame).text
    assert "¥240,000.00" in page and "¥60,000.00" in page
    rest = {"action": "fund.carry_over", "amount": "10,000"}
    sign(desk, proposed(planner, fund, f"{fund}/rest", **rest))
    assert "结转下年" in planner.get(fund).text
    assert "¥0.00" not in planner.get(f"{fund}?at=2020-01-01T00:00").text
    assert "field-error" in planner.get(f"{fund}?at=yesterday").text
    for reader in (Role.FINANCE, Role.AUDITOR):
        client = desk.browser(desk.world.staff(reader))
        assert client.get(frame).status_code == 200
        assert 'method="post" action="/budgets' not in client.get(frame).text
    own = desk.browser(desk.world.staff(Role.PLANNER, area=JIANGCHENG))
    moved = own.get(county).text
    assert "¥40,000.00" in moved
    proposals = re.findall(r'href="(/approvals/[^"]+)"', moved)
    assert [one for one in proposals if own.get(one).status_code != 200] == []
    foreign = desk.browser(desk.world.staff(Role.PLANNER, area="441781"))
    assert [foreign.get(path).status_code for path in (fund, frame, county)] == [404, 404, 404]


def test_caps_are_proposed_and_read_by_the_second_person(desk: Desk) -> None:
    planner = desk.browser(desk.world.planner)
    frame = opened(planner, desk.world.programme().slug, CITY)
    first = proposed(planner, frame, f"{frame}/caps", day="1000", month="20000")
    sign(desk, first)
    page = planner.get(frame).text
    assert "¥1,000.00" in page and 'value="1000.00"' in page
    second = proposed(planner, frame, f"{frame}/caps", day="2000")
    read = desk.browser(desk.world.approver).get(second).text
    assert "¥1,000.00" in read and "¥2,000.00" in read and "没有上限" in read
    again = send(planner, frame, f"{frame}/caps", day="3000")
    assert again.status_code == 409 and "正在等审批" in again.text


def test_a_campaign_is_planned_from_a_budget_with_a_countys_share(desk: Desk) -> None:
    planner, world = desk.browser(desk.world.planner), desk.world
    fund = booked(desk, planner, "10,000")
    own = booked(desk, planner, "1,000", funder="jiangcheng")
    programme = world.programme()
    frame = opened(planner, programme.slug, CITY)
    for path, amount in ((fund, "10000"), (own, "1000")):
        given = {"direction": "give", "fund": path.rsplit("/", 1)[1], "amount": amount}
        sign(desk, proposed(planner, frame, f"{frame}/money", **given))
    typed = desk.campaign_body(programme.slug) | {"budget": frame.rsplit("/", 1)[1]}
    typed.pop("kind")
    made = send(planner, "/campaigns/new", "/campaigns/new", **typed)
    assert made.status_code == 303, made.text
    campaign = made.location
    id = campaign.rsplit("/", 1)[1]
    plan = world.plan(quota=10)
    campaigns.create_offer(desk.core, actor=world.planner, campaign=CampaignId(id), plan=plan)
    lines = f"{campaign}/lines"
    whole = {"funder": "city", "amount": "200", "share": "100", "fallback": "true"}
    assert send(planner, campaign, lines, **whole).status_code == 303
    part = {"funder": "jiangcheng", "amount": "50", "share": "30", "shop_area": JIANGCHENG}
    assert send(planner, campaign, lines, **part).status_code == 303
    assert "江城区的门店承担 30" in planner.get(campaign).text
    world.publish(CampaignId(id))
    page = planner.get(campaign).text
    (money,) = re.findall(r'href="(/budgets/campaigns/[0-9a-f-]+)"', page)
    (line, _) = re.findall(r'href="(/budgets/lines/[0-9a-f-]+)"', planner.get(money).text)
    caps = proposed(planner, money, f"{money}/caps", campaign="500")
    assert "只管这个活动" in planner.get(caps).text
    sign(desk, caps)
    assert "¥500.00" in planner.get(money).text
    statement = planner.get(f"{line}?stage=available").text
    assert "为发放备足" in statement and "200.00" in statement
    shown = planner.get(frame).text
    assert "待领" in shown and line in shown


def test_every_page_of_money_is_complete_in_english(desk: Desk) -> None:
    planner, world = desk.browser(desk.world.planner), desk.world
    fund = booked(desk, planner)
    frame = opened(planner, world.programme().slug, CITY)
    given = {"direction": "give", "fund": fund.rsplit("/", 1)[1], "amount": "5"}
    move = proposed(planner, frame, f"{frame}/money", **given)
    sign(desk, move)
    caps = proposed(planner, frame, f"{frame}/caps", day="1")
    for path in ("/funds", "/budgets", "/funders", fund, frame, move, caps):
        english = planner.get(path, headers={"Accept-Language": "en"})
        assert english.status_code == 200
        body = english.text[english.text.index("<main") : english.text.index("</main>")]
        body = re.sub(r"<option.*?</option>|<title>.*?</title>|value=\"[^\"]*\"", "", body)
        said = re.sub(r"<[^>]+>", " ", body)
        names = r"阳财预〔2026〕|惠利金秋|出资方 |预算 \d+| 号"
        assert CHINESE.findall(re.sub(names, "", said)) == []
