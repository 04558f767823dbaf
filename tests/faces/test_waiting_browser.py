"""The line and the puzzle on a phone: nobody presses twice, and a reload keeps the place."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.make import World
from tests.web.chromium import MODULES
from tests.web.serving import serving
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.resident.app import create_app
from voucher_service.waiting.model import Opening
from voucher_service.waiting.room import Room
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

PHONE = {"width": 390, "height": 844}
SMALL_PHONE = {"width": 360, "height": 780}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
MODES: dict[str, dict[str, str]] = {
    "light": {},
    "dark": {"theme": "dark"},
    "elder": {"mode": "elder"},
    "english": {"lang": "en"},
}


@pytest.fixture(scope="module")
def city(core: Core) -> Iterator[World]:
    """A city whose lines go slowly enough to be looked at."""
    slow = replace(core.settings.waiting, draw_seconds=1, per_second=200)
    made = Core(replace(core.settings, waiting=slow), core.clock)
    yield World(made)
    made.close()


@pytest.fixture(scope="module")
def base(city: World) -> Iterator[str]:
    with serving(create_app(city.core)) as url:
        yield url


def switched(city: World, *, quota: int = 100, opens_in: float = -60, **switches: bool) -> Offer:
    """An offer with its switches on."""
    plan = city.plan(quota=quota, opens_at=city.now() + timedelta(seconds=opens_in))
    return city.offer(replace(plan, **switches))


def crowded(city: World, offer: Offer, count: int) -> Room:
    """Others in the same line."""
    room = Room(city.core, offer.id, Opening(offer.releases[0].opens_at, offer.quota))
    for _ in range(count):
        room.join(ResidentId(new_id()))
    return room


def phone(
    chromium: Browser, base: str, city: World, who: Actor, *, small: bool = False, **choices: str
) -> BrowserContext:
    """The phone of a resident who is signed in."""
    context = chromium.new_context(
        viewport=SMALL_PHONE if small else PHONE, locale="zh-CN", base_url=base
    )
    context.set_default_timeout(15_000)
    assert who.id is not None
    cookies = {Face.RESIDENT.cookie: issue(city.core, Face.RESIDENT, who.id).access_token}
    context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, value in (cookies | choices).items()]
    )
    return context


def shot(page: Page, name: str) -> None:
    """A picture to look at, where a folder for them is named."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def sound(page: Page) -> None:
    """Nothing sticks out, and the rules of accessibility are kept."""
    page.wait_for_load_state()
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    source = (MODULES / "axe-core" / "axe.min.js").read_text("utf-8")
    page.evaluate(source)
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


def test_a_tap_waits_in_the_line_survives_a_reload_and_ends_with_the_voucher(
    chromium: Browser, base: str, city: World
) -> None:
    offer, who = switched(city, opens_in=6, waiting_room=True), city.resident()
    crowded(city, offer, 60)
    with phone(chromium, base, city, who) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("button", name="去排队").first.click()
        expect(page.get_by_text("已经给您排上了")).to_be_visible()
        shot(page, "waiting-early")
        address = page.url
        page.reload()
        assert page.url == address
        expect(page.get_by_text("已经给您排上了")).to_be_visible()
        page.wait_for_url("**/claimed", timeout=30_000)
        expect(page.get_by_text("是您的了")).to_be_visible()


@pytest.mark.parametrize("mode", MODES)
def test_the_place_is_the_largest_thing_on_the_page(
    chromium: Browser, base: str, city: World, mode: str
) -> None:
    offer, who = switched(city, quota=2, waiting_room=True), city.resident()
    room = crowded(city, offer, 400)
    while not room.look(ResidentId(new_id())).seed:
        time.sleep(0.05)
    with phone(chromium, base, city, who, small=True, **MODES[mode]) as context:
        page = context.new_page()
        page.goto(f"/offers/{offer.slug}/waiting")
        page.wait_for_url("**/waiting?key=*")  # put into the line by itself
        line = page.locator("#drawn b")
        expect(line).to_be_visible()
        expect(line).to_have_text("398")  # two were let through, and 398 came before
        with page.expect_response("**/waiting.json"):
            page.evaluate("dispatchEvent(new Event('online'))")
        expect(line).to_have_text("398")
        shot(page, f"waiting-{mode}")
        sound(page)


def test_the_puzzle_is_solved_without_anybody_noticing(
    chromium: Browser, base: str, city: World
) -> None:
    offer, who = switched(city, proof_of_work=True), city.resident()
    with phone(chromium, base, city, who) as context:
        page = context.new_page()
        problems: list[str] = []
        page.on(
            "console", lambda said: problems.append(said.text) if said.type == "error" else None
        )
        page.goto("/")
        page.get_by_role("button", name=f"领取这张券：{offer.title}").first.click()
        page.wait_for_url("**/claimed", timeout=30_000)
        # the browser itself reports the page that came with 428
        assert [one for one in problems if one.startswith("error") and "428" not in one] == []


def test_a_browser_without_workers_is_told_where_to_go(
    chromium: Browser, base: str, city: World
) -> None:
    offer, who = switched(city, proof_of_work=True), city.resident()
    with phone(chromium, base, city, who) as context:
        context.add_init_script("delete window.Worker")
        page = context.new_page()
        page.goto("/")
        button = page.locator(f"form[action='/offers/{offer.slug}/claim'] button")
        button.click()
        expect(page.get_by_text("这部手机算不了")).to_be_visible()
        shot(page, "puzzle-stuck")
        sound(page)
