"""The till in a real Chromium: pad, scanner, lost replies, and what assistive technology finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from merchant_portal.app import create_app
from tests.make import World
from tests.web.chromium import MODULES
from tests.web.serving import serving
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, build
from voucher_service.settings import Settings
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

AXE = MODULES / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20."""
    return world.offer(world.plan(quota=100))


@pytest.fixture(scope="module")
def dear(world: World) -> Offer:
    """满200减80: frozen while the customer pays."""
    return world.offer(world.plan(quota=100, face=80, threshold=200))


@pytest.fixture(scope="module")
def base(core: Core) -> Iterator[str]:
    """The address of a running merchant face."""
    with serving(create_app(core)) as url:
        yield url


@pytest.fixture
def context(chromium: Browser, base: str, world: World) -> Iterator[BrowserContext]:
    """The phone of a cashier of a new shop, signed in."""
    cashier = world.cashier()
    assert cashier.id
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=base)
    token = issue(world.core, Face.MERCHANT, cashier.id).access_token
    context.add_cookies([{"name": "voucher_merchant", "value": token, "url": base}])
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Its page, at the till."""
    page = context.new_page()
    page.goto("/")
    return page


def test_a_scanner_types_the_code_and_the_pad_counts(
    page: Page, world: World, offer: Offer
) -> None:
    page.evaluate("document.activeElement.blur()")  # a cashier touched something else
    page.keyboard.type(world.code(world.claim(offer)))
    page.keyboard.press("Enter")
    for key in ("8", "3", ".", "5"):
        page.locator(f".key[value='{key}']").click()
    assert page.locator("[data-short]").inner_text() == "还差 ¥16.50"
    assert page.locator("[data-show=payable]").inner_text() == "¥83.50"
    for _ in range(4):
        page.locator(".key[value=back]").click()
    for key in ("1", "2", "8", "00"):
        page.locator(f".key[value='{key}']").click()
    page.locator(".key[value=back]").click()
    page.locator(".key[value=back]").click()
    assert page.locator("#f-amount").input_value() == "128"
    assert page.locator("[data-show=payable]").inner_text() == "¥108.00"
    page.locator(".pad .btn-primary").click()
    page.wait_for_selector(".result.yes")
    assert "¥108.00" in page.locator(".result-top").inner_text()
    assert "/redemptions/" in page.url


def test_an_order_that_is_too_small_is_changed_without_scanning_again(
    page: Page, world: World, offer: Offer
) -> None:
    begin(page, world, offer)
    page.fill("#f-amount", "83.5")
    page.keyboard.press("Enter")
    page.wait_for_selector(".result.no")
    page.get_by_role("button", name="改金额").click()
    page.fill("#f-amount", "100")
    page.keyboard.press("Enter")
    page.wait_for_selector(".result.yes")


def test_a_lost_reply_is_looked_up_and_counts_once(
    page: Page, context: BrowserContext, world: World, offer: Offer
) -> None:
    begin(page, world, offer)
    page.fill("#f-amount", "128")

    context.route("**/redemptions", lose, times=1)
    page.locator(".pad .btn-primary").click()
    page.wait_for_selector(".result.hold")
    assert "先别重扫" in page.locator(".result-low").inner_text()
    page.wait_for_selector(".result.yes", timeout=15_000)
    page.goto("/today")
    assert "全天 1 笔" in page.locator("tfoot").inner_text()


def test_an_order_that_never_arrived_is_sent_again_when_the_network_is_back(
    page: Page, context: BrowserContext, world: World, offer: Offer
) -> None:
    begin(page, world, offer)
    page.fill("#f-amount", "128")
    context.set_offline(True)
    page.locator(".pad .btn-primary").click()
    page.wait_for_selector(".result.hold")
    context.set_offline(False)
    page.wait_for_selector(".result.yes", timeout=15_000)


def test_the_network_may_break_off_on_the_screen_of_a_refusal_too(
    page: Page, context: BrowserContext, world: World, offer: Offer
) -> None:
    begin(page, world, offer)
    page.evaluate("code => document.querySelector('[name=code]').value = code", "X")
    page.fill("#f-amount", "128")
    page.keyboard.press("Enter")
    page.wait_for_selector(".result.no")
    page.get_by_text("也可以输码").click()
    page.fill("#f-code", world.code(world.claim(offer)))
    context.set_offline(True)
    page.keyboard.press("Enter")
    page.wait_for_selector(".result.hold")
    context.set_offline(False)
    page.wait_for_selector(".result.yes", timeout=15_000)


def freeze(page: Page, world: World, dear: Offer) -> None:
    """Go to the screen on which the customer pays."""
    begin(page, world, dear)
    page.fill("#f-amount", "250")
    page.keyboard.press("Enter")
    page.wait_for_selector(".result.lock")


def lose(route: Route) -> None:
    """It arrives, its answer does not."""
    route.fetch(max_redirects=0)
    route.abort()


def test_a_lost_reply_to_a_freeze_is_looked_up(
    page: Page, context: BrowserContext, world: World, dear: Offer
) -> None:
    begin(page, world, dear)
    page.fill("#f-amount", "250")
    context.route("**/redemptions", lose, times=1)
    page.locator(".pad .btn-primary").click()
    page.wait_for_selector(".result.hold")
    page.wait_for_selector(".result.lock", timeout=15_000)


@pytest.mark.parametrize(
    ("button", "step", "verdict"),
    [("收到钱了，完成核销", "commit", "已核销"), ("顾客不付了，解锁", "cancel", "已解锁")],
)
def test_a_lost_reply_at_the_end_of_a_freeze_is_asked_for_until_it_is_known(
    page: Page,
    context: BrowserContext,
    world: World,
    dear: Offer,
    button: str,
    step: str,
    verdict: str,
) -> None:
    freeze(page, world, dear)
    context.route(f"**/{step}", lose, times=1)
    page.get_by_role("button", name=button).click()
    page.wait_for_selector(".result.hold")
    assert "先别退钱" in page.locator(".result-low").inner_text()
    page.wait_for_selector(f".verdict:text('{verdict}')", timeout=15_000)


def test_a_commit_that_never_arrived_is_sent_again_when_the_network_is_back(
    page: Page, context: BrowserContext, world: World, dear: Offer
) -> None:
    freeze(page, world, dear)
    context.set_offline(True)
    page.get_by_role("button", name="收到钱了，完成核销").click()
    page.wait_for_selector(".result.hold")
    context.set_offline(False)
    page.wait_for_selector(".result.yes", timeout=15_000)


def test_a_freeze_runs_out_on_the_screen_by_itself(
    chromium: Browser, settings: Settings, world: World, dear: Offer
) -> None:
    hasty = build(replace(settings, till=replace(settings.till, freeze_seconds=3)))
    with serving(create_app(hasty)) as url:
        context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=url)
        cashier = world.cashier()
        assert cashier.id
        token = issue(hasty, Face.MERCHANT, cashier.id).access_token
        context.add_cookies([{"name": "voucher_merchant", "value": token, "url": url}])
        page = context.new_page()
        freeze(page, world, dear)
        page.wait_for_selector(".verdict:text('锁券超时')", timeout=15_000)
        context.close()
    hasty.close()


def test_the_till_is_a_program_on_the_phone_that_keeps_no_data_and_says_when_it_is_offline(
    page: Page, context: BrowserContext
) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    problems = context.new_cdp_session(page).send("Page.getInstallabilityErrors")
    assert problems["installabilityErrors"] == []
    page.goto("/today")
    page.goto("/")
    kept = page.evaluate(
        "caches.keys().then(names => Promise.all(names.map(n => caches.open(n)))).then(all =>"
        " Promise.all(all.map(one => one.keys()))).then(all => all.flat().map(r => r.url))"
    )
    assert kept
    assert all("/static/" in url or "/offline?" in url for url in kept)
    context.set_offline(True)
    page.goto("/today")
    assert "先照常收款，网好了再扫" in page.locator("main").inner_text()
    context.set_offline(False)
    page.wait_for_selector("form[action='/orders']", timeout=15_000)  # by itself, where it was


@pytest.mark.parametrize(
    ("lang", "theme", "mode"),
    [
        ("zh-CN", "light", ""),
        ("en", "dark", ""),
        ("en", "light", "elder"),
    ],
)
def test_every_screen_is_clean_for_assistive_technology_and_fits_a_small_phone(
    page: Page, base: str, world: World, offer: Offer, dear: Offer, lang: str, theme: str, mode: str
) -> None:
    chosen = {"lang": lang, "theme": theme, "mode": mode}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, value in chosen.items() if value]
    )
    page.set_viewport_size({"width": 360, "height": 740})
    page.add_init_script(AXE.read_text("utf-8"))
    for path in ("/", "/today", "/shop", "/sign-in", "/orders?order_reference=1"):
        page.goto(path)
        look(page, path)
    begin(page, world, offer)
    look(page, "amount")
    page.fill("#f-amount", "83.5")
    page.keyboard.press("Enter")
    page.wait_for_selector(".result.no")
    look(page, "refused")
    page.locator(".result-low .btn-primary").click()
    page.fill("#f-amount", "128")
    page.keyboard.press("Enter")
    page.wait_for_selector(".result.yes")
    look(page, "receipt")
    freeze(page, world, dear)
    look(page, "frozen")
    page.locator(".result-low .btn-outline").click()
    page.wait_for_selector(".result.no")
    look(page, "unlocked")
    page.goto("/offline")
    look(page, "offline")


def begin(page: Page, world: World, offer: Offer) -> None:
    """Go to the amount page of a fresh voucher."""
    page.goto("/")
    page.fill("#f-code", world.code(world.claim(offer)))
    page.keyboard.press("Enter")
    page.wait_for_selector("#f-amount")


def look(page: Page, what: str) -> None:
    """Nothing that axe finds wrong, nothing to scroll sideways, nothing too small to tap."""
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, what
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": 360, "height": max(740, height)})  # nothing under the menu
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"
        ".then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html).slice(0, 3)]))"
    )
    assert not found, f"{what}: {found}"
    small = page.evaluate(
        "[...document.querySelectorAll('a.btn, button, .form-control, summary, .tabs a')].filter("
        "e => e.offsetParent && e.getBoundingClientRect().height < 47.5).map(e => e.outerHTML)"
    )
    assert not small, f"{what}: {small}"
    page.set_viewport_size({"width": 360, "height": 740})
