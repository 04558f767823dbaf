"""Settlement's pages in a browser: narrow and wide, for every reader, in both languages."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from merchant_portal.app import create_app as create_merchant
from tests.faces.admin_desk import Desk
from tests.faces.shop_browser import manager_of
from tests.faces.test_admin_browser import AXE, RUN, at_desk
from tests.faces.test_settlement_pages import desk, office
from tests.settlement.offices import Office
from tests.web.serving import serving
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

__all__ = ["desk", "office"]
SHOTS = os.environ.get("SHOTS")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_page_of_settlement_shuts_anyone_out(
    chromium: Browser, office: Office, desk: Desk, language: str
) -> None:
    tills = [office.till(f"44170000123456{n}") for n in (78, 79)]
    first, *_ = [one for till in tills for one in office.spend(till, 2)]
    office.next_day()
    paid = office.settle(lambda one: BOUNCED if one.last4 == "5679" else PAID)
    held, *_ = [one for till in (*tills, office.world.cashier()) for one in office.spend(till)]
    office.next_day()
    office.send_back(paid)
    waiting = office.draft()
    settlement.hold_back(desk.core, actor=office.payer, redemption=held.id, note="两张小票")
    line, manager = office.lines(paid)[0], manager_of(office, tills[0])
    desk_paths = [
        "/settlements",
        f"/settlements/{paid.id}",
        f"/settlements/{waiting.id}",
        f"/settlements/lines/{line.id}",
        f"/settlements/holds/{first.id}",
        "/settlements/holds",
        "/alarms",
        f"/settlements/merchants/{office.merchant(tills[0])}",
        "/reports/pledges",
    ]
    own = next(one for one in office.lines(paid) if one.merchant_id == office.merchant(tills[0]))
    wrong: dict[str, object] = {}
    options = {"locale": language}
    with serving(desk.app) as base, serving(create_merchant(desk.core)) as till:
        for width, where, paths in (
            (390, base, desk_paths),
            (1280, base, desk_paths if SHOTS else desk_paths[:2]),
            (390, till, ["/money", f"/money/{own.id}"]),
        ):
            size = {"width": width, "height": 2_400}  # nothing below the menu at the foot
            context = at_desk(chromium, where, desk.core, office.payer, viewport=size, **options)
            token = issue(desk.core, Face.MERCHANT, manager).access_token
            context.add_cookies([{"name": "voucher_merchant", "value": token, "url": where}])
            page = context.new_page()
            for path in paths:
                answer = page.goto(path)
                assert answer is not None and answer.status == 200, path
                page.evaluate(AXE.read_text("utf-8"))
                if violations := page.evaluate(RUN)["violations"]:
                    wrong[path] = [(one["id"], one["nodes"][0]["target"]) for one in violations]
                if not page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"):
                    wrong[path] = "too wide"
                if language == "en" and re.search("付款|核销|批次", page.inner_text("h2, h1")):
                    wrong[path] = page.inner_text("main")
                if SHOTS:
                    name = re.sub(r"[0-9a-f-]{36}", "x", path).strip("/").replace("/", "_")
                    page.screenshot(
                        path=Path(SHOTS) / f"{name}_{width}_{language}.png", full_page=True
                    )
            context.close()
    assert wrong == {}
