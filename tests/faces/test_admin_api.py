"""The admin API: planning, the second person, reports; and everything it refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from admin.app import create_app
from tests.make import JIANGCHENG, World
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.reconciliation import service as reconciliation
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

YANGCHUN = "441781"
Call = Callable[..., TestResponse]


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    return create_app(core)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def call(core: Core, client: FlaskClient) -> Call:
    """`call(actor, method, path, body)` with the actor's token."""

    def send(
        actor: Actor, method: str, path: str, json: Any = None, **headers: str
    ) -> TestResponse:
        assert actor.id is not None
        token = issue(core, Face.ADMIN, actor.id).access_token
        known = {"Authorization": f"Bearer {token}"} | headers
        return client.open(f"/api/v1{path}", method=method, json=json, headers=known)

    return send


@pytest.fixture
def finance(world: World) -> Actor:
    return world.staff(Role.FINANCE)


def days(world: World) -> dict[str, str]:
    today = day_of(world.now())
    return {
        "opens_on": today.isoformat(),
        "closes_on": (today + timedelta(days=20)).isoformat(),
    }


def campaign_body(world: World, programme: str, **more: Any) -> dict[str, Any]:
    wanted = {"programme": programme, "name": "国庆加场", "kind": "voucher", "area": "441700"}
    return wanted | days(world) | more


def offer_body(world: World, **more: Any) -> dict[str, Any]:
    opens = (world.now() + timedelta(hours=2)).isoformat(timespec="seconds")
    return {
        "title": "通用券",
        "kind": "threshold",
        "face_value_fen": 2_000,
        "threshold_fen": 10_000,
        "quota": 100,
        "per_resident_limit": 1,
        "valid_days": 7,
        "areas": [JIANGCHENG],
        "trades": ["dining"],
        "releases": [{"opens_at": opens, "quota": 60}, {"opens_at": opens, "quota": 40}],
    } | more


def draft(call: Call, world: World, planner: Actor, **more: Any) -> str:
    slug = world.programme().slug
    made = call(planner, "POST", "/campaigns", campaign_body(world, slug, **more))
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def planned(call: Call, world: World, planner: Actor, **more: Any) -> str:
    """A draft with an offer and the money for it."""
    campaign = draft(call, world, planner, **more)
    line = {"funder": world.funder(), "amount_fen": 200_000, "share_bps": 10_000}
    made = call(planner, "POST", f"/campaigns/{campaign}/offers", offer_body(world))
    assert made.status_code == 201, made.json
    made = call(planner, "POST", f"/campaigns/{campaign}/budget-lines", line)
    assert made.status_code == 201, made.json
    return campaign


def proposed(call: Call, world: World, planner: Actor, **more: Any) -> tuple[str, str]:
    campaign = planned(call, world, planner, **more)
    answer = call(planner, "POST", f"/campaigns/{campaign}/submit")
    assert answer.status_code == 202, answer.json
    return campaign, str(answer.json["approval_id"])


def refused(answer: TestResponse, status: int, code: str) -> Any:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"]
    return answer.json


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
    core: Core, world: World, client: FlaskClient
) -> None:
    assert world.planner.id is not None
    token = issue(core, Face.MERCHANT, world.planner.id).access_token
    answer = client.get("/api/v1/campaigns", headers={"Authorization": f"Bearer {token}"})
    refused(answer, 401, "token_invalid")


def test_a_plan_goes_from_programme_to_published_by_two_people(call: Call, world: World) -> None:
    slug = f"autumn-{uuid4().hex[:8]}"
    body = {"slug": slug, "name": "惠利金秋", "brand": "jinqiu"} | days(world)
    made = call(world.planner, "POST", "/programmes", body)
    assert (made.status_code, made.json["synthetic"]) == (201, False)
    campaign = call(world.planner, "POST", "/campaigns", campaign_body(world, slug)).json["id"]
    path = f"/campaigns/{campaign}"
    offer = call(world.planner, "POST", f"{path}/offers", offer_body(world))
    assert (offer.status_code, offer.json["quota"]) == (201, 100)
    assert [one["quota"] for one in offer.json["releases"]] == [60, 40]
    for code, share in (("city", 6_000), ("county", 4_000)):
        line = {"funder": world.funder(code), "amount_fen": 150_000, "share_bps": share}
        made = call(world.planner, "POST", f"{path}/budget-lines", line)
        assert (made.status_code, made.json["funder"]) == (201, code)
    approval = call(world.planner, "POST", f"{path}/submit").json["approval_id"]
    UUID(approval)
    waiting = call(world.approver, "GET", "/approvals?state=waiting&limit=200").json["items"]
    (mine,) = [one for one in waiting if one["id"] == approval]
    assert mine["object_id"] == campaign
    assert mine["payload"]["offers"][0]["face_value_fen"] == 2_000
    refused(call(world.planner, "POST", f"/approvals/{approval}/approve"), 403, "same_person")
    done = call(world.approver, "POST", f"/approvals/{approval}/approve")
    assert (done.status_code, done.json["status"]) == (200, "executed")
    shown = call(world.planner, "GET", path).json
    assert (shown["status"], shown["programme"]) == ("published", slug)
    assert [one["share_bps"] for one in shown["budget_lines"]] == [6_000, 4_000]
    assert shown["offers"][0]["status"] == "open"
    again = call(world.approver, "POST", f"/approvals/{approval}/approve")
    refused(again, 409, "already_decided")


