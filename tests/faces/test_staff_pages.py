"""Staff, sessions, residents and the audit trail at the admin face: pages and calls."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.faces.admin_desk import Desk, refused
from tests.make import World
from tests.people import newcomer
from voucher_service.approvals import service as approvals
from voucher_service.identity import second_factor
from voucher_service.identity import service as identity
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.ids import ApprovalId
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

FIRST = "typed by the new one"
OWN = "only I know this one"


@pytest.fixture(scope="module")
def manager(world: World) -> Actor:
    return world.staff(Role.ADMINISTRATOR)


class Reader:
    """Somebody's browser without scripts."""

    def __init__(self, desk: Desk) -> None:
        self.browser: FlaskClient = desk.app.test_client()
        self.desk = desk

    def sits_down(self, actor: Actor, *, factor: bool = False) -> Reader:
        assert actor.id is not None
        token = issue(self.desk.core, Face.ADMIN, actor.id, factor=factor)
        self.browser.set_cookie(Face.ADMIN.cookie, token.access_token)
        return self

    def signs_in(self, login: str, password: str, otp: str = "") -> TestResponse:
        typed = {"username": login, "password": password, "otp": otp}
        return self.browser.post("/sign-in", data=typed)

    def opens(self, path: str) -> str:
        answer = self.browser.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def sends(self, path: str, data: dict[str, Any], *, on: str = "/account") -> TestResponse:
        found = re.search(r'name="csrf_token" value="(\w+)"', self.opens(on))
        assert found
        return self.browser.post(
            path, data=data | {"csrf_token": found[1]}, headers={"Referer": f"http://localhost{on}"}
        )


def phone(secret: str) -> str:
    """What an authenticator shows now."""
    step = second_factor.step_at(datetime.now(UTC))
    return second_factor.code_at(base64.b32decode(secret), step)


def account(desk: Desk, manager: Actor) -> tuple[str, str]:
    """A colleague's login and id, approved."""
    login = f"c-{uuid4().hex[:12]}"
    body = {
        "username": login,
        "display_name": "新同事",
        "roles": ["reviewer"],
        "area": "",
        "password": FIRST,
    }
    made = desk.post(manager, "/staff", body)
    assert made.status_code == 202, made.json
    approval = ApprovalId(UUID(made.json["approval_id"]))
    approvals.approve(desk.core, actor=desk.world.approver, approval=approval)
    return login, str(made.json["id"])


def test_a_new_colleague_changes_the_password_and_then_works(desk: Desk, manager: Actor) -> None:
    login, _ = account(desk, manager)
    reader = Reader(desk)
    assert reader.signs_in(login, FIRST).status_code == 303
    assert reader.browser.get("/campaigns").headers["Location"] == "/account"
    typed = {"username": login, "password": FIRST}
    told = desk.app.test_client().post("/api/v1/sign-in", json=typed).json
    assert told
    called = reader.browser.get(
        "/api/v1/campaigns", headers={"Authorization": f"Bearer {told['access_token']}"}
    )
    refused(called, 403, "password_change_required")
    assert "先换成自己的密码" in reader.opens("/account")
    refused_ = reader.sends("/account/password", {"old": "no", "new": OWN})
    assert refused_.status_code == 422
    assert reader.sends("/account/password", {"old": FIRST, "new": OWN}).status_code == 303
    assert reader.browser.get("/campaigns").status_code == 200
    assert Reader(desk).signs_in(login, FIRST).status_code == 401
    assert Reader(desk).signs_in(login, OWN).status_code == 303


def test_signing_out_ends_the_session_and_not_only_the_cookie(desk: Desk, world: World) -> None:
    reader = Reader(desk).sits_down(world.staff(Role.PLANNER))
    kept = reader.browser.get_cookie(Face.ADMIN.cookie)
    assert kept is not None
    assert reader.sends("/sign-out", {}).status_code == 303
    reader.browser.set_cookie(Face.ADMIN.cookie, kept.value)
    answer = reader.browser.get("/account")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in")


def test_an_authenticator_is_enrolled_on_the_page_and_asked_for_at_the_door(
    desk: Desk, manager: Actor
) -> None:
    login, _ = account(desk, manager)
    reader = Reader(desk)
    reader.signs_in(login, FIRST)
    reader.sends("/account/password", {"old": FIRST, "new": OWN})
    assert reader.sends("/account/otp", {}).headers["Location"] == "/account/otp"
    page = reader.opens("/account/otp")
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert found
    assert "<path d=" in page
    secret = found[1].replace(" ", "")
    assert reader.sends("/account/otp/confirm", {"code": "000000"}).status_code == 422
    done = reader.sends("/account/otp/confirm", {"code": phone(secret)})
    codes = re.findall(r"<li>((?:[a-z2-7]{4}-){3}[a-z2-7]{4})</li>", done.text)
    assert len(codes) == 10
    assert Reader(desk).signs_in(login, OWN).status_code == 401
    other = Reader(desk)
    assert other.signs_in(login, OWN, codes[0]).status_code == 303
    assert "还剩 9 个" in other.opens("/account")
    assert Reader(desk).signs_in(login, OWN, codes[0]).status_code == 401


