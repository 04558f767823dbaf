"""Alarms over HTTP and at the desk: seen, taken on, closed; payouts stopped and resumed by two."""

from __future__ import annotations

from uuid import uuid4

from tests.faces.admin_desk import CHINESE, Desk, main_of, refused, send
from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import AlarmId, Kind
from voucher_service.kernel.actor import Role
from voucher_service.reports import verification

LEDGER = "L4 outstanding money is the value of live vouchers that nobody froze"


def raised(desk: Desk, kind: Kind, subject: str, area: str = "", **detail: object) -> AlarmId:
    """An open alarm."""
    with desk.core.transaction() as session:
        return alarms.raise_alarm(
            session,
            kind=kind,
            subject=subject,
            detail=detail,
            area=area,
            now=desk.core.now(session),
        )


def test_an_alarm_by_api_is_seen_taken_on_and_closed(desk: Desk) -> None:
    world = desk.world
    auditor, planner = world.staff(Role.AUDITOR), world.planner
    assert planner.id is not None
    one = raised(desk, Kind.SIGN_IN, f"staff:{planner.id}", passkey=str(uuid4()))
    path = f"/alarms/{one}"
    listed = desk.get(planner, "/alarms?limit=200").json["items"]
    assert {"kind": "sign_in", "status": "raised", "stops_payouts": False}.items() <= next(
        found for found in listed if found["id"] == str(one)
    ).items()
    refused(desk.post(world.staff(Role.REVIEWER), f"{path}/acknowledge"), 403, "not_allowed")
    taken = desk.post(planner, f"{path}/acknowledge")
    assert (taken.json["status"], taken.json["acknowledged_by"]) == (
        "acknowledged",
        str(planner.id),
    )
    refused(desk.post(planner, f"{path}/acknowledge"), 409, "illegal_transition")
    refused(desk.post(planner, f"{path}/close"), 403, "not_allowed")
    assert desk.post(auditor, f"{path}/close").json["status"] == "cleared"
    assert desk.get(planner, path).json["cleared_at"]
    assert str(one) not in desk.get(planner, "/alarms?limit=200").text
    assert str(one) in desk.get(planner, "/alarms?limit=200&state=all").text
    other = raised(desk, Kind.CANARY, f"canary:{uuid4()}", title="通用券")
    refused(desk.post(auditor, f"/alarms/{other}/close"), 409, "alarm_ends_by_itself")


def test_an_alarm_of_another_county_is_as_one_that_is_not_there(desk: Desk) -> None:
    one = raised(desk, Kind.CANARY, f"canary:{uuid4()}", "441702", title="通用券")
    stranger = desk.world.staff(Role.PLANNER, area="441781")
    for id in (one, uuid4()):
        refused(desk.get(stranger, f"/alarms/{id}"), 404, "not_found")
        refused(desk.post(stranger, f"/alarms/{id}/acknowledge"), 404, "not_found")
    assert str(one) not in desk.get(stranger, "/alarms?limit=200").text


def test_payouts_that_a_broken_ledger_stopped_go_on_with_two_people(desk: Desk) -> None:
    world = desk.world
    finance, county = world.staff(Role.FINANCE), world.staff(Role.FINANCE, area="441702")
    refused(desk.post(finance, "/payouts/resume"), 409, "payouts_running")
    raised(desk, Kind.LEDGER, LEDGER, cases=["offer x: vouchers 5, ledger 6"])
    refused(desk.post(world.planner, "/payouts/resume"), 403, "not_allowed")
    refused(desk.post(county, "/payouts/resume"), 403, "not_allowed")
    refused(desk.post(finance, "/payouts/resume"), 409, "books_still_broken")
    assert verification.watch(desk.core).breaches == ()
    page = desk.browser(finance)
    assert "上次核对：" in page.get("/alarms").text
    for path in ("/", "/campaigns"):
        assert "付款已停：账目核对不平" in page.get(path).text
    shown = page.get("/alarms").text
    assert "L4 已领未用的钱等于还有效的券" in shown
    assert "offer x: vouchers 5, ledger 6" in shown
    asked = send(page, "/alarms", "/payouts/resume")
    assert asked.status_code == 303
    second = desk.browser(world.approver)
    proposal = second.get(asked.location).text
    assert "已领未用的钱等于还有效的券" in proposal
    assert send(second, asked.location, f"{asked.location}/approve").status_code == 303
    assert "付款已停" not in page.get("/").text


def test_the_pages_speak_english_too(desk: Desk) -> None:
    raised(desk, Kind.BOOKS, "L9 no line promises more than it has", cases=["line 1"])
    raised(desk, Kind.PRIVACY, f"staff:{desk.world.approver.id}", reads=61, limit=60)
    page = desk.browser(desk.world.staff(Role.AUDITOR))
    shown = main_of(page.get("/alarms", headers={"Accept-Language": "en"}).text)
    assert "L9 what was issued is redeemed, lapsed or live" in shown
    assert "61 look-ups of residents within an hour" in shown
    assert not CHINESE.search(shown.replace("通用券", ""))
    banner = page.get("/books", headers={"Accept-Language": "en"}).text
    assert "Open alarms: " in banner


def test_who_gives_out_roles_sees_no_alarm(desk: Desk) -> None:
    administrator = desk.world.staff(Role.ADMINISTRATOR)
    assert "告警" not in desk.browser(administrator).get("/staff").text
    refused(desk.get(administrator, "/alarms"), 403, "not_allowed")
