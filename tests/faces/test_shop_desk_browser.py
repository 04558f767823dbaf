"""The shop's own desk in a real Chromium: on a small phone, and where it knows its place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from merchant_portal.app import create_app
from tests.faces.test_merchant_browser import AXE, look
from tests.make import World
from tests.services.shops import Chain
from tests.web.serving import serving
from voucher_service.merchants import place
from voucher_service.merchants import service as merchants
from voucher_service.merchants.stands import Point, PointPlan
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

SMALL = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def base(world: World) -> Iterator[str]:
    """The address of a running merchant face."""
    with serving(create_app(world.core)) as url:
        yield url


@pytest.fixture(scope="module")
def chain(world: World) -> Chain:
    """A merchant with two shops."""
    return Chain(world)


@pytest.fixture(scope="module")
def stall(chain: Chain) -> Point:
    """A stall with a long name."""
    plan = PointPlan("江城夜市东段 3 号海味小摊")
    return merchants.add_point(chain.core, actor=chain.manager, shop=chain.main, plan=plan)


@pytest.fixture
def context(chromium: Browser, base: str, chain: Chain) -> Iterator[BrowserContext]:
    """The manager's phone, which knows where it is."""
    assert chain.manager.id
    context = chromium.new_context(
        viewport=SMALL,  # type: ignore[arg-type]
        locale="zh-CN",
        base_url=base,
        geolocation={"latitude": 21.8579, "longitude": 111.9825},
        permissions=["geolocation"],
    )
    token = issue(chain.core, Face.MERCHANT, chain.manager.id).access_token
    context.add_cookies([{"name": "voucher_merchant", "value": token, "url": base}])
    yield context
    context.close()


@pytest.mark.parametrize(
    "choice", [{}, {"lang": "en"}, {"mode": "elder", "theme": "dark"}], ids=str
)
def test_every_page_of_the_desk_fits_a_small_phone_and_every_reader(
    context: BrowserContext, base: str, chain: Chain, stall: Point, choice: dict[str, str]
) -> None:
    context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, value in choice.items()]
    )
    page = context.new_page()
    page.add_init_script(AXE.read_text("utf-8"))
    for path in (
        "/shop",
        "/staff",
        "/staff/new",
        f"/staff/{chain.hire().id}",
        "/devices",
        f"/shops/{chain.main}/points",
        f"/points/{stall.id}",
        f"/points/{stall.id}/sign",
        f"/shops/{chain.main}/premises",
        "/me/password",
        "/enrol",
        "/enrol/done",
    ):
        page.goto(path)
        look(page, path)
    page.goto("/devices")
    page.locator("form[action='/devices/codes'] button").click()
    page.wait_for_selector(".digits")
    look(page, "code")


def test_the_phone_at_the_door_says_where_the_shop_is(
    context: BrowserContext, chain: Chain
) -> None:
    page = context.new_page()
    page.goto(f"/shops/{chain.main}/premises")
    page.get_by_role("button", name="用这台机器的位置").click()
    expect(page.locator("#f-position")).to_have_value("21.857900, 111.982500")
    page.get_by_role("button", name="保存").click()
    page.wait_for_url("**/shop?*")
    found = merchants.own_shop(chain.core, actor=chain.manager, shop=chain.main)
    assert found.position == place.Position(21.8579, 111.9825)


def test_a_phone_that_scans_the_code_redeems_from_then_on(
    chromium: Browser, context: BrowserContext, base: str, chain: Chain
) -> None:
    desk = context.new_page()
    desk.goto("/devices")
    desk.get_by_role("button", name="出一个登记码").click()
    code = desk.locator(".digits").inner_text().replace(" ", "")
    phone = chromium.new_context(viewport=SMALL, base_url=base)  # type: ignore[arg-type]
    page = phone.new_page()
    page.goto(f"/enrol?code={code}")
    page.get_by_label("给它起个名字").fill("前台手机")
    page.get_by_role("button", name="登记").click()
    expect(page.get_by_text("登记好了")).to_be_visible()
    (cookie,) = [one for one in phone.cookies() if one["name"] == "voucher_device"]
    assert cookie["httpOnly"]
    phone.close()
    desk.goto("/devices")
    expect(desk.get_by_text("前台手机").first).to_be_visible()
