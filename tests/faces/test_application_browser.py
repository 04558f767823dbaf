"""A car's subsidy is applied for on a phone, checked at one desk and approved at another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from admin.app import create_app as create_admin
from tests.conftest import NOON
from tests.faces.test_admin_browser import at_desk, complaints
from tests.faces.test_onboarding_browser import judged
from tests.make import CITY, JIANGCHENG, World
from tests.services.applicants import photo
from tests.services.car_applicants import CARD, digits, vin
from tests.services.car_pools import car_pools
from tests.web.serving import serving
from voucher_service.identity import service as identity
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import ResidentId
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

HIGH = {"width": 390, "height": 2600}
SHOTS = os.environ.get("VOUCHER_SHOTS")


@pytest.fixture(scope="module")
def autumn(core: Core) -> World:
    """A city in September 2026, when the policies of that year are in force."""
    return World(with_clock(core, Clock(NOON)))


def seen(page: Page, name: str) -> Page:
    """The page, judged, and kept as a picture where somebody wants to look."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    return judged(page)


def fills(page: Page, told: dict[str, str]) -> None:
    """Type into each field by its name, choose where it is a list, and save."""
    for name, value in told.items():
        field = page.locator(f"#f-{name}")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    with page.expect_navigation():
        page.get_by_role("button", name="保存").click()


def applies(page: Page, name: str, folder: Path) -> None:
    """From the sum to what is handed in."""
    page.goto("/trade-in/applications")
    seen(page, "list").get_by_role("button", name="汽车报废更新").click()
    seen(page, "begun").get_by_role("link", name="新车", exact=True).click()
    car = {"vin": "LSVAA4182E21O0001", "plate": "粤QD12345", "energy": "nev", "seats": "5"}
    papers = {"invoice": digits(20), "area": JIANGCHENG, "buyer": name, "tax": "14817.70"}
    days = {"price": "128800", "invoiced_on": "2026-09-08", "registered_on": "2026-09-10"}
    page.get_by_label("减免车辆购置税").check()
    fills(page, car | papers | days)
    expect(page.get_by_text("车辆识别代号（VIN）不对")).to_be_visible()
    seen(page, "new_car")
    fills(page, {"vin": vin()})
    page.get_by_role("link", name="旧车", exact=True).click()
    car = {"vin": vin(), "plate": "粤QA1234", "energy": "petrol", "owner": name}
    days = {"registered_on": "2011-05-20", "owned_since": "2016-03-01"}
    gone = {"paper": digits(12), "parted_on": "2026-08-20", "closed_on": "2026-08-28"}
    seen(page, "old_car")
    fills(page, car | days | gone)
    page.get_by_role("link", name="收款卡").click()
    seen(page, "card")
    fills(page, {"holder": name, "number": CARD, "bank": "农业银行阳江分行"})
    page.get_by_role("link", name="材料", exact=True).click()
    kinds = page.locator("input[name=kind]")
    kinds.first.wait_for(state="attached")
    for paper in [one.input_value() for one in kinds.all()]:
        file = folder / f"{paper}.jpg"
        file.write_bytes(photo((800, 600)))
        form = page.locator("form", has=page.locator(f"#f-{paper}"))
        form.locator(f"#f-{paper}").set_input_files(file)
        with page.expect_navigation():
            form.locator("button").click()
    seen(page, "papers").get_by_role("link", name="交好了，看还差什么").click()
    expect(page.get_by_text("按规则可补 ¥15,456.00")).to_be_visible()
    seen(page, "filled").get_by_role("button", name="填的都是真的，提交").click()
    expect(page.get_by_text("已经交上去，等县区初审")).to_be_visible()
    seen(page, "submitted")


def on_phone(chromium: Browser, base: str, core: Core, who: Actor) -> Page:
    """A resident's phone, signed in."""
    # So high that the bar at the bottom covers no field of a long form while it is judged.
    context = chromium.new_context(viewport=HIGH, locale="zh-CN", base_url=base)
    assert who.id is not None
    token = issue(core, Face.RESIDENT, who.id).access_token
    context.add_cookies([{"name": Face.RESIDENT.cookie, "value": token, "url": base}])
    context.set_default_timeout(10_000)
    return context.new_page()


def test_a_car_is_applied_for_checked_twice_and_noticed(
    chromium: Browser, autumn: World, tmp_path: Path
) -> None:
    core, who = autumn.core, autumn.resident()
    car_pools(core)
    with core.transaction() as session:
        assert who.id is not None
        name = identity.name_of(session, keyring=core.keyring, resident=ResidentId(who.id))
    assert name is not None
    with serving(create_resident(core)) as phones, serving(create_admin(core)) as desks:
        page = on_phone(chromium, phones, core, who)
        heard = complaints(page)
        applies(page, name, tmp_path)

        office = at_desk(chromium, desks, core, autumn.staff(Role.REVIEWER, area=JIANGCHENG))
        checks = office.new_page()
        heard_at_desk = complaints(checks)
        checks.goto("/trade-in/applications")
        seen(checks, "desk_list").locator("tbody a").first.click()
        expect(checks.get_by_role("img", name="机动车销售统一发票")).to_be_visible()
        seen(checks, "desk").get_by_role("button", name="初审通过，报市里批准").click()
        expect(checks.get_by_text("等待市级批准").first).to_be_visible()
        office.close()

        city = at_desk(chromium, desks, core, autumn.staff(Role.APPROVER, area=CITY))
        signs = city.new_page()
        signs.goto("/approvals")
        signs.locator("main a[href^='/approvals/']").first.click()
        seen(signs, "approval").get_by_role("button", name="批准并盖章").click()
        expect(signs.get_by_text("已批准，").first).to_be_visible()
        city.close()

        page.reload()
        expect(page.get_by_text("已通过", exact=True)).to_be_visible()
        seen(page, "approved")
        page.goto("/trade-in/notice")
        expect(page.get_by_text(f"{name[0]}*")).to_be_visible()
        seen(page, "notice")
    # the number that was not right at once
    assert [one for one in heard + heard_at_desk if "422" not in one] == []
