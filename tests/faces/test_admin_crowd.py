"""Line and puzzle are part of the plan: chosen by the planner, seen by who approves."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from tests.faces.admin_desk import Desk
from tests.make import World
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.ids import OfferId


def test_both_are_off_unless_the_plan_says_otherwise(desk: Desk, world: World) -> None:
    path = f"/campaigns/{desk.draft()}/offers"
    plain = desk.post(world.planner, path, desk.offer_body()).json
    assert (plain["waiting_room"], plain["proof_of_work"]) == (False, False)
    busy = desk.post(world.planner, path, desk.offer_body() | {"waiting_room": True}).json
    assert (busy["waiting_room"], busy["proof_of_work"]) == (True, False)


def test_who_approves_signs_for_them(desk: Desk, world: World) -> None:
    campaign = desk.draft()
    path = f"/campaigns/{campaign}"
    line = {"funder": world.funder(), "amount_fen": 200_000, "share_bps": 10_000}
    body = desk.offer_body() | {"waiting_room": True, "proof_of_work": True}
    offer = desk.made(desk.post(world.planner, f"{path}/offers", body))
    desk.made(desk.post(world.planner, f"{path}/budget-lines", line))
    proposal = desk.post(world.planner, f"{path}/submit").json["approval_id"]
    waits = desk.get(world.approver, "/approvals?state=waiting").json["items"]
    (frozen,) = next(one for one in waits if one["id"] == proposal)["payload"]["offers"]
    assert (frozen["waiting_room"], frozen["proof_of_work"]) == (True, True)
    page = desk.browser(world.approver).get(f"/approvals/{proposal}").text
    assert "先排队" in page and "防刷计算" in page
    assert desk.post(world.approver, f"/approvals/{proposal}/approve").status_code == 200
    found = world.reload(OfferId(UUID(offer)))
    assert found.waiting_room and found.proof_of_work


def test_the_form_asks_for_them_in_words(desk: Desk, world: World) -> None:
    page = f"/campaigns/{desk.draft()}/offers/new"
    browser = desk.browser(world.planner)
    shown = browser.get(page).text
    assert "先排队：开抢前到的人随机排先后" in shown
    opening = (world.now() + timedelta(hours=3)).astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")
    typed = {"title": "券", "kind": "threshold", "face": "20", "threshold": "100", "limit": "1"}
    more = {"valid_days": "7", "opening": [opening], "quota": ["10"], "crowd": ["waiting_room"]}
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown))
    made = browser.post(page, data=hidden | typed | more)
    assert made.status_code == 303
    assert "先排队" in browser.get(made.location).text
    odd = browser.post(page, data=hidden | typed | more | {"crowd": ["magic"]})
    assert odd.status_code == 422
