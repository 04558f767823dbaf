"""A shop hands in the papers of a sale on a phone; a reviewer works through a batch by keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from admin.app import create_app as create_admin
from merchant_portal.app import create_app as create_merchant
from tests.faces.test_admin_browser import at_desk, complaints
from tests.faces.test_onboarding_browser import judged
from tests.services.sold import MONDAY, WEEK, Street, picture
from tests.services.weighed import weigh
from tests.web.serving import serving
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock
from voucher_service.tradein.review import service
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

SHOTS = os.environ.get("VOUCHER_SHOTS")
# So high that the bar at the bottom covers nothing while the page is judged.
PHONE = {"width": 390, "height": 2600}


@pytest.fixture(scope="module")
def street(core: Core) -> Street:
    return Street(with_clock(core, Clock(MONDAY)))


def seen(page: Page, name: str) -> Page:
    """The page, judged, and kept as a picture where somebody wants to look."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    return judged(page)


def test_papers_go_in_on_a_phone_one_by_one(
    chromium: Browser, street: Street, tmp_path: Path
) -> None:
    till = street.world.cashier()
    assert till.id is not None
    street.sell(till)
    service.open_due(street.core)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(picture())
    with serving(create_merchant(street.core)) as base:
        context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=base)
        token = issue(street.core, Face.MERCHANT, till.id).access_token
        context.add_cookies([{"name": Face.MERCHANT.cookie, "value": token, "url": base}])
        context.set_default_timeout(10_000)
        page = context.new_page()
        heard = complaints(page)
        page.goto("/sales")
        expect(page.get_by_text("还缺：发票、当面拆箱照片、开机激活照片")).to_be_visible()
        seen(page, "sales").get_by_role("link", name="澜山 G9").click()
        seen(page, "sale").locator("#f-number").fill("26442000000000000077")
        for kind in ("invoice", "unboxing", "activation"):
            page.locator(f"#f-{kind}").set_input_files(photo)
            if kind == "invoice":
                page.locator("#f-number").fill("26442000000000000077")
            with page.expect_navigation():
                page.locator("form", has=page.locator(f"#f-{kind}")).locator("button").click()
        expect(page.get_by_text("材料齐，等审核")).to_be_visible()
        seen(page, "sale_complete")
        context.close()
    assert heard == []


def test_a_reviewer_works_through_a_batch_by_keys(chromium: Browser, street: Street) -> None:
    till = street.world.cashier()
    first, second, third = street.complete(till, 3)
    weigh(street.core, "sale", {first: 80, second: 70, third: 60})
    later = street.at(MONDAY + WEEK)
    while service.batch_due(later.core):
        pass
    reviewer = street.world.staff(Role.REVIEWER)
    with serving(create_admin(later.core)) as base:
        context = at_desk(chromium, base, later.core, reviewer)
        page = context.new_page()
        heard = complaints(page)
        page.goto("/review")
        seen(page, "reviews").locator("tbody th a").first.click()
        seen(page, "batch").get_by_role("link", name="打开").first.click()
        expect(page.get_by_role("img", name="开机激活照片")).to_be_visible()
        seen(page, "review_sale")
        page.set_viewport_size({"width": 390, "height": 844})
        seen(page, "review_sale_small")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.keyboard.press("j")
        page.wait_for_url(f"**/{second}")  # and for its keys, which expecting the address does not
        page.keyboard.press("k")
        page.wait_for_url(f"**/{first}")
        page.keyboard.press("a")
        page.wait_for_url(f"**/{second}")
        page.keyboard.press("r")
        page.keyboard.type("aj 序列号对不上")  # in a box letters are letters
        page.get_by_role("button", name="不付这一笔").click()
        page.wait_for_url(f"**/{third}")
        page.keyboard.press("?")
        expect(page.get_by_text("下一笔 / 上一笔")).to_be_visible()
        page.get_by_label("用快捷键").uncheck()
        page.keyboard.press("a")
        page.get_by_role("button", name="没问题").click()
        page.wait_for_url("**/batches/*")
        expect(page.get_by_text("可以放行 2 笔，补贴 ¥900.00")).to_be_visible()
        page.set_viewport_size({"width": 390, "height": 844})
        seen(page, "batch_small")
        page.set_viewport_size({"width": 1280, "height": 900})
        seen(page, "batch_looked_at").get_by_role("button", name="报第二个人放行").click()
        expect(page.get_by_text("等第二个人").first).to_be_visible()
        context.close()
        city = at_desk(chromium, base, later.core, later.world.approver)
        signs = city.new_page()
        signs.goto("/approvals")
        signs.locator("main a[href^='/approvals/']").first.click()
        seen(signs, "release").get_by_role("button", name="批准并盖章").click()
        expect(signs.get_by_text("已批准，").first).to_be_visible()
        signs.goto("/review?state=done")
        expect(seen(signs, "done").get_by_text("7 天").first).to_be_visible()
        city.close()
    assert heard == []
    with street.core.transaction() as session:
        paid = service.released(session, redemptions=[first, second, third])
    assert paid == {first, third}
