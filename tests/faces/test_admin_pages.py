"""The console's pages without scripts: forms, the second person, refusals, languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from tests.faces.admin_desk import Desk, send
from tests.make import JIANGCHENG, World
from tests.reconciliation.wrong import plant
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import SHANGHAI, day_of
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation.tables import RollupRow

Reader = Callable[[Actor], FlaskClient]


@pytest.fixture
def reader(desk: Desk) -> Reader:
    """A browser of a member of staff, signed in."""
    return desk.browser


def alert(answer: TestResponse) -> str:
    """What the page says in its alert."""
    found = re.search(r'role="alert".*?</div>', answer.text, re.DOTALL)
    assert found, answer.text
    return found.group()


def test_a_reader_without_a_session_signs_in_and_comes_back(desk: Desk, world: World) -> None:
    name = f"approver-{uuid4().hex[:6]}"
    world.staff(Role.APPROVER, username=name)
    browser = desk.app.test_client()
    away = browser.get("/approvals?state=rejected")
    assert (away.status_code, away.location) == (
        303,
        "/sign-in?next=%2Fapprovals%3Fstate%3Drejected",
    )
    typed = {"username": name, "next": "/approvals?state=rejected"}
    wrong = browser.post("/sign-in", data=typed | {"password": "not this one"})
    assert wrong.status_code == 401
    assert "没有登录成功" in alert(wrong)
    assert "not this one" not in wrong.text
    right = browser.post("/sign-in", data=typed | {"password": f"demo-only-{name}"})
    assert (right.status_code, right.location) == (303, "/approvals?state=rejected")
    assert name in browser.get("/").text
    out = send(browser, "/campaigns", "/sign-out")
    assert out.location == "/sign-in"
    assert browser.get("/").status_code == 303


def test_signing_in_never_leads_to_another_site(desk: Desk, world: World) -> None:
    name = f"approver-{uuid4().hex[:6]}"
    world.staff(Role.APPROVER, username=name)
    typed = {"username": name, "password": f"demo-only-{name}", "next": "https://evil.example/"}
    assert desk.app.test_client().post("/sign-in", data=typed).location == "/"


def test_a_planner_fills_in_a_campaign_and_an_approver_seals_it(
    reader: Reader, world: World
) -> None:
    planner, approver = reader(world.planner), reader(world.approver)
    today = day_of(world.now())
    dates = {"opens_on": str(today), "closes_on": str(today + timedelta(days=9))}
    slug = f"autumn-{uuid4().hex[:6]}"
    names = {"name": "惠利金秋 2026", "name_en": "Golden Autumn", "slug": slug, "brand": "feast"}
    made = send(planner, "/programmes/new", "/programmes/new", **names, **dates)
    assert made.location == f"/campaigns/new?programme={slug}"
    about = {"programme": slug, "name": "国庆加场", "area": "441700"}
    made = send(planner, made.location, "/campaigns/new", **about, **dates)
    campaign = made.location
    assert "还没有券" in planner.get(campaign).text
    opening = (world.now() + timedelta(hours=3)).astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")
    offer = {
        "title": "通用券",
        "kind": "threshold",
        "face": "20",
        "threshold": "¥100.00",
        "limit": "1",
        "valid_days": "７",
        "opening": [opening, opening, ""],
        "quota": ["1,000", "500", ""],
        "areas": [JIANGCHENG, "441781"],
    }
    made = send(planner, f"{campaign}/offers/new", f"{campaign}/offers/new", **offer)
    assert made.location == campaign
    shown = planner.get(campaign).text
    assert "1,500 张，¥30,000" in shown
    assert "disabled" in shown  # no money yet
    world.funder("city")
    money = {"funder": "city", "amount": "30,000", "share": "100"}
    made = send(planner, campaign, f"{campaign}/lines", **money)
    assert made.location == campaign
    proposal = send(planner, campaign, f"{campaign}/submit").location
    mine = planner.get(proposal).text
    assert "不能批自己的提案" in mine
    assert "批准并盖章" not in mine
    theirs = approver.get(proposal).text
    assert "批准并盖章" in theirs
    assert "满 ¥100 减 ¥20" in theirs
    assert 'data-brand="feast"' in theirs
    assert proposal in approver.get("/").text
    done = send(approver, proposal, f"{proposal}/approve")
    assert done.location == proposal
    assert "已批准" in approver.get(proposal).text
    running = approver.get(campaign).text
    assert "发放中" in running
    assert "暂停发放" in running
    assert "0 / 1,000" in running  # the first of the releases to come


def test_the_form_sent_twice_is_one_campaign(reader: Reader, world: World) -> None:
    browser, programme = reader(world.planner), world.programme()
    page = browser.get(f"/campaigns/new?programme={programme.slug}").text
    typed = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.split("<main")[1]))
    day = str(programme.opens_on)
    typed |= {"programme": programme.slug, "name": "两次", "area": "441700"}
    typed |= {"opens_on": day, "closes_on": day}
    first = browser.post("/campaigns/new", data=typed)
    assert first.location == browser.post("/campaigns/new", data=typed).location


def test_a_wrong_form_keeps_what_was_typed_and_names_every_field(
    reader: Reader, desk: Desk, world: World
) -> None:
    page = f"/campaigns/{desk.draft()}/offers/new"
    typed = {"title": "券🎉", "kind": "threshold", "face": "二十", "limit": "1", "valid_days": "7"}
    rows = {"opening": ["2026-10-01T10:00"], "quota": ["很多"]}
    answer = send(reader(world.planner), page, page, **typed, **rows)
    assert answer.status_code == 422
    assert 'href="#f-title"' in alert(answer)
    assert 'href="#f-face"' in alert(answer)
    assert 'value="二十"' in answer.text
    assert 'value="很多"' in answer.text


def test_a_rule_of_the_plan_is_said_at_its_field(reader: Reader, desk: Desk, world: World) -> None:
    page = f"/campaigns/{desk.draft()}/offers/new"
    far = {"opening": ["2099-01-01T10:00"], "quota": ["10"]}
    typed = {"title": "券", "kind": "threshold", "face": "20", "threshold": "20", "limit": "1"}
    answer = send(reader(world.planner), page, page, **typed, valid_days="7", **far)
    assert answer.status_code == 422
    assert "满减券的门槛要大于面额" in alert(answer)
    assert "每一场都要在活动期间之内开始" in alert(answer)


def test_more_rows_for_releases_come_without_a_complaint(
    reader: Reader, desk: Desk, world: World
) -> None:
    page = f"/campaigns/{desk.draft()}/offers/new"
    answer = send(reader(world.planner), page, page, title="券", more="yes", opening=["", ""])
    assert 'role="alert"' not in answer.text
    assert answer.text.count('name="opening"') > 3 - 1
    assert 'value="券"' in answer.text


def test_who_takes_a_proposal_back_says_why(reader: Reader, desk: Desk, world: World) -> None:
    campaign, approval = desk.proposed()
    page = f"/approvals/{approval}"
    browser = reader(world.planner)
    silent = send(browser, page, f"{page}/reject", reason="")
    assert silent.status_code == 422
    assert "这一项必填" in silent.text
    sent = send(browser, page, f"{page}/reject", reason="面额写错了")
    assert sent.location == page
    assert "面额写错了" in browser.get(page).text
    assert "面额写错了" in browser.get(f"/campaigns/{campaign}").text


def test_the_proposer_who_posts_anyway_is_told_what_became_of_it(
    reader: Reader, desk: Desk, world: World
) -> None:
    _, approval = desk.proposed()
    page = f"/approvals/{approval}"
    browser = reader(world.planner)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(page).text)
    assert token
    answer = browser.post(f"{page}/approve", data={"csrf_token": token.group(1)})
    assert answer.status_code == 403
    assert "提案人不能批自己的提案" in alert(answer)


def test_a_form_from_another_site_changes_nothing(reader: Reader, desk: Desk, world: World) -> None:
    _, approval = desk.proposed()
    browser = reader(world.approver)
    answer = browser.post(f"/approvals/{approval}/approve")
    assert answer.status_code == 403
    assert "form_expired" in answer.text
    assert "批准并盖章" in browser.get(f"/approvals/{approval}").text


def test_finance_reads_and_has_no_buttons_to_plan(reader: Reader, desk: Desk, world: World) -> None:
    browser = reader(world.staff(Role.FINANCE))
    campaign, approval = desk.proposed()
    assert "建活动" not in browser.get("/campaigns").text
    assert "提交审批" not in browser.get(f"/campaigns/{campaign}").text
    assert "要审批岗位的人来批" in browser.get(f"/approvals/{approval}").text
    assert browser.get("/campaigns/new").status_code == 403


def test_a_county_sees_its_own_board_and_not_the_citys_campaigns(
    reader: Reader, desk: Desk, world: World
) -> None:
    browser = reader(world.staff(Role.PLANNER, area=JIANGCHENG))
    campaign = desk.draft()
    assert "江城区" in browser.get("/").text
    assert campaign not in browser.get("/campaigns").text
    missing = browser.get(f"/campaigns/{campaign}")
    assert missing.status_code == 404
    assert "没有找到" in missing.text


def test_the_report_says_both_floors_and_that_no_effect_is_measured(
    reader: Reader, desk: Desk, world: World
) -> None:
    campaign = world.draft()
    offer = world.offer(campaign=campaign)
    world.redeem(world.claim(offer), order_fen=12_800)
    slug = campaign.programme.slug
    reconciliation.run(desk.core, programme=slug)
    browser = reader(world.staff(Role.AUDITOR))
    page = browser.get(f"/reports/leverage?programme={slug}").text
    assert "拉动比6.40（÷发放；机械下限5.00）" in page
    assert "还不能估计：没有结果数据" in page
    assert "合成回放" not in page.split("<main")[1].split("</select>")[1]
    for group_by in ("campaign", "trade", "day", "funder", "merchant_size", "brand"):
        answer = browser.get(f"/reports/leverage?programme={slug}&group_by={group_by}")
        assert answer.status_code == 200
    for form in ("xlsx", "csv"):
        answer = browser.get(f"/reports/leverage.{form}?programme={slug}")
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert browser.get("/reports/leverage?programme=none-such").status_code == 404
    assert browser.get(f"/reports/leverage?programme={slug}&from=x").status_code == 422


def test_a_replayed_programme_says_so_wherever_its_figures_stand(
    reader: Reader, desk: Desk, world: World
) -> None:
    slug = f"replay-{uuid4().hex[:6]}"
    today = day_of(world.now())
    campaigns.create_programme(
        desk.core,
        actor=world.planner,
        slug=slug,
        name="回放方案",
        name_en="Replayed",
        brand="jinqiu",
        opens_on=today,
        closes_on=today,
        synthetic=True,
    )
    browser = reader(world.approver)
    for path in ("/", "/reports/leverage"):
        page = browser.get(f"{path}?programme={slug}").text
        assert "合成回放，不是真实数据" in page
        english = browser.get(f"{path}?programme={slug}", headers={"Accept-Language": "en"})
        assert "Synthetic replay, not real data" in english.text


def test_reconciliation_is_rung_from_the_page_of_the_books(
    reader: Reader, desk: Desk, world: World
) -> None:
    offer = world.offer()
    world.claim(offer)
    browser = reader(world.staff(Role.FINANCE))
    books = browser.get("/books")
    assert offer.title in books.text
    rung = send(browser, "/books", "/reconciliations", programme="")
    assert rung.location == "/books?rung=yes"
    assert "对账任务已启动" in browser.get(rung.location).text


def test_a_figure_that_a_full_recount_put_right_is_said_to_the_whole_city(
    reader: Reader, desk: Desk, world: World, owner: Engine
) -> None:
    campaign = world.draft()
    slug, offer = campaign.programme.slug, world.offer(campaign=campaign)
    world.claim(offer)
    reconciliation.run(desk.core, programme=slug)
    plant(owner, slug, "released_fen", RollupRow)
    reconciliation.run(desk.core, programme=slug, whole=True)
    city, county = (reader(world.staff(Role.FINANCE, area=area)) for area in ("", JIANGCHENG))
    page = city.get("/books").text
    for said in ("上次全部重算改正的数字", "投放", "¥200.01", "¥200.00"):
        assert said in page
    english = city.get("/books", headers={"Accept-Language": "en"}).text
    assert "Figures that the last full recount corrected" in english
    assert "¥200.01" not in county.get("/books").text


@pytest.mark.parametrize(
    "path",
    ["/", "/campaigns", "/campaigns/new", "/programmes/new", "/funders", "/approvals", "/books"],
)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_speaks_both_languages_under_the_policy(
    reader: Reader, world: World, path: str, language: str
) -> None:
    browser = reader(world.planner)
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    policy = dict(
        part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["script-src"] == "'self'"
    assert "style=" not in answer.text
    assert "&lt;b&gt;" not in answer.text
