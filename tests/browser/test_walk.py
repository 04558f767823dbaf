"""The walk by hand, in a real Chromium: plan, approve, claim, show, redeem, report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import openpyxl
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from admin.app import create_app as create_admin
from merchant_portal.app import create_app as create_merchant
from tests.make import JIANGCHENG, World
from tests.web.serving import serving
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Role
from voucher_service.kernel.clock import day_of
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.reconciliation import service as reconciliation
from voucher_service.replay.strangers import credit_code, strangers
from voucher_service.reports import verification
from voucher_service.resident.app import create_app as create_resident

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
GLYPHS = """(text) => {
  const width = (font, word) => {
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = `32px ${font}`;
    const box = pen.measureText(word);
    const ink = document.createElement('canvas'); ink.width = 64; ink.height = 64;
    const brush = ink.getContext('2d', {willReadFrequently: true});
    brush.font = `32px ${font}`; brush.fillText(word, 8, 48);
    return [...brush.getImageData(0, 0, 64, 64).data].join();
  };
  const font = getComputedStyle(document.body).fontFamily;
  const missing = width(font, '\\u{10FFFD}');
  const seen = new Set([...text].map((one) => width(font, one)));
  return !seen.has(missing) && seen.size === new Set(text).size;
}"""


@dataclass(frozen=True)
class City:
    """Three faces at work, and who is who."""

    resident: str
    merchant: str
    admin: str
    outbox: Path


@pytest.fixture(scope="module")
def city(core: Core) -> Iterator[City]:
    """A city with a programme, two funders, a planner, an approver, and a shop with a cashier."""
    world = World(core)
    world.staff(Role.PLANNER, username="walk-planner")
    world.staff(Role.APPROVER, username="walk-approver")
    world.programme()
    world.funder("city")
    merchant = merchants.create_merchant(
        core,
        actor=SYSTEM,
        name="阳江市漠阳味道餐饮有限公司",
        uscc=credit_code(Random(5)),
        size_class=SizeClass.SMALL,
    )
    shop = merchants.create_shop(
        core,
        actor=SYSTEM,
        merchant=merchant.id,
        name="漠阳味道 东风路店",
        area=JIANGCHENG,
        trade=Trade.DINING,
    )
    merchants.create_cashier(
        core,
        actor=SYSTEM,
        shop=shop.id,
        username="walk-cashier",
        password="demo-only-walk-cashier",
        display_name="阿明",
        demo=True,
    )
    with ExitStack() as stack:
        addresses = [
            stack.enter_context(serving(create(core)))
            for create in (create_resident, create_merchant, create_admin)
        ]
        yield City(*addresses, Path(core.settings.sms.outbox))


@contextmanager
def opened(chromium: Browser, base: str, size: dict[str, int]) -> Iterator[Page]:
    """A browser of one person, whose every error on the console fails the test."""
    context = chromium.new_context(
        viewport=size, locale="zh-CN", base_url=base, timezone_id="Asia/Shanghai"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    said: list[str] = []
    page.on(
        "console",
        lambda message: said.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def sign_in(page: Page, name: str) -> None:
    """Sign in with a name and the password that goes with it in tests."""
    page.goto("/sign-in")
    page.get_by_label("账号", exact=False).first.fill(name)
    page.locator("input[type=password]").fill(f"demo-only-{name}")
    page.get_by_role("button", name="登录", exact=True).click()


def test_plan_approve_claim_show_redeem_report(
    chromium: Browser, core: Core, city: City, tmp_path: Path
) -> None:
    planned = _plan(chromium, core, city)
    _approve(chromium, city, planned)
    with (
        opened(chromium, city.resident, PHONE) as phone,
        opened(chromium, city.merchant, PHONE) as till,
    ):
        _become_real(phone, city)
        _claim(phone)
        _redeem(phone, till, tmp_path)
    reconciliation.run(core, programme=planned)
    _report(chromium, city, planned, tmp_path)
    assert verification.verify(core).breaches == ()


def _plan(chromium: Browser, core: Core, city: City) -> str:
    """The planner makes a campaign with one offer and its money, and submits it."""
    with opened(chromium, city.admin, DESK) as desk:
        sign_in(desk, "walk-planner")
        desk.goto("/campaigns/new")
        desk.get_by_label("活动名称").fill("惠利金秋 国庆加场")
        programme = desk.locator("select[name=programme]").input_value()
        with core.transaction() as session:
            today = day_of(core.now(session))
        desk.locator("input[name=opens_on]").fill(today.isoformat())
        desk.locator("input[name=closes_on]").fill((today + timedelta(days=5)).isoformat())
        desk.get_by_role("button", name="建这个活动").click()
        desk.get_by_role("link", name="加一种券").click()
        desk.locator("input[name=title]").fill("惠利金秋 通用券")
        desk.locator("input[name=face]").fill("20")
        desk.locator("input[name=threshold]").fill("100")
        opening = f"{today.isoformat()}T00:00"
        desk.locator("input[name=opening]").first.fill(opening)
        desk.locator("input[name=quota]").first.fill("500")
        desk.get_by_role("button", name="加上这种券").click()
        desk.locator("input[name=amount]").fill("10000")
        desk.locator("input[name=share]").fill("100")
        desk.get_by_role("button", name="加上这一方").click()
        desk.get_by_role("button", name="提交审批").click()
        expect(desk.get_by_role("button", name="批准并盖章")).to_have_count(0)
        expect(desk.get_by_text("不能批自己的提案")).to_be_visible()
    return programme


def _approve(chromium: Browser, city: City, programme: str) -> None:
    """A second person sees what will be issued, and seals it."""
    with opened(chromium, city.admin, DESK) as desk:
        sign_in(desk, "walk-approver")
        desk.goto("/approvals")
        desk.get_by_role("link", name=re.compile("国庆加场")).first.click()
        expect(desk.get_by_text("惠利金秋 通用券").first).to_be_visible()
        desk.get_by_role("button", name="批准并盖章").click()
        expect(desk.get_by_text(re.compile("已批准")).first).to_be_visible()


def _become_real(phone: Page, city: City) -> None:
    """A resident signs in by short message and proves the name."""
    person = next(strangers(Random(11)))
    phone.goto("/")
    assert phone.evaluate(GLYPHS, "惠利金秋领取")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.goto("/sign-in?next=/")
    phone.locator("input[name=mobile]").fill(person.mobile)
    phone.get_by_role("button", name="获取验证码").click()
    phone.wait_for_url("**/sign-in/code**")
    message = json.loads(city.outbox.read_text("utf-8").splitlines()[-1])
    assert message["mobile"] == person.mobile
    phone.locator("input[name=code]").fill(message["code"])
    phone.get_by_role("button", name="登录", exact=True).click()
    phone.goto("/identity?next=/")
    phone.locator("input[name=name]").fill(person.name)
    phone.locator("input[name=id_number]").fill(person.id_number)
    phone.locator("input[name=agreed]").check()
    phone.get_by_role("button", name="提交实名").click()


def _claim(phone: Page) -> None:
    """One tap; the seal says that it is theirs."""
    phone.goto("/")
    phone.locator("form[action*='/claim'] button").first.click()
    expect(phone.locator(".seal")).to_contain_text("领到")
    phone.get_by_role("link", name="去使用").first.click()


def _redeem(phone: Page, till: Page, tmp_path: Path) -> None:
    """The cashier scans the phone; both see one word; the phone turns to the receipt."""
    picture = tmp_path / "code.png"
    phone.locator(".qr").screenshot(path=picture)
    scanned = zxingcpp.read_barcode(Image.open(picture))
    assert scanned is not None
    sign_in(till, "walk-cashier")
    till.goto("/")
    till.locator("#f-code").fill(scanned.text)
    till.get_by_role("button", name="输金额").click()
    word = till.locator(".ticket b.name, b.name").first.inner_text()
    expect(phone.locator(".match")).to_contain_text(word)
    till.locator("#f-amount").fill("128.00")
    till.get_by_role("button", name=re.compile("确认")).first.click()
    expect(till.get_by_text("¥108").first).to_be_visible()
    expect(phone.get_by_text("漠阳味道 东风路店").first).to_be_visible()


def _report(chromium: Browser, city: City, programme: str, tmp_path: Path) -> None:
    """The same figures on the page, and in the workbook opened by another program."""
    with opened(chromium, city.admin, DESK) as desk:
        sign_in(desk, "walk-approver")
        desk.goto(f"/reports/leverage?programme={programme}")
        assert desk.evaluate(GLYPHS, "拉动报表发放核销")
        expect(desk.locator("table").first).to_contain_text("6.40")
        expect(desk.locator("table").first).to_contain_text("5.00")
        with desk.expect_download() as download:
            desk.get_by_role("link", name="Excel").click()
        file = tmp_path / "leverage.xlsx"
        download.value.save_as(file)
    cells = [
        value
        for sheet in openpyxl.load_workbook(file).worksheets
        for row in sheet.iter_rows(values_only=True)
        for value in row
    ]
    assert {20, 128} <= {value for value in cells if isinstance(value, int | float)}
    assert not [value for value in cells if isinstance(value, str) and value.startswith("=")]
