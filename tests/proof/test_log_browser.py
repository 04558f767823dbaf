"""The pages of the sealed log in a real Chromium: on a small phone, in the dark, in English."""

from __future__ import annotations

import os

from playwright.sync_api import Browser

from admin.app import create_app as create_admin
from tests.faces.test_admin_browser import AXE, RUN
from tests.make import World
from tests.proof.test_log import sealed, spend
from tests.web.serving import serving
from voucher_service.kernel.actor import Role
from voucher_service.proof import service
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

SHOTS = os.environ.get("VOUCHER_SHOTS")


def test_the_pages_of_the_log_fit_a_phone_and_keep_nobody_out(
    world: World, chromium: Browser
) -> None:
    spend(world)
    sealed(world.core)
    service.publish(world.core)
    auditor = world.staff(Role.AUDITOR)
    assert auditor.id is not None
    token = issue(world.core, Face.ADMIN, auditor.id).access_token
    for face, app, path in (
        (Face.ADMIN, create_admin(world.core), "/log"),
        (Face.RESIDENT, create_resident(world.core), "/checkpoints"),
    ):
        with serving(app) as base:
            for width, language in ((360, "en"), (1280, "zh-CN")):
                size = {"width": width, "height": 1400}
                context = chromium.new_context(viewport=size, base_url=base)
                cookies = {face.cookie: token, "lang": language, "theme": "dark"}
                context.add_cookies(
                    [{"name": name, "value": value, "url": base} for name, value in cookies.items()]
                )
                page = context.new_page()
                page.goto(path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                page.evaluate(AXE.read_text("utf-8"))
                found = page.evaluate(RUN)["violations"]
                assert [(one["id"], one["nodes"][0]["target"]) for one in found] == []
                if SHOTS:
                    page.screenshot(path=f"{SHOTS}/log-{face.name}-{width}.png")
                context.close()