def test_an_approver_with_a_factor_shows_it_again_before_signing(desk: Desk, world: World) -> None:
    approver = world.staff(Role.APPROVER)
    secret = identity.begin_otp(desk.core, actor=approver)
    codes = identity.confirm_otp(desk.core, actor=approver, code=phone(secret))
    _, approval = desk.proposed()
    path = f"/approvals/{approval}"
    refused(desk.post(approver, f"{path}/approve"), 403, "fresh_factor_required")
    reader = Reader(desk).sits_down(approver)
    answer = reader.sends(f"{path}/approve", {}, on=path)
    assert answer.status_code == 303
    confirm = answer.headers["Location"]
    assert confirm == f"/account/confirm?next=%2Fapprovals%2F{approval}"
    assert "再验一次身份" in reader.opens(confirm)
    wrong = reader.sends("/account/confirm", {"code": "000000", "next": path}, on=confirm)
    assert wrong.status_code == 422
    shown = reader.sends("/account/confirm", {"code": codes[0], "next": path}, on=confirm)
    assert shown.headers["Location"] == path
    assert reader.sends(f"{path}/approve", {}, on=path).headers["Location"] == path
    assert "已批准" in reader.opens(path)
    headers = desk.bearer(approver)
    client = desk.app.test_client()
    answer = client.post("/api/v1/me/factors/show", json={"otp": codes[1]}, headers=headers)
    assert answer.status_code == 204
    assert client.post("/api/v1/me/recovery-codes", headers=headers).status_code == 200


def test_an_administrator_sees_colleagues_and_no_money_and_no_residents(
    desk: Desk, world: World, manager: Actor
) -> None:
    campaign = world.draft()
    for path in (
        "/campaigns",
        f"/campaigns/{campaign.id}",
        "/programmes",
        "/funders",
        "/approvals",
        "/reports/leverage",
        "/audit/events",
    ):
        refused(desk.get(manager, path), 403, "not_allowed")
    refused(desk.post(manager, "/residents/lookups", {"mobile": "13800000000"}), 403, "not_allowed")
    reader = Reader(desk).sits_down(manager)
    assert reader.browser.get("/").headers["Location"] == "/staff"
    page = reader.opens("/staff")
    assert 'href="/campaigns"' not in page
    assert world.planner.id is not None
    assert "登录着的地方" in reader.opens(f"/staff/{world.planner.id}")


def test_a_proposal_about_a_colleague_is_read_by_its_signer(
    desk: Desk, world: World, manager: Actor
) -> None:
    person = world.staff(Role.REVIEWER)
    made = desk.post(manager, f"/staff/{person.id}/roles", {"roles": ["finance"], "area": "441702"})
    assert made.status_code == 202
    page = Reader(desk).sits_down(world.approver).opens(f"/approvals/{made.json['approval_id']}")
    for words in ("换岗位或地区", "审核", "财务", "江城区"):
        assert words in page
    mine = Reader(desk).sits_down(manager)
    assert "有一份提案在等另一个人批准" in mine.opens(f"/staff/{person.id}")
    back = mine.sends(
        f"/staff/{person.id}/withdraw/{made.json['approval_id']}",
        {"reason": "写错了"},
        on=f"/staff/{person.id}",
    )
    assert back.status_code == 303
    assert "有一份提案在等另一个人批准" not in mine.opens(f"/staff/{person.id}")


def test_accounts_are_proposed_on_the_page(desk: Desk, manager: Actor) -> None:
    mine = Reader(desk).sits_down(manager)
    typed = {
        "username": f"p-{uuid4().hex[:12]}",
        "display_name": "周工",
        "roles": ["planner", "finance"],
        "area": "",
        "password": FIRST,
    }
    assert "策划、审批、财务要分开" in mine.sends("/staff/new", typed, on="/staff/new").text
    answer = mine.sends("/staff/new", typed | {"roles": ["planner"]}, on="/staff/new")
    assert answer.status_code == 303
    page = mine.opens(answer.headers["Location"])
    assert "周工" in page
    assert "等待批准" in page


def test_a_resident_is_looked_up_masked_and_revealed_with_a_reason(
    desk: Desk, world: World
) -> None:
    person = newcomer()
    (id,) = identity.register_synthetic(desk.core, people=[person], now=world.now())
    reviewer = world.staff(Role.REVIEWER)
    reader = Reader(desk).sits_down(reviewer)
    found = reader.sends(
        "/residents", {"by": "id_number", "value": person.id_number}, on="/residents"
    ).text
    assert person.mobile not in found
    assert f"{person.id_number[:4]}**********{person.id_number[-4:]}" in found
    assert person.id_number not in found
    data = {"fields": ["mobile"], "reason": "complaint"}
    assert reader.sends(f"/residents/{id}", data, on="/residents").status_code == 422
    shown = reader.sends(f"/residents/{id}", data | {"note": "工单 42 号"}, on="/residents")
    assert shown.status_code == 200
    assert person.mobile in shown.text
    assert person.id_number not in shown.text
    answer = desk.post(reviewer, "/residents/lookups", {"mobile": person.mobile})
    assert answer.json["resident"]["id"] == str(id)
    body = {"fields": ["name"], "reason": "audit", "note": "抽查 42 号"}
    assert desk.post(reviewer, f"/residents/{id}/reveals", body).json == {
        "revealed": {"name": person.name}
    }
    two = {"mobile": person.mobile, "id_number": person.id_number}
    refused(desk.post(reviewer, "/residents/lookups", two), 422, "invalid_input")


