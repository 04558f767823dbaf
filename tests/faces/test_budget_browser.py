"""The pages of money in a real Chromium: assistive technology and narrow phones find their way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.faces.admin_desk import Desk
from tests.faces.test_admin_browser import AXE, PHONE, RUN, WIDE, at_desk
from tests.faces.test_budget_pages import booked, opened, proposed, sign
from tests.make import CITY
from tests.web.serving import serving


@pytest.fixture(scope="module")
def base(desk: Desk) -> Iterator[str]:
    """The address of a running admin face."""
    with serving(desk.app) as url:
        yield url


@pytest.fixture(scope="module")
def paths(desk: Desk) -> list[str]:
    """Every page of money, with something on it."""
    desk.world.funder("city")
    planner = desk.browser(desk.world.planner)
    fund = booked(desk, planner)
    frame = opened(planner, desk.world.programme().slug, CITY)
    given = {"direction": "give", "fund": fund.rsplit("/", 1)[1], "amount": "300,000"}
    sign(desk, proposed(planner, frame, f"{frame}/money", **given))
    caps = proposed(planner, frame, f"{frame}/caps", day="1000")
    move = proposed(planner, frame, f"{frame}/money", **given | {"direction": "back"})
    campaign = f"/budgets/campaigns/{desk.planned()}"
    return ["/budgets", frame, "/funds", fund, "/funders", caps, move, campaign, "/campaigns/new"]


@pytest.mark.parametrize(
    ("language", "viewport"), [("zh-CN", WIDE), ("zh-CN", PHONE), ("en", PHONE)]
)
def test_no_page_of_money_shuts_anyone_out(
    chromium: Browser,
    base: str,
    desk: Desk,
    paths: list[str],
    language: str,
    viewport: dict[str, int],
) -> None:
    context = at_desk(
        chromium, base, desk.core, desk.world.planner, locale=language, viewport=viewport
    )
    page = context.new_page()
    found: dict[str, object] = {}
    for path in paths:
        page.goto(path)
        page.evaluate(AXE.read_text("utf-8"))
        if violations := page.evaluate(RUN)["violations"]:
            found[path] = [(one["id"], one["nodes"][0]["target"]) for one in violations]
        elif page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[path] = "scrolls sideways"
    context.close()
    assert found == {}
