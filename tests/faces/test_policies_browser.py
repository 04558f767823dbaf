"""Policies, what-ifs and differences in a real Chromium: on a small phone, and for every reader."""

from __future__ import annotations

import os
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from admin.app import create_app as create_admin
from tests.faces.test_admin_browser import AXE, RUN
from tests.make import World
from tests.tradein import past
from tests.tradein.rise import year
from tests.tradein.test_revisions import TODAY
from tests.web.serving import serving
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.money import Money
from voucher_service.resident.app import create_app as create_resident
from voucher_service.settings import CONFIG
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import RevisionId, TrialId
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

RAISED = "car_scrap-2024-07"
SHOTS = os.environ.get("VOUCHER_SHOTS")
DRAFT = (CONFIG / "policies" / f"{RAISED}.toml").read_text("utf-8")


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    """A city in March 2025 with decisions of 2024."""
    made = World(with_clock(core, Clock(TODAY)))
    past.approve_long_ago(made, year()[:60])
    return made


def phone(chromium: Browser, base: str, core: Core, face: Face, who: Actor) -> Page:
    """A small phone in English and in the dark, where words are longest and contrast least."""
    assert who.id is not None
    context = chromium.new_context(viewport={"width": 360, "height": 2600}, base_url=base)
    token = issue(core, face, who.id).access_token
    cookies = {face.cookie: token, "lang": "en", "theme": "dark"}
    context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, value in cookies.items()]
    )
    return context.new_page()


def fits(page: Page, name: str) -> None:
    """Nothing is wider than the screen, nothing keeps a reader out."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360, name
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(RUN)["violations"]
    assert [(one["id"], one["nodes"][0]["target"]) for one in found] == [], name
    if SHOTS:
        page.context.add_cookies(
            [
                {"name": word, "value": value, "url": page.url}
                for word, value in {"lang": "zh-CN", "theme": "light"}.items()
            ]
        )
        if "what-if-ran" not in name:
            page.reload()
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)


def shown(chromium: Browser, app: Flask, core: Core, face: Face, who: Actor, path: str) -> None:
    """One page on a phone of its own."""
    with serving(app) as base:
        page = phone(chromium, base, core, face, who)
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        fits(page, f"{face}{path.replace('/', '-')}"[:40])


def test_every_page_about_policies_fits_a_small_phone_and_every_reader(
    chromium: Browser, city: World
) -> None:
    campaign = past.paying_campaign(city, Money.of_yuan(10_000_000))
    made = service.begin(city.core, actor=city.planner, policy=RAISED, campaign=campaign.id)
    while service.compute(city.core, revision=made.id):
        pass
    app = create_admin(city.core)
    revision = f"/policies/revisions/{made.id}"
    for path in ("/policies", "/policies/what-if", "/policies/revisions", revision):
        shown(chromium, app, city.core, Face.ADMIN, city.planner, path)
    proposal = service.propose(city.core, actor=city.planner, revision=made.id)
    shown(chromium, app, city.core, Face.ADMIN, city.approver, f"/approvals/{proposal}")
    with serving(app) as base:
        page = phone(chromium, base, city.core, Face.ADMIN, city.planner)
        page.goto("/policies/what-if")
        page.locator("#f-draft").fill(DRAFT.replace("2_000_000", "2_500_000"))
        compute = page.locator("form.stack button")
        with page.expect_navigation():
            compute.click()
        assert page.locator(".alert").count() == 1
        trial = TrialId(UUID(page.url.rpartition("/")[2]))
        while service.compute_trial(city.core, trial=trial):
            pass
        page.reload()
        assert page.locator(".alert").count() == 0
        assert page.locator("#h-price").count() == 1
        fits(page, "admin-what-if-ran")
        page.locator("#f-draft").fill(DRAFT.replace("flat_fen", "flat"))
        compute.click()
        expect(page.locator("#e-draft")).to_contain_text("flat_fen")


def test_a_buyer_sees_what_they_get_more_and_names_a_card(chromium: Browser, city: World) -> None:
    buyer = city.resident()
    past.owed_for_a_sale(city, buyer.id)
    app = create_resident(city.core)
    shown(chromium, app, city.core, Face.RESIDENT, buyer, "/trade-in/differences")


def test_finance_records_a_difference_that_came_back(chromium: Browser, city: World) -> None:
    made, sale = past.owed_for_a_sale(city, city.resident().id)
    with city.core.transaction() as session:
        now = city.core.now(session)
        assert service.paid(session, revision=RevisionId(made), subject=sale, now=now)
    app, finance = create_admin(city.core), city.staff(Role.FINANCE)
    path = f"/policies/returns?sale={sale}"
    shown(chromium, app, city.core, Face.ADMIN, finance, path)
    with serving(app) as base:
        page = phone(chromium, base, city.core, Face.ADMIN, finance)
        page.goto(path)
        page.locator("#f-amount").fill("60")
        page.locator("#f-reference").fill("B20250310")
        with page.expect_navigation():
            page.locator("form.stack button").last.click()
        assert "50" in page.locator(".alert").inner_text()  # more than was paid
        page.locator("#f-amount").fill("50")
        page.locator("form.stack button").last.click()
        page.wait_for_url("**/approvals/*")
        fits(page, "admin-return-proposed")
