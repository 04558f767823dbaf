"""A refund on a phone: the cash in large figures before and after, and the resident's receipt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from merchant_portal.app import create_app
from tests.faces.test_admin_browser import AXE, RUN
from tests.make import World
from tests.web.serving import serving
from voucher_service.infra.core import Core
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def till(core: Core) -> Iterator[str]:
    """The address of a running merchant face."""
    with serving(create_app(core)) as url:
        yield url


@pytest.fixture(scope="module")
def wallet(core: Core) -> Iterator[str]:
    """The address of a running resident face."""
    with serving(create_resident(core)) as url:
        yield url


def looked_at(page: Page) -> None:
    """Nothing that assistive technology stumbles on, and nothing wider than a small phone."""
    page.wait_for_load_state()
    page.add_script_tag(path=str(AXE))
    assert page.evaluate(RUN)["violations"] == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size(PHONE)


def test_a_cashier_gives_back_half_an_order(
    chromium: Browser, world: World, till: str, wallet: str
) -> None:
    cashier, resident = world.cashier(), world.resident()
    assert cashier.id and resident.id
    voucher = world.claim(world.offer(), resident)
    done = world.redeem(voucher, cashier).value
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=till, bypass_csp=True)
    for face, url, subject in (
        (Face.MERCHANT, till, cashier.id),
        (Face.RESIDENT, wallet, resident.id),
    ):
        token = issue(world.core, face, subject).access_token
        context.add_cookies([{"name": f"voucher_{face}", "value": token, "url": url}])
    page = context.new_page()
    page.goto(f"/redemptions/{done.id}")
    page.get_by_role("link", name="退货退款").click()
    looked_at(page)
    page.get_by_label("退多少钱的货").fill("64")
    page.get_by_role("button", name="看退给顾客多少").click()
    expect(page.locator(".result .num").first).to_have_text("¥54.00")
    looked_at(page)
    page.get_by_role("button", name="确认退款").click()
    page.get_by_role("heading", name="已退款").wait_for()
    looked_at(page)
    page.goto(f"/redemptions/{done.id}/refund?whole=yes&reason=faulty")
    page.get_by_role("button", name="确认退款").click()
    page.get_by_role("heading", name="已退款").wait_for()
    page.goto(f"/redemptions/{done.id}")
    page.get_by_role("heading", name="全退了").wait_for()
    looked_at(page)
    page.goto(f"/redemptions/{done.id}/refund")
    page.get_by_text("已经退完").wait_for()
    looked_at(page)
    page.goto(f"{wallet}/vouchers/{voucher.id}")
    page.get_by_text("券又能用了").first.wait_for()
    looked_at(page)
    context.close()


def test_a_lost_answer_and_the_back_button_refund_once(
    chromium: Browser, world: World, till: str
) -> None:
    cashier = world.cashier()
    assert cashier.id
    done = world.redeem(world.claim(world.offer()), cashier).value
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=till)
    token = issue(world.core, Face.MERCHANT, cashier.id).access_token
    context.add_cookies([{"name": "voucher_merchant", "value": token, "url": till}])
    page = context.new_page()
    lost = []

    def lose(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route.fetch(max_redirects=0).status)
        return route.abort()

    page.route("**/refunds", lose)
    page.goto(f"/redemptions/{done.id}/refund")
    page.get_by_label("退多少钱的货").fill("20")
    page.get_by_role("button", name="看退给顾客多少").click()
    page.get_by_role("button", name="确认退款").click()
    page.get_by_text("先别退钱，也别再退一次").wait_for()
    page.get_by_role("heading", name="已退款").wait_for()
    assert lost == [303]
    page.go_back()
    page.get_by_text("这一单退过 ¥20").or_(page.get_by_role("heading", name="已退款")).wait_for()
    found = redemption.get(world.core, actor=cashier, redemption=done.id)
    assert found.refunded == Money(2_000)
    context.close()


def test_the_reasons_fit_their_tiles_in_english(chromium: Browser, world: World, till: str) -> None:
    cashier = world.cashier()
    assert cashier.id
    done = world.redeem(world.claim(world.offer()), cashier).value
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, locale="en-GB", base_url=till
    )
    token = issue(world.core, Face.MERCHANT, cashier.id).access_token
    context.add_cookies([{"name": "voucher_merchant", "value": token, "url": till}])
    page = context.new_page()
    page.goto(f"/redemptions/{done.id}/refund")
    outside = (
        "tiles => tiles.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
    )
    assert page.locator(".pick span").count() == 4
    assert page.eval_on_selector_all(".pick span", outside) == []
    context.close()
