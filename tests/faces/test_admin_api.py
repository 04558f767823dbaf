"""The admin API: planning, the second person; and everything it refuses."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from tests.faces.admin_desk import Desk, refused
from tests.make import JIANGCHENG, World
from voucher_service.kernel.actor import Actor, Role
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


@pytest.fixture
def client(desk: Desk) -> FlaskClient:
    return desk.app.test_client()


@pytest.fixture(scope="module")
def finance(world: World) -> Actor:
    return world.staff(Role.FINANCE)


def test_staff_sign_in_and_learn_who_they_are(world: World, client: FlaskClient) -> None:
    name = f"planner-{uuid4().hex[:6]}"
    world.staff(Role.PLANNER, username=name)
    body = {"username": name, "password": f"demo-only-{name}"}
    signed_in = client.post("/api/v1/sign-in", json=body)
    assert signed_in.status_code == 200
    assert signed_in.json["expires_in_seconds"] > 0
    token = signed_in.json["access_token"]
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).json
    assert (me["username"], me["roles"], me["area"]) == (name, ["planner"], "")
    wrong = client.post("/api/v1/sign-in", json=body | {"password": "demo-only-nobody"})
    refused(wrong, 401, "sign_in_refused")
    assert client.post("/api/v1/sign-in", json=body | {"otp": None}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "token_missing"),
        ({"Authorization": "Bearer nonsense"}, "token_invalid"),
        ({"Authorization": "Basic abc"}, "token_missing"),
    ],
)
def test_without_a_token_nothing_is_shown(
    client: FlaskClient, headers: dict[str, str], code: str
) -> None:
    for path in ("/programmes", "/campaigns", "/approvals", "/reports/leverage", "/me"):
        refused(client.get(f"/api/v1{path}", headers=headers), 401, code)


def test_a_token_of_another_face_counts_for_nothing(
    desk: Desk, world: World, client: FlaskClient
) -> None:
    assert world.planner.id is not None
    token = issue(desk.core, Face.MERCHANT, world.planner.id).access_token
    answer = client.get("/api/v1/campaigns", headers={"Authorization": f"Bearer {token}"})
    refused(answer, 401, "token_invalid")


def test_a_plan_goes_from_programme_to_published_by_two_people(desk: Desk, world: World) -> None:
    slug = f"autumn-{uuid4().hex[:8]}"
    body = {"slug": slug, "name": "惠利金秋", "brand": "jinqiu"} | desk.days()
    made = desk.post(world.planner, "/programmes", body)
    assert (made.status_code, made.json["synthetic"]) == (201, False)
    campaign = desk.post(world.planner, "/campaigns", desk.campaign_body(slug)).json["id"]
    path = f"/campaigns/{campaign}"
    offer = desk.post(world.planner, f"{path}/offers", desk.offer_body())
    assert (offer.status_code, offer.json["quota"]) == (201, 100)
    assert [one["quota"] for one in offer.json["releases"]] == [60, 40]
    for code, share in (("city", 6_000), ("county", 4_000)):
        line = {"funder": world.funder(code), "amount_fen": 150_000, "share_bps": share}
        made = desk.post(world.planner, f"{path}/budget-lines", line)
        assert (made.status_code, made.json["funder"]) == (201, code)
    approval = desk.post(world.planner, f"{path}/submit").json["approval_id"]
    UUID(approval)
    waiting = desk.get(world.approver, "/approvals?state=waiting&limit=200").json["items"]
    (mine,) = [one for one in waiting if one["id"] == approval]
    assert mine["object_id"] == campaign
    assert mine["payload"]["offers"][0]["face_value_fen"] == 2_000
    refused(desk.post(world.planner, f"/approvals/{approval}/approve"), 403, "same_person")
    done = desk.post(world.approver, f"/approvals/{approval}/approve")
    assert (done.status_code, done.json["status"]) == (200, "executed")
    shown = desk.get(world.planner, path).json
    assert (shown["status"], shown["programme"]) == ("published", slug)
    assert [one["share_bps"] for one in shown["budget_lines"]] == [6_000, 4_000]
    assert shown["offers"][0]["status"] == "open"
    again = desk.post(world.approver, f"/approvals/{approval}/approve")
    refused(again, 409, "already_decided")


def test_the_same_key_makes_one_campaign_and_says_so(desk: Desk, world: World) -> None:
    slug = world.programme().slug
    key = {"Idempotency-Key": uuid4().hex}
    body = desk.campaign_body(slug)
    first = desk.post(world.planner, "/campaigns", body, **key)
    again = desk.post(world.planner, "/campaigns", body, **key)
    assert again.json["id"] == first.json["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    other = desk.post(world.planner, "/campaigns", body | {"name": "另一场"}, **key)
    refused(other, 422, "idempotency_key_reused")
    listed = desk.get(world.planner, f"/campaigns?programme={slug}").json
    assert (len(listed["items"]), listed["next"]) == (1, None)


def test_only_planners_plan_and_only_approvers_approve(
    desk: Desk, world: World, finance: Actor
) -> None:
    campaign, approval = desk.proposed()
    slug = world.programme().slug
    for actor in (finance, world.approver):
        answer = desk.post(actor, "/campaigns", desk.campaign_body(slug))
        refused(answer, 403, "not_allowed")
    refused(desk.post(finance, f"/campaigns/{campaign}/pause"), 403, "not_allowed")
    refused(desk.post(finance, f"/approvals/{approval}/approve"), 403, "not_allowed")
    reason = {"reason": "不喜欢"}
    refused(desk.post(finance, f"/approvals/{approval}/reject", reason), 403, "not_allowed")
    assert desk.get(finance, f"/approvals/{approval}").json["status"] == "waiting"


def test_a_proposal_sent_back_becomes_a_draft_with_the_reason(desk: Desk, world: World) -> None:
    campaign, approval = desk.proposed()
    path = f"/approvals/{approval}/reject"
    problem = refused(desk.post(world.approver, path, {}), 422, "invalid_input")
    assert "reason" in problem["errors"]
    answer = desk.post(world.approver, path, {"reason": "面额太大"})
    assert (answer.json["status"], answer.json["reason"]) == ("rejected", "面额太大")
    assert desk.get(world.planner, f"/campaigns/{campaign}").json["status"] == "draft"
    more = desk.post(world.planner, f"/campaigns/{campaign}/offers", desk.offer_body())
    assert more.status_code == 201


def test_one_person_stops_a_campaign_and_two_let_it_go_on_or_end(desk: Desk, world: World) -> None:
    campaign, approval = desk.proposed()
    desk.post(world.approver, f"/approvals/{approval}/approve")
    paused = desk.post(world.planner, f"/campaigns/{campaign}/pause")
    assert (paused.status_code, paused.json["status"]) == (200, "paused")
    again = desk.post(world.planner, f"/campaigns/{campaign}/pause")
    refused(again, 409, "illegal_transition")
    proposal = desk.post(world.planner, f"/campaigns/{campaign}/resume")
    assert proposal.status_code == 202
    path = f"/approvals/{proposal.json['approval_id']}/approve"
    assert desk.post(world.approver, path).status_code == 200
    proposal = desk.post(world.planner, f"/campaigns/{campaign}/close")
    path = f"/approvals/{proposal.json['approval_id']}/approve"
    assert desk.post(world.approver, path).status_code == 200
    assert desk.get(world.planner, f"/campaigns/{campaign}").json["status"] == "closed"


def test_a_county_plans_and_sees_only_its_own_area(desk: Desk, world: World) -> None:
    county = world.staff(Role.PLANNER, area=JIANGCHENG)
    slug = world.programme().slug
    body = desk.campaign_body(slug)
    refused(desk.post(county, "/campaigns", body), 403, "not_allowed")
    refused(desk.post(county, "/campaigns", body | {"area": "441781"}), 403, "not_allowed")
    own = desk.post(county, "/campaigns", body | {"area": JIANGCHENG})
    assert own.status_code == 201
    whole = desk.post(world.planner, "/campaigns", body).json["id"]
    listed = desk.get(county, f"/campaigns?programme={slug}").json["items"]
    assert [one["id"] for one in listed] == [own.json["id"]]
    refused(desk.get(county, f"/campaigns/{whole}"), 404, "not_found")
    refused(desk.post(county, f"/campaigns/{whole}/offers", desk.offer_body()), 404, "not_found")


def test_shares_that_are_not_whole_and_money_that_is_short_are_refused_at_submission(
    desk: Desk, world: World
) -> None:
    campaign = desk.draft()
    path = f"/campaigns/{campaign}"
    refused(desk.post(world.planner, f"{path}/submit"), 422, "campaign_incomplete")
    desk.post(world.planner, f"{path}/offers", desk.offer_body())
    line = {"funder": world.funder(), "amount_fen": 100_000, "share_bps": 9_000}
    assert desk.post(world.planner, f"{path}/budget-lines", line).status_code == 201
    taken = desk.post(world.planner, f"{path}/budget-lines", line)
    refused(taken, 409, "budget_line_exists")
    refused(desk.post(world.planner, f"{path}/submit"), 422, "shares_not_whole")
    rest = line | {"funder": world.funder("bank"), "share_bps": 1_000}
    desk.post(world.planner, f"{path}/budget-lines", rest)
    refused(desk.post(world.planner, f"{path}/submit"), 422, "budget_short")
    unknown = line | {"funder": "nobody"}
    refused(desk.post(world.planner, f"{path}/budget-lines", unknown), 422, "funder_unknown")


def test_a_plan_can_not_change_while_it_waits(desk: Desk, world: World) -> None:
    campaign, _ = desk.proposed()
    answer = desk.post(world.planner, f"/campaigns/{campaign}/offers", desk.offer_body())
    refused(answer, 409, "campaign_not_draft")
    refused(desk.post(world.planner, f"/campaigns/{campaign}/submit"), 409, "campaign_not_draft")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": "券🎉"}, "title"),
        ({"title": "a\u0000b"}, "title"),
        ({"title": ""}, "title"),
        ({"face_value_fen": -1}, "face_value_fen"),
        ({"face_value_fen": 20.5}, "face_value_fen"),
        ({"face_value_fen": "2000"}, "face_value_fen"),
        ({"face_value_fen": True}, "face_value_fen"),
        ({"threshold_fen": 10**30}, "threshold_fen"),
        ({"quota": -5}, "quota"),
        ({"kind": "raffle"}, "kind"),
        ({"areas": ["nowhere"]}, "areas"),
        ({"releases": [{"opens_at": "2026-10-01 10:00", "quota": 1}]}, "releases"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_every_wrong_field_of_an_offer_is_named(
    desk: Desk, world: World, wrong: dict[str, Any], field: str
) -> None:
    campaign = desk.draft()
    body = desk.offer_body() | wrong
    answer = desk.post(world.planner, f"/campaigns/{campaign}/offers", body)
    assert field in refused(answer, 422, "invalid_input")["errors"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"face_value_fen": 0}, "face_value_fen"),
        ({"face_value_fen": 200_001, "threshold_fen": 10**9}, "face_value_fen"),
        ({"threshold_fen": 2_000}, "threshold_fen"),
        ({"quota": 99}, "releases"),
        ({"valid_days": 0}, "valid_days"),
        ({"per_resident_limit": 0}, "per_resident_limit"),
        ({"trades": ["magic"]}, "trades"),
        ({"areas": ["999999"]}, "areas"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused_by_name(
    desk: Desk, world: World, wrong: dict[str, Any], field: str
) -> None:
    campaign = desk.draft()
    body = desk.offer_body() | wrong
    answer = desk.post(world.planner, f"/campaigns/{campaign}/offers", body)
    assert field in refused(answer, 422, "plan_invalid")["errors"]
    assert desk.get(world.planner, f"/campaigns/{campaign}").json["offers"] == []


def test_bodies_that_are_not_json_or_too_large_change_nothing(
    desk: Desk, world: World, client: FlaskClient
) -> None:
    assert world.planner.id is not None
    token = issue(desk.core, Face.ADMIN, world.planner.id).access_token
    known = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for body in (b"{", b'{"name": NaN}', b'{"name": "a", "name": "b"}', b"\xff\xfe"):
        answer = client.post("/api/v1/campaigns", data=body, headers=known)
        refused(answer, 400, "malformed_json")
    huge = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    refused(client.post("/api/v1/campaigns", data=huge, headers=known), 413, "body_too_large")
    text = known | {"Content-Type": "text/plain"}
    answer = client.post("/api/v1/campaigns", data=b"{}", headers=text)
    refused(answer, 415, "unsupported_media_type")
    refused(desk.post(world.planner, "/campaigns", ["a"]), 422, "invalid_input")


def test_a_campaign_outside_its_programme_or_of_an_unknown_one_is_refused(
    desk: Desk, world: World
) -> None:
    slug = world.programme().slug
    body = desk.campaign_body(slug)
    late = desk.post(world.planner, "/campaigns", body | {"closes_on": "2099-01-01"})
    assert "opens_on" in refused(late, 422, "plan_invalid")["errors"]
    unknown = desk.post(world.planner, "/campaigns", body | {"programme": "no-such-one"})
    refused(unknown, 404, "not_found")
    refused(desk.get(world.planner, f"/campaigns/{uuid4()}"), 404, "not_found")
    taken = {"slug": slug, "name": "再来一个"} | desk.days()
    refused(desk.post(world.planner, "/programmes", taken), 409, "programme_exists")


def test_lists_go_on_after_their_cursor(desk: Desk, world: World) -> None:
    slug = world.programme().slug
    made = [
        desk.post(world.planner, "/campaigns", desk.campaign_body(slug)).json["id"]
        for _ in range(3)
    ]
    path = f"/campaigns?programme={slug}&limit=2"
    first = desk.get(world.planner, path).json
    rest = desk.get(world.planner, f"{path}&cursor={first['next']}").json
    assert sorted(one["id"] for one in first["items"] + rest["items"]) == sorted(made)
    assert rest["next"] is None
    refused(desk.get(world.planner, f"{path}&cursor=@@"), 400, "cursor_invalid")
    refused(desk.get(world.planner, "/campaigns?limit=9999"), 422, "invalid_input")
    refused(desk.get(world.planner, "/approvals?state=lost"), 422, "invalid_input")


def test_refusals_speak_the_language_that_is_asked_for(desk: Desk, world: World) -> None:
    path = f"/campaigns/{uuid4()}"
    english = desk.get(world.planner, path, **{"Accept-Language": "en"})
    chinese = desk.get(world.planner, path)
    assert english.headers["Content-Language"] == "en"
    assert english.json["detail"].isascii()
    assert "没有" in chinese.json["detail"]


def test_the_document_names_every_call_of_the_contract(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    one = "/api/v1/campaigns/{campaign}"
    paths = {
        "/api/v1/sign-in",
        "/api/v1/campaigns",
        *(f"{one}/{verb}" for verb in ("budget-lines", "offers", "submit", "pause", "resume")),
        f"{one}/close",
        "/api/v1/approvals",
        "/api/v1/approvals/{approval}/approve",
        "/api/v1/approvals/{approval}/reject",
        "/api/v1/reconciliations",
        "/api/v1/reports/leverage",
        "/api/v1/reports/leverage.xlsx",
        "/api/v1/reports/leverage.csv",
    }
    assert paths <= set(document["paths"])
    assert document["paths"]["/api/v1/campaigns"]["post"]["security"] == [{"bearer": []}]
