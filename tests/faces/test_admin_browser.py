"""The console in a real Chromium: two people publish, and what assistive technology finds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.faces.admin_desk import Desk
from tests.make import World
from tests.web.chromium import MODULES
from tests.web.serving import serving
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.reconciliation import service as reconciliation
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

AXE = MODULES / "axe-core" / "axe.min.js"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 800}
RUN = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"


@pytest.fixture(scope="module")
def paths(desk: Desk, world: World) -> list[str]:
    """Every kind of page, with something on it."""
    campaign = world.draft()
    offer = world.offer(campaign=campaign)
    world.redeem(world.claim(offer))
    slug = campaign.programme.slug
    reconciliation.run(desk.core, programme=slug)
    draft = desk.draft()
    _, approval = desk.proposed()
    push = desk.pushed(str(offer.id))
    return [
        "/",
        "/campaigns",
        "/campaigns/new",
        "/programmes/new",
        f"/campaigns/{campaign.id}",
        f"/campaigns/{draft}",
        f"/campaigns/{draft}/offers/new",
        "/funders",
        "/approvals",
        f"/approvals/{approval}",
        f"/reports/leverage?programme={slug}",
        "/books",
        "/pushes",
        f"/pushes/{push}",
        "/nothing-here",
    ]


@pytest.fixture(scope="module")
def base(desk: Desk) -> Iterator[str]:
    """The address of a running admin face."""
    with serving(desk.app) as url:
        yield url


def at_desk(
    chromium: Browser, base: str, core: Core, actor: Actor, **options: object
) -> BrowserContext:
    """The browser of a member of staff, signed in."""
    assert actor.id is not None
    known = {"viewport": WIDE, "locale": "zh-CN", "base_url": base} | options
    context = chromium.new_context(**known)  # type: ignore[arg-type]
    token = issue(core, Face.ADMIN, actor.id).access_token
    context.add_cookies([{"name": "voucher_admin", "value": token, "url": base}])
    return context


def complaints(page: Page) -> list[str]:
    """What the browser and its policy complain about on a page."""
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


@pytest.mark.parametrize(
    ("language", "scheme"), [("zh-CN", "light"), ("zh-CN", "dark"), ("en", "light")]
)
def test_no_page_shuts_anyone_out(
    chromium: Browser, base: str, desk: Desk, paths: list[str], language: str, scheme: str
) -> None:
    context = at_desk(
        chromium, base, desk.core, desk.world.planner, locale=language, color_scheme=scheme
    )
    page = context.new_page()
    heard = complaints(page)
    found: dict[str, object] = {}
    for path in paths:
        page.goto(path)
        page.evaluate(AXE.read_text("utf-8"))
        if violations := page.evaluate(RUN)["violations"]:
            found[path] = [(one["id"], one["nodes"][0]["target"]) for one in violations]
    context.close()
    assert found == {}
    assert [one for one in heard if "404" not in one] == []


@pytest.mark.parametrize(
    ("language", "scheme", "size"), [("zh-CN", "light", PHONE), ("en", "dark", WIDE)]
)
def test_no_page_of_figures_shuts_anyone_out(
    *,
    chromium: Browser,
    base: str,
    desk: Desk,
    paths: list[str],
    language: str,
    scheme: str,
    size: dict[str, int],
) -> None:
    reader = desk.world.staff(Role.FINANCE, username=f"figures-{scheme}")
    known = {"locale": language, "color_scheme": scheme, "viewport": size}
    programme = next(path for path in paths if "programme=" in path).partition("?")[2]
    found: dict[str, object] = {}
    with at_desk(chromium, base, desk.core, reader, **known) as context:
        page = context.new_page()
        heard = complaints(page)
        for path in (
            f"/board?{programme}",
            f"/board?{programme}&wall=yes",
            "/reports/retail-sales",
            "/outcomes",
            "/channel-files",
            "/differences",
            "/settlements",
        ):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            page.evaluate(AXE.read_text("utf-8"))
            if violations := page.evaluate(RUN)["violations"]:
                found[path] = [(one["id"], one["nodes"][0]["target"]) for one in violations]
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
    assert found == {}
    assert heard == []


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_page_scrolls_sideways_on_a_phone(
    chromium: Browser, base: str, desk: Desk, paths: list[str], language: str
) -> None:
    context = at_desk(
        chromium, base, desk.core, desk.world.planner, locale=language, viewport=PHONE
    )
    page = context.new_page()
    wide = []
    for path in paths:
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    context.close()
    assert wide == []


def test_one_proposes_and_another_seals(
    chromium: Browser, base: str, desk: Desk, world: World
) -> None:
    campaign = desk.planned()
    planner = at_desk(chromium, base, desk.core, world.planner)
    page = planner.new_page()
    heard = complaints(page)
    page.goto(f"/campaigns/{campaign}")
    page.get_by_role("button", name="提交审批").click()
    page.wait_for_url("**/approvals/*")
    assert page.get_by_role("button", name="批准并盖章").count() == 0
    assert page.get_by_text("不能批自己的提案").is_visible()
    approver = at_desk(chromium, base, desk.core, world.approver)
    other = approver.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="批准并盖章").click()
    other.get_by_text("已批准，").wait_for()
    expect(other.locator(".seal:not(.empty)")).to_have_count(2)
    assert heard == []
    planner.close()
    approver.close()


def test_the_sentence_of_the_report_can_be_copied(
    chromium: Browser, base: str, desk: Desk, paths: list[str]
) -> None:
    context = at_desk(chromium, base, desk.core, desk.world.approver)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
    page = context.new_page()
    page.goto(next(path for path in paths if path.startswith("/reports")))
    page.get_by_role("button", name="复制这句话").click()
    page.get_by_role("button", name="复制好了").wait_for()
    assert "机械下限" in page.evaluate("navigator.clipboard.readText()")
    context.close()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("role", [Role.REVIEWER, Role.APPROVER, Role.FINANCE])
def test_the_index_takes_two_rows_at_most_on_a_small_desk(
    chromium: Browser, base: str, core: Core, world: World, role: Role, language: str
) -> None:
    small = {"width": 1280, "height": 800}
    # A drawn name is now and then wider than a person's.
    staff = world.staff(role, username=f"{role}-{language}")
    with at_desk(chromium, base, core, staff, viewport=small, locale=language) as context:
        page = context.new_page()
        page.goto("/budgets")
        heights = "[...document.querySelectorAll('.index a')].map(e => e.offsetTop)"
        assert len(set(page.evaluate(heights))) == 2, "groups, and what is in the one we are in"
        assert page.evaluate("document.querySelector('.bar').offsetHeight") < 130
