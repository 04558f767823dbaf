"""Refunds over HTTP and on the pages of the till and of the resident."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from merchant_portal.app import create_app
from tests.faces.test_merchant_pages import Browser
from tests.make import World
from tests.services.giving_back import mark
from voucher_service.campaigns.model import Offer, OfferKind
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, OtherDiscount, Payer, Phase, Redemption
from voucher_service.resident.app import create_app as create_resident
from voucher_service.vouchers.model import Voucher
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20, enough for all tests here."""
    return world.offer(world.plan(quota=100))


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture
def till(world: World) -> Actor:
    """A cashier of a new shop."""
    return world.cashier()


@pytest.fixture
def browser(app: Flask, world: World, till: Actor) -> Browser:
    """That cashier's browser."""
    return Browser(app, world.core, till)


@pytest.fixture
def voucher(world: World, offer: Offer) -> Voucher:
    """A claimed voucher."""
    return world.claim(offer)


@pytest.fixture
def done(world: World, voucher: Voucher, till: Actor) -> Redemption:
    """128 yuan with 20 off."""
    return world.redeem(voucher, till).value


def call(
    app: Flask, core: Core, till: Actor, done: Redemption, key: str | None = None, **body: object
) -> TestResponse:
    assert till.id
    token = issue(core, Face.MERCHANT, till.id).access_token
    return app.test_client().post(
        f"/api/v1/redemptions/{done.id}/refunds",
        json={"reason": "顾客退货"} | body,
        headers={
            "Authorization": f"Bearer {token}",
            "Accept-Language": "zh-CN",
            **({"Idempotency-Key": key or uuid4().hex} if key != "" else {}),
        },
    )


def test_the_answer_says_where_every_fen_goes(
    app: Flask, core: Core, till: Actor, done: Redemption
) -> None:
    made = call(app, core, till, done, amount_fen=6_400, refund_reference="r-1")
    assert made.status_code == 201
    parts = {name: made.json[name] for name in made.json if name.endswith("_fen")}
    assert parts == {
        "amount_fen": 6_400,
        "order_part_fen": 6_400,
        "subsidy_part_fen": 1_000,
        "cash_part_fen": 5_400,
    }
    assert (made.json["voucher_status"], made.json["reusable"]) == ("redeemed", False)
    assert (made.json["fate"], made.json["recovery"], made.json["others"]) == (
        "partial",
        "none",
        [],
    )
    rest = call(app, core, till, done, amount_fen=6_400)
    assert (rest.json["voucher_status"], rest.json["reusable"]) == ("claimed", True)
    token = issue(core, Face.MERCHANT, till.id).access_token  # type: ignore[arg-type]
    listed = app.test_client().get(
        f"/api/v1/redemptions/{done.id}/refunds?limit=1",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert [one["id"] for one in listed.json["items"]] == [rest.json["id"]]
    assert listed.json["next"]


def test_more_than_is_left_is_refused_with_what_is_left(
    app: Flask, core: Core, till: Actor, done: Redemption
) -> None:
    refused = call(app, core, till, done, amount_fen=12_801)
    assert (refused.status_code, refused.json["code"]) == (422, "refund_exceeds_order")
    assert refused.json["left_fen"] == 12_800
    assert "¥128" in refused.json["detail"]


def test_a_refund_is_made_once_by_its_key(
    app: Flask, core: Core, till: Actor, done: Redemption
) -> None:
    first = call(app, core, till, done, key="k-1", amount_fen=100)
    again = call(app, core, till, done, key="k-1", amount_fen=100)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == first.json
    other = call(app, core, till, done, key="k-1", amount_fen=101)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    missing = call(app, core, till, done, key="", amount_fen=100)
    assert (missing.status_code, missing.json["code"]) == (400, "idempotency_key_missing")


KEY = "idempotency_key=of-the-form"


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page))