def test_a_resident_is_found_by_a_voucher(desk: Desk, world: World) -> None:
    offer = world.offer()
    voucher = world.claim(offer)
    answer = desk.post(
        world.staff(Role.REVIEWER), "/residents/lookups", {"voucher_id": str(voucher.id)}
    )
    assert answer.json["resident"]["id"] == str(voucher.resident_id)


def test_an_auditor_searches_and_exports_and_asks_who_saw_a_number(
    desk: Desk, world: World
) -> None:
    person = newcomer()
    identity.register_synthetic(desk.core, people=[person], now=world.now())
    reviewer, auditor = world.staff(Role.REVIEWER), world.staff(Role.AUDITOR)
    desk.post(reviewer, "/residents/lookups", {"id_number": person.id_number})
    saw = desk.post(auditor, "/audit/readers", {"id_number": person.id_number})
    assert [one["actor"] for one in saw.json["items"]] == [reviewer.name]
    reader = Reader(desk).sits_down(auditor)
    page = reader.sends("/audit/readers", {"id_number": person.id_number}, on="/audit").text
    assert "查找居民" in page
    assert person.id_number not in page
    with desk.core.transaction() as session:
        login = identity.load_staff(session, staff=reviewer.id).username  # type: ignore[arg-type]
    assert "查找居民" in reader.opens(f"/audit?actor={login}")
    assert "没有这样的事件" in reader.opens("/audit?actor=nobody-there")
    assert reader.browser.get("/audit?first=soon").status_code == 422
    found = desk.get(auditor, f"/audit/events?actor={reviewer.name}&limit=1").json
    assert found["items"][0]["action"] == "resident.looked_up"
    file = reader.browser.get(f"/audit/events.csv?actor={login}")
    assert file.mimetype == "text/csv"
    assert b"resident.looked_up" in file.data


def test_sessions_and_factors_are_told_and_ended_by_calls(desk: Desk, world: World) -> None:
    person = world.staff(Role.PLANNER)
    first, second = desk.bearer(person), desk.bearer(person)
    client = desk.app.test_client()
    listed = client.get("/api/v1/sessions", headers=first).json["items"]
    assert sorted(one["current"] for one in listed) == [False, True]
    assert client.delete("/api/v1/sessions", headers=first).status_code == 204
    assert client.get("/api/v1/me", headers=second).status_code == 401
    (mine,) = client.get("/api/v1/sessions", headers=first).json["items"]
    assert client.get("/api/v1/me/factors", headers=first).json == {
        "otp": False,
        "passkeys": [],
        "recovery_codes_left": 0,
    }
    assert client.delete(f"/api/v1/sessions/{mine['id']}", headers=first).status_code == 204
    assert client.get("/api/v1/me", headers=first).status_code == 401


def test_an_administrator_signs_a_colleague_out(desk: Desk, world: World, manager: Actor) -> None:
    person = world.staff(Role.PLANNER)
    headers = desk.bearer(person)
    client = desk.app.test_client()
    path = f"/staff/{person.id}/sessions"
    (one,) = desk.get(manager, path).json["items"]
    assert desk.call(manager, "DELETE", f"{path}/{one['id']}").status_code == 204
    assert client.get("/api/v1/me", headers=headers).status_code == 401
    headers = desk.bearer(person)
    assert desk.call(manager, "DELETE", path).status_code == 204
    assert client.get("/api/v1/me", headers=headers).status_code == 401
    refused(desk.call(world.planner, "DELETE", path), 403, "not_allowed")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_each_page_opens_in_both_languages(
    desk: Desk, world: World, manager: Actor, language: str
) -> None:
    auditor = world.staff(Role.AUDITOR)
    pages = {
        "/account": manager,
        "/account/confirm": manager,
        "/staff": manager,
        "/staff/new": manager,
        f"/staff/{world.approver.id}": manager,
        "/residents": auditor,
        "/audit": auditor,
    }
    for path, actor in pages.items():
        reader = Reader(desk).sits_down(actor)
        answer = reader.browser.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200, path
        main = answer.text.split("<main")[1].split("<footer")[0]
        if language == "en":
            said = re.sub(r"<(option|dd|td|th|h1|li|a|b|span)[^>]*>[^<]*</\1>", "", main)
            assert not re.search(r"[\u4e00-\u9fff]", said), (
                path,
                re.findall(r"[\u4e00-\u9fff]+", said),
            )
