"""From every role's menu one gets somewhere, and what was found is said where one decides."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import NOON
from tests.faces.admin_desk import Desk, send
from tests.make import JIANGCHENG, World
from tests.matrix.pools import CAR_PLAN, a_campaign
from tests.services.car_applicants import submitted
from tests.services.sold import MONDAY, Street
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock
from voucher_service.reconciliation import service as reconciliation

YANGCHUN = "441781"
OFFICE = (Role.PLANNER, Role.APPROVER, Role.REVIEWER, Role.FINANCE, Role.AUDITOR)
_LINK = re.compile(r'<a[^>]* href="(/[^"#]*)"')
_LOOKED_AT = text(
    "INSERT INTO risk_subject (subject_kind, subject_id, due, weight, assessed_at)"
    " VALUES ('application', :id, false, 95, clock_timestamp())"
)
_FOUND = text(
    "INSERT INTO risk_finding (subject_kind, subject_id, kind, weight, detail, found_at)"
    " VALUES ('application', :id, 'same_photo', 95, :detail, clock_timestamp())"
)


@pytest.fixture(scope="module")
def autumn(core: Core) -> Desk:
    """The desk in September 2026, when cars are subsidised."""
    return Desk(World(with_clock(core, Clock(NOON))))


def leads_to(browser: FlaskClient, path: str) -> set[str]:
    return {one for one in _LINK.findall(browser.get(path).text) if "/sign-" not in one}


@pytest.mark.parametrize("role", OFFICE)
def test_what_a_menu_and_its_pages_lead_to_can_be_opened(desk: Desk, role: Role) -> None:
    browser = desk.browser(desk.world.staff(role, area=JIANGCHENG))
    menu = leads_to(browser, "/")
    pages = menu | {one for page in menu for one in leads_to(browser, page)}
    assert {"/policies", "/goods"} <= pages
    pages |= leads_to(browser, "/policies")
    assert [one for one in pages if browser.get(one).status_code == 403] == []


def test_who_decides_on_a_car_reads_what_the_machine_found(autumn: Desk) -> None:
    _, one = submitted(autumn.core, autumn.world.resident(), area=YANGCHUN)
    reviewer = autumn.browser(autumn.world.staff(Role.REVIEWER, area=YANGCHUN))
    home = reviewer.get("/").text
    assert "份汽车补贴申请" in home
    here = f"/trade-in/applications/{one.id}"
    assert "机器还没有看过。" in reviewer.get(here).text
    with autumn.core.transaction() as session:
        told = '{"told": {"paper": "id_front"}, "others": []}'
        session.execute(_LOOKED_AT, {"id": one.id})
        session.execute(_FOUND, {"id": one.id, "detail": told})
    assert "“身份证人像面”和另一笔交的是同一个文件。" in reviewer.get(here).text


def test_the_days_of_policies_are_told_with_their_years(desk: Desk) -> None:
    shelf = desk.browser(desk.world.staff(Role.REVIEWER)).get("/policies").text
    assert "2025年1月1日 到 2025年12月31日" in shelf
    assert "/policies/revisions" not in shelf


def test_a_refused_plan_is_told_in_words_and_not_in_names_of_fields(
    desk: Desk, world: World
) -> None:
    campaign = a_campaign(world, world.programme(days=20))
    path = f"/campaigns/{campaign.id}/application-pools/new"
    answer = send(
        desk.browser(world.planner), path, path, **(CAR_PLAN | {"policy": "appliance-2026"})
    )
    assert answer.status_code == 422
    told = answer.text.split('role="alert"')[1].split("</div>")[0]
    assert "细则" in told
    assert "不合规定：" not in told


def test_the_board_of_a_trade_in_programme_says_what_was_sold(core: Core) -> None:
    street = Street(with_clock(core, Clock(MONDAY)))
    street.sell(street.world.cashier())
    with core.transaction() as session:
        slug = session.scalar(text("SELECT slug FROM programme ORDER BY id DESC LIMIT 1"))
    reconciliation.run(street.core, programme=slug)
    board = Desk(street.world).browser(street.world.planner).get(f"/?programme={slug}").text
    sold = board.split('id="h-trade-in"')[1].split("</section>")[0]
    assert "¥450.00" in sold
    assert "¥3,000.00" in sold
