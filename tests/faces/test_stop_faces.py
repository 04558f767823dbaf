"""Emergency stops over HTTP and at the desk, and what residents and cashiers are shown of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Browser
from sqlalchemy import text
from werkzeug.test import TestResponse

from merchant_portal.app import create_app as create_merchant
from tests.faces.admin_desk import CHINESE, Desk, main_of, refused, send
from tests.faces.test_admin_browser import AXE, RUN
from tests.make import JIANGCHENG
from tests.web.serving import serving
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.reports import canaries
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


@pytest.fixture(autouse=True)
def nothing_stopped(core: Core) -> Iterator[None]:
    """Every test ends with nothing stopped: the others share its city."""
    yield
    with core.transaction() as session:
        session.execute(text("UPDATE stop SET status = 'lifted', lifted_at = clock_timestamp()"))


def stop(desk: Desk, actor: Actor, **body: object) -> TestResponse:
    return desk.post(actor, "/stops", {"what": "both", "reason": "减多了"} | body)


def test_one_stops_by_api_and_two_let_it_go_on(desk: Desk) -> None:
    offer = desk.world.offer()
    campaign = str(offer.campaign_id)
    made = stop(desk, desk.world.planner, scope="campaign", subject_id=campaign)
    assert made.status_code == 201
    assert [one["what"] for one in made.json["items"]] == ["claims", "redemptions"]
    again = stop(
        desk, desk.world.planner, scope="campaign", subject_id=campaign, what="redemptions"
    )
    refused(again, 409, "already_stopped")
    listed = desk.get(desk.world.approver, "/stops?state=in_force").json["items"]
    assert {(one["what"], one["reason"]) for one in listed} == {
        ("claims", "减多了"),
        ("redemptions", "减多了"),
    }
    for one in made.json["items"]:
        asked = desk.post(desk.world.planner, f"/stops/{one['id']}/resume")
        assert asked.status_code == 202
        path = f"/approvals/{asked.json['approval_id']}/approve"
        refused(desk.post(desk.world.planner, path), 403, "same_person")
        assert desk.post(desk.world.approver, path).status_code == 200
        again = desk.post(desk.world.planner, f"/stops/{one['id']}/resume")
        refused(again, 409, "illegal_transition")
    assert desk.get(desk.world.planner, "/stops?state=in_force").json["items"] == []
    lifted = desk.get(desk.world.planner, "/stops?state=lifted&limit=1").json
    assert len(lifted["items"]) == 1
    assert lifted["next"]
    assert desk.get(desk.world.planner, f"/stops?cursor={lifted['next']}").status_code == 200


def test_what_makes_no_sense_is_refused_and_nothing_is_stopped(desk: Desk) -> None:
    planner, nobody = desk.world.planner, "00000000-0000-7000-8000-000000000000"
    refused(stop(desk, planner, scope="everything", subject_id=nobody), 422, "invalid_input")
    refused(stop(desk, planner, scope="campaign"), 422, "invalid_input")
    refused(stop(desk, planner, scope="planet"), 422, "invalid_input")
    refused(stop(desk, planner, scope="everything", reason=""), 422, "invalid_input")
    for scope in ("campaign", "programme", "merchant"):
        refused(stop(desk, planner, scope=scope, subject_id=nobody), 404, "not_found")
    refused(desk.post(planner, f"/stops/{nobody}/resume"), 404, "not_found")
    assert desk.get(planner, "/stops?state=in_force").json["items"] == []


def test_whoever_looks_after_money_may_stop_and_an_auditor_may_not(desk: Desk) -> None:
    offer = desk.world.offer()
    body = {"scope": "campaign", "subject_id": str(offer.campaign_id), "what": "redemptions"}
    refused(stop(desk, desk.world.staff(Role.AUDITOR), **body), 403, "not_allowed")
    county = desk.world.staff(Role.PLANNER, area=JIANGCHENG)
    refused(stop(desk, county, **body), 404, "not_found")
    refused(stop(desk, county, scope="everything"), 403, "not_allowed")
    made = stop(desk, desk.world.staff(Role.FINANCE), **body)
    assert made.status_code == 201
    resume = f"/stops/{made.json['items'][0]['id']}/resume"
    refused(desk.post(county, resume), 404, "not_found")


def test_a_pause_takes_a_reason_and_needs_none(desk: Desk) -> None:
    first, second = desk.world.offer(), desk.world.offer()
    body = {"reason": "先等等"}
    answer = desk.post(desk.world.planner, f"/campaigns/{first.campaign_id}/pause", body)
    assert (answer.status_code, answer.json["status"]) == (200, "paused")
    answer = desk.post(desk.world.planner, f"/campaigns/{second.campaign_id}/pause")
    assert answer.status_code == 200
    found = desk.get(desk.world.planner, "/stops?state=in_force").json["items"]
    assert {one["reason"] for one in found} == {"先等等", ""}


def test_two_clicks_stop_a_campaign_from_any_page(desk: Desk) -> None:
    offer = desk.world.offer()
    client = desk.browser(desk.world.planner)
    assert 'href="/stops"' in client.get("/campaigns").text  # the first click
    done = send(
        client,
        "/stops",
        "/stops",
        subject=f"campaign:{offer.campaign_id}",
        what="both",
        reason="发现异常，先停下来查",
    )  # the second: the page has filled in the rest
    assert done.status_code == 303
    page = client.get("/stops").text
    assert page.count("申请恢复") == 2
    assert "发现异常，先停下来查" in page
    assert "/stops" in client.get("/").text
    shown = client.get(f"/campaigns/{offer.campaign_id}").text
    assert "发券停了" in shown
    assert "用券停了" in shown


def test_a_form_that_makes_no_sense_says_so_and_keeps_what_was_typed(desk: Desk) -> None:
    client = desk.browser(desk.world.planner)
    wrong = send(client, "/stops", "/stops", subject="moon:1", what="both", reason="理由在此")
    assert wrong.status_code == 422
    assert "理由在此" in wrong.text


def test_a_second_person_reads_what_was_stopped_and_why(desk: Desk) -> None:
    offer = desk.world.offer()
    made = stop(desk, desk.world.planner, scope="campaign", subject_id=str(offer.campaign_id))
    one = next(each for each in made.json["items"] if each["what"] == "redemptions")
    client = desk.browser(desk.world.planner)
    asked = send(client, "/stops", f"/stops/{one['id']}/resume")
    assert asked.status_code == 303
    page = desk.browser(desk.world.approver).get(asked.headers["Location"]).text
    assert "减多了" in page
    assert "恢复什么" in page


def test_the_pages_are_whole_in_english(desk: Desk) -> None:
    offer = desk.world.offer()
    made = stop(
        desk,
        desk.world.planner,
        scope="campaign",
        subject_id=str(offer.campaign_id),
        reason="too much",
    )
    proposal = desk.post(desk.world.planner, f"/stops/{made.json['items'][1]['id']}/resume")
    client = desk.browser(desk.world.approver)
    for path in ("/stops", f"/approvals/{proposal.json['approval_id']}"):
        page = client.get(path, headers={"Accept-Language": "en"}).text
        left = set(CHINESE.findall(main_of(page))) - {"减多了", "惠利金秋", "第一场", "先等等"}
        assert left == set(), path


def test_a_canary_shows_its_state_and_why_it_stopped(desk: Desk) -> None:
    world = desk.world
    plan = replace(world.plan(quota=200, face=19, threshold=20), canary=True)
    offer = world.offer(plan)
    path = f"/campaigns/{offer.campaign_id}"
    (found,) = desk.get(world.planner, path).json["canaries"]
    assert (found["quota"], found["status"], found["findings"]) == (50, "waiting", [])
    client = desk.browser(world.planner)
    assert "试发中" in client.get(path).text
    for _ in range(5):
        world.redeem(world.claim(offer), order_fen=2_000)
    canaries.look(world.core)
    (found,) = desk.get(world.planner, path).json["canaries"]
    assert found["findings"] == [{"signal": "deep_discount", "seen_bps": 9500, "most_bps": 5000}]
    page = client.get(path).text
    assert "试发叫停" in page
    assert "减的钱占订单太多" in page
    assert "95" in page


def test_a_costly_offer_gets_a_canary_unless_its_planner_says_no(desk: Desk) -> None:
    campaign = desk.draft()
    opens = (desk.world.now() + timedelta(hours=2)).isoformat(timespec="seconds")
    costly = desk.offer_body() | {
        "quota": 50_000,
        "releases": [{"opens_at": opens, "quota": 50_000}],
    }
    path = f"/campaigns/{campaign}/offers"
    made = desk.post(desk.world.planner, path, costly).json
    assert [one["quota"] for one in made["releases"]] == [500, 49_500]
    made = desk.post(desk.world.planner, path, costly | {"canary": False}).json
    assert [one["quota"] for one in made["releases"]] == [50_000]
    made = desk.post(desk.world.planner, path, desk.offer_body() | {"canary": True}).json
    assert [one["quota"] for one in made["releases"]] == [30, 40, 30]


def test_residents_and_cashiers_are_told_and_shown(desk: Desk, core: Core) -> None:
    world = desk.world
    offer, resident, cashier = world.offer(), world.resident(), world.cashier()
    voucher = world.claim(offer, resident)
    assert (
        stop(desk, world.planner, scope="campaign", subject_id=str(offer.campaign_id)).status_code
        == 201
    )
    assert resident.id
    assert cashier.id
    face = create_resident(core).test_client()
    token = issue(core, Face.RESIDENT, resident.id).access_token
    other = issue(core, Face.RESIDENT, world.resident().id).access_token  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {other}", "Idempotency-Key": "k"}
    refused(face.post(f"/api/v1/offers/{offer.id}/claims", headers=headers), 409, "closed")
    home = face.get("/").text
    assert "暂停发放" in home
    assert "暂停使用" in home
    face.set_cookie(Face.RESIDENT.cookie, token)
    assert "这种券暂停使用" in face.get(f"/vouchers/{voucher.id}").text
    till = create_merchant(core).test_client()
    token = issue(core, Face.MERCHANT, cashier.id).access_token
    answer = till.post(
        "/api/v1/redemptions",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "order"},
        json={"code": world.code(voucher), "order_amount_fen": 12_800, "order_reference": "o-1"},
    )
    problem = refused(answer, 409, "redemption_stopped")
    assert offer.title in problem["detail"]
    till.set_cookie(Face.MERCHANT.cookie, token)
    assert "暂停使用" in till.get("/").text


@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_fit_their_width_and_assistive_technology(
    chromium: Browser, desk: Desk, core: Core, width: int
) -> None:
    offer = desk.world.offer()
    stop(desk, desk.world.planner, scope="campaign", subject_id=str(offer.campaign_id))
    stop(desk, desk.world.approver, scope="everything", what="claims")
    assert desk.world.planner.id
    token = issue(core, Face.ADMIN, desk.world.planner.id).access_token
    with serving(desk.app) as url:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, locale="zh-CN", base_url=url
        )
        context.add_cookies([{"name": Face.ADMIN.cookie, "value": token, "url": url}])
        page = context.new_page()
        for path in ("/stops", f"/campaigns/{offer.campaign_id}", "/"):
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, path
            page.evaluate(AXE.read_text("utf-8"))
            assert page.evaluate(RUN)["violations"] == [], path
        context.close()
