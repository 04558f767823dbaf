"""The shop's books in a real Chromium: no sum is cut, broken or out of sight on a small phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from merchant_portal.app import create_app
from tests.make import World
from tests.services.test_till_files import came_to_nothing
from tests.web.serving import serving
from voucher_service.infra.core import Core
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

# Sums in lists of facts that take more than one line.
_BROKEN = """
[...document.querySelectorAll('.facts dd')].filter(
    e => e.textContent.startsWith('¥')
        && e.getClientRects()[0].height > 1.9 * parseFloat(getComputedStyle(e).fontSize) * 1.5
).map(e => e.textContent)
"""
_CUT = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"


@pytest.fixture(scope="module")
def base(core: Core) -> Iterator[str]:
    """The address of a running merchant face."""
    with serving(create_app(core)) as url:
        yield url


@pytest.fixture
def page(chromium: Browser, base: str, world: World) -> Iterator[Page]:
    """The phone of a cashier whose shop has orders, with a long number among them."""
    cashier, offer = world.cashier(), world.offer(world.plan(quota=9))
    for number, name in enumerate(("QA-1", "9" * 40), 1):
        world.redeem(world.claim(offer), cashier, reference=name, order_fen=123_450 * number)
    came_to_nothing(world, cashier)
    assert cashier.id
    context = chromium.new_context(locale="zh-CN", base_url=base)
    token = issue(world.core, Face.MERCHANT, cashier.id).access_token
    context.add_cookies([{"name": "voucher_merchant", "value": token, "url": base}])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("lang", "mode", "width"), [("zh-CN", "", 390), ("en", "", 360), ("zh-CN", "elder", 390)]
)
def test_the_books_fit_a_small_phone(
    page: Page, base: str, lang: str, mode: str, width: int
) -> None:
    chosen = {"lang": lang, "mode": mode}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, value in chosen.items() if value]
    )
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/books")
    line = page.locator(".ledger a").last.get_attribute("href")
    for path in ("/books", str(line), "/books/day-end"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(_BROKEN) == [], path
        if path == "/books" and (lang, mode) == ("zh-CN", ""):
            assert page.evaluate(_CUT) == 0
