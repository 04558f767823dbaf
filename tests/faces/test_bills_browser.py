"""Bills on small screens in a real Chromium: nothing is cut off, and the way out stays in sight."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from merchant_portal.app import create_app
from tests.faces.test_merchant_pages import Browser
from tests.faces.two_steps import frozen, press, published
from tests.make import World
from tests.web.serving import serving
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

SMALL = {"width": 360, "height": 740}
LONG = "X9" * 32
OUTSIDE = """() => [...document.querySelectorAll("main .num, main dd, main p")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth)
    .map((one) => one.outerHTML)"""


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture(scope="module")
def dear(world: World) -> Offer:
    """满200减80: two steps."""
    return published(world, world.plan(quota=50, face=80, threshold=200))


@pytest.fixture(scope="module")
def faces(core: Core, app: Flask) -> Iterator[dict[Face, str]]:
    """The addresses of the running faces."""
    with serving(app) as till, serving(create_resident(core)) as phone:
        yield {Face.MERCHANT: till, Face.RESIDENT: phone}


def opened(
    chromium: Chromium, core: Core, base: str, face: Face, who: Actor, **chosen: str
) -> Page:
    """A small phone of somebody who is signed in."""
    assert who.id
    context = chromium.new_context(viewport=SMALL, locale="zh-CN", base_url=base)
    cookies = {face.cookie: issue(core, face, who.id).access_token} | chosen
    context.add_cookies([{"name": n, "value": v, "url": base} for n, v in cookies.items()])
    return context.new_page()


@pytest.mark.parametrize("chosen", [{}, {"lang": "en", "mode": "elder"}])
def test_long_order_numbers_cut_nothing_off_and_unlocking_stays_in_sight(
    chromium: Chromium,
    app: Flask,
    faces: dict[Face, str],
    world: World,
    dear: Offer,
    chosen: dict[str, str],
) -> None:
    browser, me = Browser(app, world.core, world.cashier()), world.resident()
    voucher = world.claim(dear, me)
    address = frozen(browser, world, voucher, "250", order_reference=LONG, bank_discount="5")
    pages = [
        opened(chromium, world.core, faces[face], face, who, **chosen)
        for face, who in ((Face.MERCHANT, browser.cashier), (Face.RESIDENT, me))
    ]
    till, phone = pages
    paths = {till: address, phone: f"/vouchers/{voucher.id}"}
    for page in pages:
        page.goto(paths[page])
        assert page.evaluate(OUTSIDE) == []
    button = phone.locator("form[action$='/release'] button").bounding_box()
    assert button and button["y"] + button["height"] <= SMALL["height"]
    press(browser, address, "commit")
    for page in pages:
        page.goto(paths[page])
        assert page.evaluate(OUTSIDE) == []
        page.context.close()


def test_the_hint_of_the_camera_lies_below_its_frame(
    chromium: Chromium, app: Flask, faces: dict[Face, str], world: World
) -> None:
    me = world.cashier()
    page = opened(
        chromium, world.core, faces[Face.MERCHANT], Face.MERCHANT, me, lang="en", mode="elder"
    )
    page.goto("/")
    # Both in one look: the page may scroll to the box that has the focus.
    room = page.evaluate(
        """() => {
          const [frame, hint] = ['.view .frame', '.view .hint']
            .map((one) => document.querySelector(one).getBoundingClientRect());
          return hint.top - frame.bottom;
        }"""
    )
    assert room >= 0
    page.context.close()