def test_the_till_is_told_the_cash_before_and_after(browser: Browser, done: Redemption) -> None:
    receipt = browser.get(f"/redemptions/{done.id}").text
    assert f"/redemptions/{done.id}/refund" in receipt
    form = browser.get(f"/redemptions/{done.id}/refund")
    assert form.status_code == 200 and "¥128" in form.text
    asked = browser.get(f"/redemptions/{done.id}/refund?{KEY}&amount=64&reason=returned&note=破了")
    assert asked.status_code == 200 and "还没退" in asked.text and "¥54" in asked.text
    assert "只退了一部分" in asked.text
    assert "data-lasting" in asked.text and "也别再退一次" in asked.text
    sent = hidden(asked.text)
    sent.pop("csrf_token")
    made = browser.post(f"/redemptions/{done.id}/refunds", **sent)
    assert made.status_code == 303
    page = browser.get(made.headers["Location"]).text
    assert "已退款" in page and "¥54" in page and "顾客退货：破了" in page
    again = browser.post(f"/redemptions/{done.id}/refunds", **sent)
    assert again.headers["Location"] == made.headers["Location"]
    left = browser.get(f"/redemptions/{done.id}/refund").text
    assert "¥64" in left and made.headers["Location"] in left


def test_back_after_a_refund_shows_its_receipt_and_refunds_nothing_again(
    browser: Browser, done: Redemption
) -> None:
    form = browser.get(f"/redemptions/{done.id}/refund").text
    key = hidden(form)["idempotency_key"]
    address = f"/redemptions/{done.id}/refund?idempotency_key={key}&amount=20&reason=returned"
    sent = hidden(browser.get(address).text)
    assert sent["idempotency_key"] == key
    assert hidden(browser.get(address).text)["idempotency_key"] == key
    sent.pop("csrf_token")
    made = browser.post(f"/redemptions/{done.id}/refunds", **sent)
    again = browser.get(address)
    assert (again.status_code, again.headers["Location"]) == (303, made.headers["Location"])
    other = browser.get(address.replace("amount=20", "amount=30"))
    assert other.status_code == 303 and key not in other.headers["Location"]
    fresh = browser.get(other.headers["Location"]).text
    assert "这一单退过 ¥20" in fresh and "还没退" in fresh
    form = browser.get(f"/redemptions/{done.id}/refund").text
    assert "这一单退过 ¥20" in form and "剩下的全退，¥108" in form
    found = redemption.get(browser.core, actor=browser.cashier, redemption=done.id)
    assert found.refunded == Money(2_000)


def test_an_address_without_a_key_gets_one(browser: Browser, done: Redemption) -> None:
    asked = browser.get(f"/redemptions/{done.id}/refund?amount=20&reason=returned")
    assert asked.status_code == 303 and KEY.split("=", maxsplit=1)[0] in asked.headers["Location"]


def test_the_receipt_of_an_order_says_first_what_went_back(
    browser: Browser, done: Redemption, app: Flask, core: Core
) -> None:
    assert "向顾客收" in browser.get(f"/redemptions/{done.id}").text
    call(app, core, browser.cashier, done, amount_fen=6_400)
    page = browser.get(f"/redemptions/{done.id}").text
    assert "退了一部分" in page and "退过 ¥64" in page and "¥54" in page
    assert "向顾客收" not in page and "顾客付了 ¥108" in page
    call(app, core, browser.cashier, done, amount_fen=6_400)
    page = browser.get(f"/redemptions/{done.id}").text
    assert "全退了" in page and "¥108" in page and "向顾客收" not in page


def test_hours_later_the_receipt_asks_for_no_money(
    core: Core, clock: Clock, done: Redemption, till: Actor
) -> None:
    clock.set(done.occurred_at + timedelta(hours=2))
    later = with_clock(core, clock)
    page = Browser(create_app(later), later, till).get(f"/redemptions/{done.id}").text
    assert "顾客付了" in page and "向顾客收" not in page


def test_what_bank_and_platform_gave_adds_up_on_the_receipt(
    world: World, browser: Browser, voucher: Voucher
) -> None:
    others = (OtherDiscount(Payer.BANK, Money(500)), OtherDiscount(Payer.PLATFORM, Money(300)))
    made = redemption.redeem(
        world.core,
        actor=browser.cashier,
        code=world.code(voucher),
        order=Order(Money(12_800), uuid4().hex, discounts=others),
        key=uuid4().hex,
    ).value
    page = browser.get(f"/redemptions/{made.id}").text
    assert "¥100.00" in page and "银行优惠 ¥5" in page and "平台优惠 ¥3" in page


def test_the_whole_order_goes_back_with_one_press(browser: Browser, done: Redemption) -> None:
    asked = browser.get(f"/redemptions/{done.id}/refund?{KEY}&whole=yes&reason=faulty").text
    assert "¥108" in asked and "又能用了" in asked and "券款回到券里" in asked
    sent = hidden(asked)
    sent.pop("csrf_token")
    browser.post(f"/redemptions/{done.id}/refunds", **sent)
    assert "已经退完" in browser.get(f"/redemptions/{done.id}/refund").text


