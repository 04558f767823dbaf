"""What the till and the phone say of a bill, a freeze, a code and a device is so."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import pytest
from flask import Flask

from merchant_portal.app import create_app
from tests.faces.test_merchant_pages import Browser, hidden
from tests.faces.two_steps import Phone, frozen, press, published
from tests.make import World
from tests.services.shops import Chain
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, build
from voucher_service.merchants import service as merchants
from voucher_service.redemption.watching import glance
from voucher_service.settings import Settings
from voucher_service.vouchers import service as vouchers

LONG = "QA-0001-" + "X9" * 28


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture
def browser(app: Flask, world: World) -> Browser:
    """The browser of a cashier of a new shop."""
    return Browser(app, world.core, world.cashier())


@pytest.fixture(scope="module")
def dear(world: World) -> Offer:
    """满200减80: two steps."""
    return published(world, world.plan(quota=50, face=80, threshold=200))


def test_the_phones_bill_adds_up_with_bank_and_platform(
    browser: Browser, world: World, dear: Offer
) -> None:
    me = world.resident()
    voucher = world.claim(dear, me)
    others = {"bank_discount": "5", "platform_discount": "2.50"}
    address = frozen(browser, world, voucher, "250", **others)
    phone, page = Phone(world.core, me), f"/vouchers/{voucher.id}"
    locked = unescape(browser.get(address).text)
    asked = unescape(phone.get(page).text)
    press(browser, address, "commit")
    receipt = unescape(phone.get(page).text)
    for shown in (asked, receipt):
        for words in ("¥250.00", "−¥80.00", "银行优惠", "−¥5.00", "平台优惠", "−¥2.50", "162.5"):
            assert words in shown
    assert "银行优惠 ¥5.00" in locked and "¥162.50" in locked


def test_the_days_customers_paid_what_they_paid(
    browser: Browser, world: World, dear: Offer
) -> None:
    voucher = world.claim(dear)
    address = frozen(browser, world, voucher, "250", bank_discount="5")
    press(browser, address, "commit")
    today = browser.get("/today").text
    assert today.count("¥165.00") == 2 and "¥170" not in today  # its line and the total
    assert "¥165</b>" in today and "¥165</b>" in browser.get("/").text  # both strips


def test_nothing_to_pay_is_not_asked_for(browser: Browser, world: World, dear: Offer) -> None:
    me = world.resident()
    voucher = world.claim(dear, me)
    address = frozen(browser, world, voucher, "250", bank_discount="170")
    shown = browser.get(address).text
    assert "不用收钱，完成核销" in shown
    assert "向顾客收" not in shown and "收到钱了" not in shown
    assert "不用付钱" in Phone(world.core, me).get(f"/vouchers/{voucher.id}").text


def test_a_freeze_that_is_over_is_over_on_the_phone_before_any_sweep(
    settings: Settings, world: World, dear: Offer
) -> None:
    hasty = build(replace(settings, till=replace(settings.till, freeze_seconds=0)))
    browser = Browser(create_app(hasty), hasty, world.cashier())
    me = world.resident()
    voucher = world.claim(dear, me)
    frozen(browser, world, voucher, "250")
    seen = glance(hasty, actor=me, voucher=voucher.id)
    assert (seen.standing, seen.stage) == ("claimed", "lapsed")
    phone, page = Phone(hasty, me), f"/vouchers/{voucher.id}"
    assert phone.get(f"{page}/codes.json").status_code == 200
    shown = phone.get(page).text
    assert "刚才那一笔没核销" in shown and "请付给店员" not in shown
    assert f'data-mark="{seen.mark}"' in shown  # nothing changes once more
    hasty.close()


def test_an_order_number_is_shown_as_it_is(browser: Browser, world: World, dear: Offer) -> None:
    address = frozen(browser, world, world.claim(dear), "250", order_reference=LONG)
    assert LONG in browser.get(address).text
    assert LONG in press(browser, address, "commit")
    assert "QA-NOBODY-7" in browser.get("/orders?order_reference=QA-NOBODY-7").text


def test_a_replayed_code_of_a_spent_voucher_says_where_it_was_used(
    browser: Browser, world: World
) -> None:
    voucher = world.claim(published(world, world.plan(quota=5)))
    code = world.code(voucher)
    assert browser.redeem(code).status_code == 303
    refused = browser.redeem(code, order_reference="AGAIN-1").text
    shop = merchants.desk(world.core, actor=browser.cashier).till.shop_name
    assert "码扫过了" in refused and f"已在 {shop} 用过了" in refused and "刷新" not in refused


def test_paper_that_was_spent_or_printed_anew_says_so_before_any_digits(
    browser: Browser, world: World
) -> None:
    offer = published(world, replace(world.plan(quota=5), paper=True))
    me = world.resident()
    voucher = world.claim(offer, me)
    first = vouchers.print_voucher(world.core, actor=me, voucher=voucher.id)
    second = vouchers.print_voucher(world.core, actor=me, voucher=voucher.id)
    void = browser.post("/amount", code=first.text).text
    assert "这张纸作废了" in void and "第 1 次打印" in void and "刷新" not in void
    assert browser.redeem(world.code(voucher)).status_code == 303
    spent = browser.post("/amount", code=second.text)
    assert spent.status_code == 409 and "用过了" in spent.text
    assert 'name="id_last_four"' not in spent.text
    phone, page = Phone(world.core, me), f"/vouchers/{voucher.id}"
    assert phone.get(f"{page}/paper").headers["Location"] == page
    assert phone.post(f"{page}/paper").headers["Location"] == page


def test_the_ticket_at_the_till_names_the_voucher(browser: Browser, world: World) -> None:
    offer = published(world, replace(world.plan(quota=5), title="满百减二十专场"))
    page = browser.post("/amount", code=world.code(world.claim(offer))).text
    assert "满百减二十专场</h2>" in page and hidden(page, "code")


def test_a_session_on_a_device_that_may_not_redeem_is_told_at_once(world: World) -> None:
    chain = Chain(world)
    merchants.enrol_here(
        chain.core,
        actor=chain.manager,
        session=chain.session(chain.manager),
        shop=chain.main,
        name="店长手机",
        agent="",
    )
    browser = Browser(create_app(chain.core), chain.core, chain.manager)
    assert "这台机器没登记" not in browser.get("/").text
    merchants.require_devices(chain.core, actor=chain.manager, required=True)
    assert "这台机器没登记，不能核销" in browser.get("/").text


def test_without_scripts_no_codes_are_promised(world: World, dear: Offer) -> None:
    me = world.resident()
    page = Phone(world.core, me).get(f"/vouchers/{world.claim(dear, me).id}").text
    assert "<div data-kept hidden>" in page


def test_the_page_without_network_claims_nothing_of_an_order_under_way(browser: Browser) -> None:
    page = browser.get("/offline").text
    assert "现在还不知道" in page and "券没有用掉，还在顾客手里" not in page
