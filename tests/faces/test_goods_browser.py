"""The pages about goods in a real Chromium: on a small phone, and for every reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from merchant_portal.app import create_app
from tests.faces.admin_desk import Desk
from tests.faces.own_till import manager_of
from tests.faces.test_admin_browser import AXE, RUN
from tests.faces.test_goods_faces import sold
from tests.make import World
from tests.services.goods_shelf import line, new_gtin, proposed, stocked, till_of
from tests.web.serving import serving
from voucher_service.goods import service as goods
from voucher_service.goods.gtins import printed
from voucher_service.goods.model import Wanted
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.money import Money
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


@pytest.fixture(scope="module")
def shelf(world: World) -> tuple[str, Actor, str, str]:
    """A product with a past and a change that waits, its manager, the change and its proposal."""
    manager, gtin = manager_of(world, world.cashier()), new_gtin()
    stocked(world, line(gtin, model="LS-BCD506 十字门冰箱", first="2026-01-01", guide="5299"))
    till = till_of(world.core, manager)
    with world.core.transaction() as session:
        now = world.core.now(session)
        goods.promise_from(
            session,
            merchant=till.merchant_id,
            prices={gtin: Money.of_yuan(4_999)},
            valid_from=day_of(now),
            actor=SYSTEM,
            now=now,
        )
    wanted = [Wanted(1, gtin, Money.of_yuan(5_199))]
    goods.promise(world.core, actor=manager, prices=wanted)
    sold(world, manager, gtin)
    more = (line(new_gtin(), model=f"HZ-R{n}", guide="2999") for n in range(3))
    changed = line(gtin, model="LS-BCD506 十字门冰箱", grade=2, guide="5099")
    made, proposal = proposed(world.core, world.planner, changed, *more)
    return gtin, manager, str(made.id), str(proposal.id)


def test_every_page_about_goods_fits_a_small_phone_and_every_reader(
    chromium: Browser,
    desk: Desk,
    shelf: tuple[str, Actor, str, str],
) -> None:
    gtin, manager, change, proposal = shelf
    product = printed(gtin)
    wanted = {
        Face.ADMIN: (
            desk.app,
            desk.world.planner,
            (
                "/goods",
                f"/goods/{product}",
                "/goods/suspicions",
                "/goods/changes",
                f"/goods/changes/{change}",
                f"/approvals/{proposal}",
            ),
        ),
        Face.MERCHANT: (
            create_app(desk.core),
            manager,
            ("/prices", f"/prices?q={product}", f"/prices/{product}"),
        ),
    }
    found: dict[str, object] = {}
    for face, (app, actor, paths) in wanted.items():
        assert actor.id is not None
        with serving(app) as base:
            context = chromium.new_context(viewport={"width": 360, "height": 740}, base_url=base)
            token = issue(desk.core, face, actor.id).access_token
            cookies = {face.cookie: token, "lang": "en", "theme": "dark"}  # the longer words
            context.add_cookies(
                [{"name": name, "value": value, "url": base} for name, value in cookies.items()]
            )
            page = context.new_page()
            for path in paths:
                answer = page.goto(path)
                assert answer is not None and answer.status == 200, path
                page.evaluate(AXE.read_text("utf-8"))
                if violations := page.evaluate(RUN)["violations"]:
                    found[path] = [(one["id"], one["nodes"][0]["target"]) for one in violations]
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    found[f"{path} sideways"] = True
            context.close()
    assert found == {}