def test_a_wrong_amount_is_said_beside_the_box(browser: Browser, done: Redemption) -> None:
    for query, text in (
        ("amount=128.01&reason=returned", "最多还能退 ¥128"),
        ("amount=abc&reason=returned", "请填金额"),
        ("reason=returned", "请填退多少钱的货"),
        ("amount=1", "请选一个原因"),
    ):
        page = browser.get(f"/redemptions/{done.id}/refund?{query}")
        assert page.status_code == 422 and text in page.text


def test_the_pages_speak_english(browser: Browser, done: Redemption) -> None:
    for query in ("", f"?{KEY}&whole=yes&reason=returned"):
        page = browser.get(f"/redemptions/{done.id}/refund{query}", **{"Accept-Language": "en"})
        main = page.text.split("<main")[1].split("</main>")[0]
        assert not re.search(r"[一-鿿]", main.replace("满100减20", ""))


def test_a_shop_is_told_what_it_owes_after_the_payout(
    world: World, browser: Browser, done: Redemption
) -> None:
    mark(world.core, [done], Phase.BATCHED)
    mark(world.core, [done], Phase.PAID)
    sent = hidden(browser.get(f"/redemptions/{done.id}/refund?{KEY}&whole=yes&reason=faulty").text)
    sent.pop("csrf_token")
    made = browser.post(f"/redemptions/{done.id}/refunds", **sent)
    page = browser.get(made.headers["Location"]).text
    assert "已经付给本店" in page and "一共 ¥20" in page
    found = redemption.owed_here(world.core, actor=browser.cashier)
    assert (found.net_off, found.receivable) == (Money(0), Money(2_000))


def test_the_resident_sees_the_refund_and_what_became_of_the_voucher(
    core: Core, app: Flask, till: Actor, done: Redemption, voucher: Voucher
) -> None:
    token = issue(core, Face.RESIDENT, voucher.resident_id).access_token
    client = create_resident(core).test_client()
    client.set_cookie("voucher_resident", token)
    call(app, core, till, done, amount_fen=6_400)
    address = f"/vouchers/{voucher.id}"
    page = client.get(address).text
    assert "退款 ¥64" in page and "¥54" in page and "只退了一部分" in page
    assert page.index("只退了一部分") < page.index("帮您省了")
    assert re.search(r"帮您省了.{0,80}¥</small>10<", page)
    before = client.get(f"{address}/status.json").json
    call(app, core, till, done, amount_fen=6_400)
    after = client.get(f"{address}/status.json").json
    assert after["page"] == address and after["mark"] != before["mark"]
    page = client.get(address).text
    assert "退款 ¥64" in page and page.index("又能用了") < page.index("二维码")
    assert "券已使用" not in page


def test_a_resident_s_open_page_notices_a_part_of_an_order_going_back(
    core: Core, app: Flask, till: Actor, done: Redemption, voucher: Voucher
) -> None:
    client = create_resident(core).test_client()
    client.set_cookie(
        "voucher_resident", issue(core, Face.RESIDENT, voucher.resident_id).access_token
    )
    before = client.get(f"/vouchers/{voucher.id}/status.json").json["mark"]
    call(app, core, till, done, amount_fen=100)
    assert client.get(f"/vouchers/{voucher.id}/status.json").json["mark"] != before


def test_half_a_balance_back_is_told_as_usable(
    core: Core, app: Flask, world: World, till: Actor
) -> None:
    plan = replace(world.plan(), kind=OfferKind.BALANCE, threshold=Money(1))
    voucher = world.claim(world.offer(plan))
    done = world.redeem(voucher, till, order_fen=1_500).value
    made = call(app, core, till, done, amount_fen=1_000).json
    assert (made["reusable"], made["voucher_status"], made["cash_part_fen"]) == (True, "claimed", 0)
    client = create_resident(core).test_client()
    client.set_cookie(
        "voucher_resident", issue(core, Face.RESIDENT, voucher.resident_id).access_token
    )
    page = client.get(f"/vouchers/{voucher.id}").text
    assert "又能用了" in page and "没有要退您的钱" in page and "刚用掉一部分" not in page
