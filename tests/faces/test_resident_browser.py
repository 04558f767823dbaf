"""A resident's phone in a real Chromium: claim, show, lose the network, get the receipt."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import zxingcpp
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.make import World
from tests.web.chromium import MODULES
from tests.web.serving import serving
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.resident.app import create_app
from voucher_service.vouchers import code as codes
from voucher_service.vouchers import service as vouchers
from voucher_service.web.auth import issue
from voucher_service.web.face import Face
from voucher_service.web.qr import draw

PHONE = {"width": 390, "height": 844}
MODES: dict[str, dict[str, str]] = {
    "light": {},
    "dark": {"theme": "dark"},
    "elder": {"mode": "elder"},
    "english": {"lang": "en"},
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
SMALL = """[...document.querySelectorAll('a, button, select, input:not([type=hidden])')]
  .filter((one) => !one.matches('.skip, label input') && getComputedStyle(one).display != 'inline')
  .map((one) => [one.innerText, one.getBoundingClientRect()])
  .filter(([, box]) => box.width && box.height < 47.5).map(([text]) => text)"""


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    return World(core)


@pytest.fixture(scope="module")
def offer(city: World) -> Offer:
    made = city.offer(city.plan(quota=100))
    city.claim(made)
    return made


@pytest.fixture(scope="module")
def base(core: Core) -> Iterator[str]:
    with serving(create_app(core)) as url:
        yield url


@pytest.fixture
def resident(city: World) -> Actor:
    return city.resident()


def phone(
    chromium: Browser, base: str, city: World, who: Actor, *, scripts: bool = True, **choices: str
) -> BrowserContext:
    """The phone of a resident who is signed in."""
    context = chromium.new_context(
        viewport=PHONE, locale="zh-CN", base_url=base, java_script_enabled=scripts
    )
    context.set_default_timeout(10_000)
    assert who.id is not None
    cookies = {Face.RESIDENT.cookie: issue(city.core, Face.RESIDENT, who.id).access_token}
    context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, value in (cookies | choices).items()]
    )
    return context


def scanned(path: str, size: int) -> str:
    """What a camera reads of a drawing: its modules four dots wide, on white."""
    side = (size + 8) * 4
    dots = bytearray(b"\xff" * side * side)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path):
        for row in range((int(y) + 4) * 4, (int(y) + 5) * 4):
            start = row * side + (int(x) + 4) * 4
            dots[start : start + int(width) * 4] = bytes(int(width) * 4)
    found = zxingcpp.read_barcode(memoryview(bytes(dots)).cast("B", (side, side)))
    assert found is not None
    return str(found.text)


def shown_code(page: Page) -> str:
    """The text of the QR on the page."""
    size = int((page.locator(".qr svg").get_attribute("viewBox") or "").split()[-1])
    return scanned(page.locator(".qr path").get_attribute("d") or "", size)


def test_a_camera_reads_the_drawing() -> None:
    text = "AE" * 30 + "7"
    drawing = draw(text)
    assert scanned(drawing.path, drawing.size) == text
    assert drawing.size <= 37  # few enough modules for an old camera


def test_a_phone_claims_shows_the_code_and_turns_to_the_receipt(
    chromium: Browser, base: str, city: World, offer: Offer, resident: Actor
) -> None:
    context = phone(chromium, base, city, resident)
    page = context.new_page()
    page.goto("/")
    page.locator(f"form[action='/offers/{offer.slug}/claim'] button").click()
    expect(page.locator(".seal")).to_contain_text("领到")
    page.get_by_role("link", name="去使用").click()
    box = page.locator(".qr svg").bounding_box()
    assert box and box["width"] >= 260
    (voucher,) = vouchers.wallet(city.core, actor=resident, cursor=None, limit=9).items
    city.redeem(voucher, code=shown_code(page))
    expect(page.locator(".receipt")).to_contain_text("¥108.00")
    expect(page.locator(".seal")).to_contain_text("已核销")
    context.close()


def test_the_code_changes_by_itself_for_two_minutes_without_network(
    chromium: Browser, base: str, city: World, offer: Offer, resident: Actor
) -> None:
    voucher = city.claim(offer, resident)
    context = phone(chromium, base, city, resident)
    page = context.new_page()
    page.clock.install()
    with page.expect_response(re.compile(r"codes\.json")) as answer:
        page.goto(f"/vouchers/{voucher.id}")
    answer.value.finished()
    page.locator("[data-kept]:not([hidden])").wait_for(state="attached")
    context.set_offline(True)
    first = second = shown_code(page)
    for _ in range(7):  # it lasts up to half a minute, by when it was asked for
        if second == first:
            page.clock.run_for(5_000)
            second = shown_code(page)
    assert codes.read(city.core.keyring, second).window == (
        codes.read(city.core.keyring, first).window + 1
    )
    expect(page.locator("#net")).to_be_visible()
    page.clock.run_for(120_000)
    expect(page.locator("#stale")).to_be_visible()
    expect(page.locator(".qr")).to_be_hidden()
    context.set_offline(False)
    page.clock.run_for(5_000)
    expect(page.locator(".qr")).to_be_visible()
    context.close()


def test_claiming_and_showing_need_no_scripts(
    chromium: Browser, base: str, city: World, offer: Offer, resident: Actor
) -> None:
    context = phone(chromium, base, city, resident, scripts=False)
    page = context.new_page()
    page.goto("/")
    page.locator(f"form[action='/offers/{offer.slug}/claim'] button").click()
    page.get_by_role("link", name="去使用").click()
    assert codes.read(city.core.keyring, shown_code(page))
    expect(page.get_by_role("link", name="换一个新码")).to_be_visible()
    context.close()


@pytest.mark.parametrize("mode", MODES)
def test_pages_are_for_everybody_in_every_mode(
    chromium: Browser, base: str, city: World, offer: Offer, resident: Actor, mode: str
) -> None:
    used, fresh = city.claim(offer, resident), city.claim(city.offer(), resident)
    city.redeem(used)
    context = phone(chromium, base, city, resident, **MODES[mode])
    page, axe = context.new_page(), (MODULES / "axe-core" / "axe.min.js").read_text("utf-8")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in ("/", "/vouchers", f"/vouchers/{fresh.id}", f"/vouchers/{used.id}", "/help", "/me"):
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(SMALL) == [], path
        page.evaluate(axe)
        found = page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
        assert [(one["id"], one["nodes"][0]["target"]) for one in found["violations"]] == [], path
    assert said == []
    context.close()


@pytest.mark.parametrize("mode", ["light", "elder"])
def test_the_claim_button_is_on_the_first_screen(
    chromium: Browser, base: str, city: World, offer: Offer, resident: Actor, mode: str
) -> None:
    city.claim(city.offer(), resident)
    context = phone(chromium, base, city, resident, **MODES[mode])
    page = context.new_page()
    page.goto("/")
    button = page.locator("form .btn-primary").first.bounding_box()
    menu = page.locator(".tabs").bounding_box()
    assert button and menu and button["y"] + button["height"] <= menu["y"]
    context.close()