def test_the_same_key_makes_one_campaign_and_says_so(call: Call, world: World) -> None:
    slug = world.programme().slug
    key = {"Idempotency-Key": uuid4().hex}
    body = campaign_body(world, slug)
    first = call(world.planner, "POST", "/campaigns", body, **key)
    again = call(world.planner, "POST", "/campaigns", body, **key)
    assert again.json["id"] == first.json["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    other = call(world.planner, "POST", "/campaigns", body | {"name": "另一场"}, **key)
    refused(other, 422, "idempotency_key_reused")
    listed = call(world.planner, "GET", f"/campaigns?programme={slug}").json
    assert (len(listed["items"]), listed["next"]) == (1, None)


def test_only_planners_plan_and_only_approvers_approve(
    call: Call, world: World, finance: Actor
) -> None:
    campaign, approval = proposed(call, world, world.planner)
    slug = world.programme().slug
    for actor in (finance, world.approver):
        answer = call(actor, "POST", "/campaigns", campaign_body(world, slug))
        refused(answer, 403, "not_allowed")
    refused(call(finance, "POST", f"/campaigns/{campaign}/pause"), 403, "not_allowed")
    refused(call(finance, "POST", f"/approvals/{approval}/approve"), 403, "not_allowed")
    assert call(finance, "GET", f"/approvals/{approval}").json["status"] == "waiting"


def test_a_proposal_sent_back_becomes_a_draft_with_the_reason(call: Call, world: World) -> None:
    campaign, approval = proposed(call, world, world.planner)
    path = f"/approvals/{approval}/reject"
    problem = refused(call(world.approver, "POST", path, {}), 422, "invalid_input")
    assert "reason" in problem["errors"]
    answer = call(world.approver, "POST", path, {"reason": "面额太大"})
    assert (answer.json["status"], answer.json["reason"]) == ("rejected", "面额太大")
    assert call(world.planner, "GET", f"/campaigns/{campaign}").json["status"] == "draft"
    more = call(world.planner, "POST", f"/campaigns/{campaign}/offers", offer_body(world))
    assert more.status_code == 201


def test_one_person_stops_a_campaign_and_two_let_it_go_on_or_end(call: Call, world: World) -> None:
    campaign, approval = proposed(call, world, world.planner)
    call(world.approver, "POST", f"/approvals/{approval}/approve")
    paused = call(world.planner, "POST", f"/campaigns/{campaign}/pause")
    assert (paused.status_code, paused.json["status"]) == (200, "paused")
    again = call(world.planner, "POST", f"/campaigns/{campaign}/pause")
    refused(again, 409, "illegal_transition")
    proposal = call(world.planner, "POST", f"/campaigns/{campaign}/resume")
    assert proposal.status_code == 202
    path = f"/approvals/{proposal.json['approval_id']}/approve"
    assert call(world.approver, "POST", path).status_code == 200
    proposal = call(world.planner, "POST", f"/campaigns/{campaign}/close")
    path = f"/approvals/{proposal.json['approval_id']}/approve"
    assert call(world.approver, "POST", path).status_code == 200
    assert call(world.planner, "GET", f"/campaigns/{campaign}").json["status"] == "closed"


def test_a_county_plans_and_sees_only_its_own_area(call: Call, world: World) -> None:
    county = world.staff(Role.PLANNER, area=JIANGCHENG)
    slug = world.programme().slug
    body = campaign_body(world, slug)
    refused(call(county, "POST", "/campaigns", body), 403, "not_allowed")
    refused(call(county, "POST", "/campaigns", body | {"area": YANGCHUN}), 403, "not_allowed")
    own = call(county, "POST", "/campaigns", body | {"area": JIANGCHENG})
    assert own.status_code == 201
    whole = call(world.planner, "POST", "/campaigns", body).json["id"]
    listed = call(county, "GET", f"/campaigns?programme={slug}").json["items"]
    assert [one["id"] for one in listed] == [own.json["id"]]
    refused(call(county, "GET", f"/campaigns/{whole}"), 404, "not_found")
    refused(
        call(county, "POST", f"/campaigns/{whole}/offers", offer_body(world)), 404, "not_found"
    )


def test_shares_that_are_not_whole_and_money_that_is_short_are_refused_at_submission(
    call: Call, world: World
) -> None:
    campaign = draft(call, world, world.planner)
    path = f"/campaigns/{campaign}"
    refused(call(world.planner, "POST", f"{path}/submit"), 422, "campaign_incomplete")
    call(world.planner, "POST", f"{path}/offers", offer_body(world))
    line = {"funder": world.funder(), "amount_fen": 100_000, "share_bps": 9_000}
    assert call(world.planner, "POST", f"{path}/budget-lines", line).status_code == 201
    taken = call(world.planner, "POST", f"{path}/budget-lines", line)
    refused(taken, 409, "budget_line_exists")
    refused(call(world.planner, "POST", f"{path}/submit"), 422, "shares_not_whole")
    rest = line | {"funder": world.funder("bank"), "share_bps": 1_000}
    call(world.planner, "POST", f"{path}/budget-lines", rest)
    refused(call(world.planner, "POST", f"{path}/submit"), 422, "budget_short")
    unknown = line | {"funder": "nobody"}
    refused(
        call(world.planner, "POST", f"{path}/budget-lines", unknown), 422, "funder_unknown"
    )


def test_a_plan_can_not_change_while_it_waits(call: Call, world: World) -> None:
    campaign, _ = proposed(call, world, world.planner)
    answer = call(world.planner, "POST", f"/campaigns/{campaign}/offers", offer_body(world))
    refused(answer, 409, "campaign_not_draft")
    refused(
        call(world.planner, "POST", f"/campaigns/{campaign}/submit"), 409, "campaign_not_draft"
    )


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
        ({"kind": "balance"}, "kind"),
        ({"areas": ["nowhere"]}, "areas"),
        ({"releases": [{"opens_at": "2026-10-01 10:00", "quota": 1}]}, "releases"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_every_wrong_field_of_an_offer_is_named(
    call: Call, world: World, wrong: dict[str, Any], field: str
) -> None:
    campaign = draft(call, world, world.planner)
    body = offer_body(world) | wrong
    answer = call(world.planner, "POST", f"/campaigns/{campaign}/offers", body)
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
    call: Call, world: World, wrong: dict[str, Any], field: str
) -> None:
    campaign = draft(call, world, world.planner)
    body = offer_body(world) | wrong
    answer = call(world.planner, "POST", f"/campaigns/{campaign}/offers", body)
    assert field in refused(answer, 422, "plan_invalid")["errors"]
    assert call(world.planner, "GET", f"/campaigns/{campaign}").json["offers"] == []


def test_bodies_that_are_not_json_or_too_large_change_nothing(
    call: Call, core: Core, world: World, client: FlaskClient
) -> None:
    assert world.planner.id is not None
    token = issue(core, Face.ADMIN, world.planner.id).access_token
    known = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for body in (b"{", b'{"name": NaN}', b'{"name": "a", "name": "b"}', b"\xff\xfe"):
        answer = client.post("/api/v1/campaigns", data=body, headers=known)
        refused(answer, 400, "malformed_json")
    huge = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    refused(client.post("/api/v1/campaigns", data=huge, headers=known), 413, "body_too_large")
    text = known | {"Content-Type": "text/plain"}
    answer = client.post("/api/v1/campaigns", data=b"{}", headers=text)
    refused(answer, 415, "unsupported_media_type")
    refused(call(world.planner, "POST", "/campaigns", ["a"]), 422, "invalid_input")


def test_a_campaign_outside_its_programme_or_of_an_unknown_one_is_refused(
    call: Call, world: World
) -> None:
    slug = world.programme().slug
    body = campaign_body(world, slug)
    late = call(world.planner, "POST", "/campaigns", body | {"closes_on": "2099-01-01"})
    assert "opens_on" in refused(late, 422, "plan_invalid")["errors"]
    unknown = call(world.planner, "POST", "/campaigns", body | {"programme": "no-such-one"})
    refused(unknown, 404, "not_found")
    refused(call(world.planner, "GET", f"/campaigns/{uuid4()}"), 404, "not_found")
    taken = {"slug": slug, "name": "再来一个"} | days(world)
    refused(call(world.planner, "POST", "/programmes", taken), 409, "programme_exists")


def test_lists_go_on_after_their_cursor(call: Call, world: World) -> None:
    slug = world.programme().slug
    made = [
        call(world.planner, "POST", "/campaigns", campaign_body(world, slug)).json["id"]
        for _ in range(3)
    ]
    path = f"/campaigns?programme={slug}&limit=2"
    first = call(world.planner, "GET", path).json
    rest = call(world.planner, "GET", f"{path}&cursor={first['next']}").json
    assert sorted(one["id"] for one in first["items"] + rest["items"]) == sorted(made)
    assert rest["next"] is None
    refused(call(world.planner, "GET", f"{path}&cursor=@@"), 400, "cursor_invalid")
    refused(call(world.planner, "GET", "/campaigns?limit=9999"), 422, "invalid_input")
    refused(call(world.planner, "GET", "/approvals?state=lost"), 422, "invalid_input")


def test_funders_are_entered_once(call: Call, world: World) -> None:
    code = f"f-{uuid4().hex[:6]}"
    body = {"code": code, "name": "阳西县财政局", "level": "county", "area": "441721"}
    first = call(world.planner, "POST", "/funders", body)
    again = call(world.planner, "POST", "/funders", body)
    assert (first.status_code, again.json["id"]) == (201, first.json["id"])
    listed = call(world.approver, "GET", "/funders?limit=200").json["items"]
    assert code in [one["code"] for one in listed]


def test_reports_tell_the_same_figures_as_json_excel_and_csv(
    call: Call, core: Core, world: World, finance: Actor
) -> None:
    campaign = world.draft()
    offer = world.offer(campaign=campaign)
    first, _ = world.claim(offer), world.claim(offer)
    world.redeem(first, order_fen=12_850)
    slug = campaign.programme.slug
    asked = call(finance, "POST", "/reconciliations", {"programme": slug})
    assert (asked.status_code, asked.json["jobs"]) == (202, [f"reconcile:{slug}"])
    reconciliation.run(core, programme=slug)
    query = f"?programme={slug}&group_by=area"
    report = call(finance, "GET", f"/reports/leverage{query}").json
    totals = report["totals"]
    assert (totals["issued_fen"], totals["redeemed_fen"]) == (4_000, 2_000)
    assert (totals["leveraged_fen"], totals["net_leveraged_fen"]) == (12_850, 10_850)
    assert totals["ratio_on_issued"] == 3.2125
    assert totals["floor_on_redeemed"] == 5.0
    assert sum(row["leveraged_fen"] for row in report["rows"]) == 12_850
    book = call(finance, "GET", f"/reports/leverage.xlsx{query}")
    sheet = openpyxl.load_workbook(BytesIO(book.data)).worksheets[0]
    assert 128.5 in {cell.value for row in sheet.iter_rows() for cell in row}
    table = call(finance, "GET", f"/reports/leverage.csv{query}")
    assert "128.50" in table.data.decode("utf-8-sig")
    assert f'filename="leverage-{slug}-area.csv"' in table.headers["Content-Disposition"]


def test_reports_refuse_unknown_programmes_and_wrong_questions(
    call: Call, world: World, finance: Actor
) -> None:
    slug = world.programme().slug
    refused(call(finance, "GET", "/reports/leverage"), 422, "invalid_input")
    unknown = call(finance, "GET", "/reports/leverage?programme=nothing-here")
    refused(unknown, 404, "not_found")
    path = f"/reports/leverage?programme={slug}"
    refused(call(finance, "GET", f"{path}&group_by=mood"), 422, "invalid_input")
    refused(call(finance, "GET", f"{path}&basis=gut"), 422, "invalid_input")
    backwards = call(finance, "GET", f"{path}&from=2026-09-30&to=2026-09-01")
    refused(backwards, 422, "invalid_input")
    refused(
        call(finance, "POST", "/reconciliations", {"programme": "nothing-here"}), 404, "not_found"
    )


def test_a_county_reads_only_its_own_rows(call: Call, core: Core, world: World) -> None:
    programme = world.programme()
    for area in (JIANGCHENG, YANGCHUN):
        world.claim(world.offer(campaign=world.draft(programme=programme, area=area)))
    reconciliation.run(core, programme=programme.slug)
    county = world.staff(Role.FINANCE, area=JIANGCHENG)
    path = f"/reports/leverage?programme={programme.slug}"
    for group_by in ("area", "campaign"):
        report = call(county, "GET", f"{path}&group_by={group_by}").json
        assert len(report["rows"]) == 1
        assert report["totals"]["issued_fen"] == 2_000
    refused(call(county, "GET", f"{path}&group_by=day"), 403, "not_allowed")
    whole = call(world.approver, "GET", f"{path}&group_by=area").json
    assert whole["totals"]["issued_fen"] == 4_000


def test_refusals_speak_the_language_that_is_asked_for(call: Call, world: World) -> None:
    path = f"/campaigns/{uuid4()}"
    english = call(world.planner, "GET", path, **{"Accept-Language": "en"})
    chinese = call(world.planner, "GET", path)
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
