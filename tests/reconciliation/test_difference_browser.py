"""The pages about channels' files in a real Chromium: on a small phone, and for every reader."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser

from tests.faces.admin_desk import Desk
from tests.faces.test_admin_browser import AXE, RUN
from tests.make import World
from tests.reconciliation.conftest import Channel
from tests.web.serving import serving
from voucher_service.infra import spool
from voucher_service.infra.spool import Incoming
from voucher_service.kernel.clock import day_of
from voucher_service.reconciliation.differences import expecting, service, uploading
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


def test_every_page_about_differences_fits_a_small_phone_and_every_reader(
    chromium: Browser, world: World, channel: Callable[[], Channel]
) -> None:
    here = channel()
    here.order()
    here.order(paid=False)
    here.lines.append(here.line(here.reference(), 700))
    made = here.take()
    held = next(one for one in here.differences() if one.holds)
    service.comment(here.core, actor=here.finance, difference=held.id, text="Asked the shop.")
    set_ = expecting.expect(
        here.core,
        actor=here.finance,
        format="till",
        hour=9,
        first=day_of(here.now()),
        shop=held.shop_id,
    )
    with Incoming(spool.folder(here.core.settings)) as incoming:
        waits = uploading.keep(
            here.core,
            actor=here.finance,
            format="wechat",
            file_name="bill.csv",
            incoming=incoming,
            days=here.today(),
        )
    paths = (
        "/channel-files/expected",
        f"/channel-files/expected/{set_.id}",
        f"/channel-files/uploads/{waits.id}",
        "/channel-files",
        f"/channel-files/{made.id}",
        "/differences",
        f"/differences/{held.id}",
    )
    desk, found = Desk(world), dict[str, object]()
    assert here.finance.id is not None
    with serving(desk.app) as base:
        token = issue(desk.core, Face.ADMIN, here.finance.id).access_token
        for width, lang, theme in ((360, "en", "dark"), (1280, "zh-Hans", "light")):
            size = {"width": width, "height": 740}
            context = chromium.new_context(viewport=size, base_url=base)  # type: ignore[arg-type]
            cookies = {Face.ADMIN.cookie: token, "lang": lang, "theme": theme}
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
                    found[f"{path} sideways at {width}"] = True
            context.close()
    while uploading.take_waiting(here.core):
        pass
    assert found == {}
