"""Funds, budgets and caps over HTTP: proposed, signed by another person, read to the fen."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.faces.admin_desk import Body, Desk, refused
from tests.make import JIANGCHENG, World
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.ids import ApprovalId


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    world.funder("city")
    return Desk(world)


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def signed(desk: Desk, path: str, body: Body, planner: Actor | None = None) -> None:
    """A proposal that another person approved."""
    answer = desk.post(planner or desk.world.planner, path, body, **key())
    assert answer.status_code == 202, answer.json
    desk.world.approve(ApprovalId(answer.json["approval_id"]))


def funded(desk: Desk, fen: int = 1_000_000, funder: str = "city") -> str:
    """The id of a fund."""
    body = {"funder": funder, "year": 2026, "document": uuid4().hex, "amount_fen": fen}
    signed(desk, "/funds", body)
    items = desk.get(desk.world.planner, "/funds?limit=200").json["items"]
    return next(one["id"] for one in items if one["document"] == body["document"])


def frame(desk: Desk) -> tuple[str, str]:
    """The slug of a programme and the id of its frame."""
    slug = desk.world.programme().slug
    body = {"programme": slug, "name": "市级统筹", "area": "4417"}
    return slug, desk.made(desk.post(desk.world.planner, "/budgets", body))


def test_money_goes_from_the_treasury_to_a_county_and_home(desk: Desk) -> None:
    planner, fund = desk.world.planner, funded(desk)
    slug, top = frame(desk)
    part_body = {"programme": slug, "name": "江城区", "area": JIANGCHENG, "parent_id": top}
    part = desk.made(desk.post(planner, "/budgets", part_body))
    for budget, fen in ((top, 800_000), (part, 300_000)):
        body = {"fund_id": fund, "amount_fen": fen}
        signed(desk, f"/budgets/{budget}/allotments", body)
    (own,) = desk.get(planner, f"/budgets/{part}/allotments").json["items"]
    assert (own["available_fen"], own["fund_id"]) == (300_000, fund)
    signed(desk, f"/budgets/{part}/hand-back", {"fund_id": fund, "amount_fen": 100_000})
    signed(desk, f"/funds/{fund}/return", {"amount_fen": 50_000})
    signed(desk, f"/funds/{fund}/carry-over", {"amount_fen": 60_000})
    total = desk.get(planner, f"/funds/{fund}/standing").json["total"]
    assert total == {
        "given_fen": 1_000_000,
        "available_fen": 890_000,
        "passed_on_fen": 0,
        "reserved_fen": 0,
        "outstanding_fen": 0,
        "committed_fen": 0,
        "settled_fen": 0,
        "returned_fen": 50_000,
        "carried_fen": 60_000,
    }
    standing = desk.get(planner, f"/budgets/{top}/standing").json
    kinds = [(one["kind"], one["sums"]["available_fen"]) for one in standing["rows"]]
    assert kinds == [("allotment", 600_000), ("allotment", 200_000)]
    past = desk.get(planner, f"/funds/{fund}/standing?at=2020-01-01T00:00:00Z").json
    assert past["total"]["given_fen"] == 0
    moves = desk.get(planner, f"/funds/{fund}/moves").json["items"]
    assert [one["action"] for one in moves] == [
        "fund.carry_over",
        "fund.return",
        "budget.hand_back",
        "budget.pass_down",
        "budget.allot",
        "fund.appropriate",
    ]
    assert {one["status"] for one in moves} == {"made"}
    listed = desk.get(planner, f"/budgets?programme={slug}").json["items"]
    assert [one["parent_id"] for one in listed] == [None, top]
    first = desk.get(planner, f"/budgets?programme={slug}&limit=1").json
    assert (len(first["items"]), bool(first["next"])) == (1, True)


def test_a_campaign_draws_on_its_budget(desk: Desk) -> None:
    planner, fund = desk.world.planner, funded(desk)
    slug, top = frame(desk)
    signed(desk, f"/budgets/{top}/allotments", {"fund_id": fund, "amount_fen": 300_000})
    body = desk.campaign_body(slug) | {"budget_id": top}
    campaign = desk.made(desk.post(planner, "/campaigns", body))
    desk.made(desk.post(planner, f"/campaigns/{campaign}/offers", desk.offer_body()))
    line = {"funder": "city", "amount_fen": 200_000, "share_bps": 10_000, "fallback": True}
    made = desk.post(planner, f"/campaigns/{campaign}/budget-lines", line)
    id = desk.made(made)
    assert made.json["shop_area"] == ""
    earmarked = line | {"purpose_code": "home-appliances"}
    refused(
        desk.post(planner, f"/campaigns/{campaign}/budget-lines", earmarked),
        422,
        "allotment_missing",
    )
    signed(desk, f"/campaigns/{campaign}/submit", {})
    total = desk.get(planner, f"/campaigns/{campaign}/standing").json["total"]
    assert (total["given_fen"], total["reserved_fen"]) == (200_000, 200_000)
    items = desk.get(planner, f"/budget-lines/{id}/statement").json["items"]
    assert [(one["code"], one["amount_fen"], one["balance_fen"]) for one in items] == [
        ("published", -200_000, 0),
        ("funded", 200_000, 200_000),
    ]
    foreign = desk.world.staff(Role.FINANCE, area=JIANGCHENG)
    refused(desk.get(foreign, f"/budget-lines/{id}/statement"), 404, "not_found")
    refused(desk.get(planner, f"/budget-lines/{uuid4()}/statement"), 404, "not_found")


def test_caps_over_http(desk: Desk) -> None:
    planner, (_, top) = desk.world.planner, frame(desk)
    body = {"day_fen": 100_000, "month_fen": None}
    answer = desk.call(planner, "PUT", f"/budgets/{top}/caps", body)
    assert answer.status_code == 202
    refused(desk.call(planner, "PUT", f"/budgets/{top}/caps", body), 409, "already_proposed")
    desk.world.approve(ApprovalId(answer.json["approval_id"]))
    found = desk.get(planner, f"/budgets/{top}/caps").json["items"]
    assert found == [{"span": "day", "amount_fen": 100_000, "planned": []}]
    campaign = desk.planned()
    answer = desk.call(planner, "PUT", f"/campaigns/{campaign}/caps", {"campaign_fen": 200_000})
    desk.world.approve(ApprovalId(answer.json["approval_id"]))
    signed(desk, f"/campaigns/{campaign}/submit", {})
    (cap,) = desk.get(planner, f"/campaigns/{campaign}/caps").json["items"]
    assert cap["planned"] == [{"period": f"campaign:{campaign}", "planned_fen": 200_000}]
    refused(desk.call(planner, "PUT", f"/budgets/{top}/caps", {"day_fen": 0}), 422, "invalid_input")


def test_what_moves_money_needs_a_key_and_happens_once(desk: Desk) -> None:
    planner, fund = desk.world.planner, funded(desk)
    path, body = f"/funds/{fund}/return", {"amount_fen": 10}
    refused(desk.post(planner, path, body), 400, "idempotency_key_missing")
    headers = key()
    first, again = (
        desk.post(planner, path, body, **headers),
        desk.post(planner, path, body, **headers),
    )
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(desk.post(planner, path, {"amount_fen": 11}, **headers), 422, "idempotency_key_reused")
    too_much = desk.post(planner, path, {"amount_fen": 10_000_000}, **key())
    refused(too_much, 409, "funds_short")


def test_only_planners_of_the_area_propose_and_strangers_see_nothing(desk: Desk) -> None:
    fund, (slug, top) = funded(desk), frame(desk)
    for role in (Role.APPROVER, Role.FINANCE, Role.AUDITOR):
        reader = desk.world.staff(role)
        body = {"funder": "city", "year": 2026, "document": "1", "amount_fen": 1}
        refused(desk.post(reader, "/funds", body, **key()), 403, "not_allowed")
        assert desk.get(reader, f"/funds/{fund}/standing").status_code == 200
        assert desk.get(reader, f"/budgets/{top}").json["programme"] == slug
    county = desk.world.staff(Role.PLANNER, area=JIANGCHENG)
    for path in (f"/funds/{fund}", f"/funds/{fund}/moves", f"/budgets/{top}/caps"):
        refused(desk.get(county, path), 404, "not_found")
    body = {"fund_id": fund, "amount_fen": 1}
    refused(desk.post(county, f"/budgets/{top}/allotments", body, **key()), 404, "not_found")
    refused(
        desk.post(county, f"/funds/{fund}/return", {"amount_fen": 1}, **key()), 404, "not_found"
    )
    foreign = {"funder": "city", "year": 2026, "document": "1", "amount_fen": 1}
    refused(desk.post(county, "/funds", foreign, **key()), 422, "funder_unknown")
    named = desk.campaign_body(slug) | {"budget_id": top, "area": JIANGCHENG}
    refused(desk.post(county, "/campaigns", named), 422, "budget_not_found")
