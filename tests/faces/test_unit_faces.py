"""Units sold with qualifications by call and on the till's pages; the holder's phone tells it."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from merchant_portal.app import create_app
from tests.faces.test_merchant_pages import Browser, hidden
from tests.faces.test_qualification_faces import a_pool
from tests.faces.two_steps import Phone, press
from tests.make import World
from tests.services.goods_shelf import line, stocked
from tests.tradein.counter import PHONE_GTIN, code_of, unit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Status
from voucher_service.tradein import service as tradein
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import Qualification
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

API = "/api/v1/redemptions"


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face of a city with a pool of phones and a phone in its library."""
    world = World(core)
    a_pool(world, Category.PHONE, quota=100)
    stocked(world, line(PHONE_GTIN, model="M1", category=Category.PHONE, grade=""))
    return create_app(core)


@pytest.fixture
def browser(app: Flask, world: World) -> Browser:
    """The browser of a cashier of a new shop."""
    return Browser(app, world.core, world.cashier())


@pytest.fixture
def who(app: Flask, world: World) -> Actor:
    """A resident, once there is a pool to claim from."""
    assert app
    return world.resident()


def claimed(world: World, who: Actor) -> Qualification:
    return tradein.claim(world.core, actor=who, category=Category.PHONE, key=uuid4().hex).value


def typed(item: dict[str, Any], **more: str) -> dict[str, str]:
    """A unit as a cashier types it."""
    numbers = {name: str(item[name]) for name in ("gtin", "serial", "imei1")}
    return numbers | {"amount": str(item["price_fen"] // 100)} | more


def shown(page: str) -> str:
    """What a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_unit_is_quoted_locked_paid_and_sold_while_the_holder_looks_on(
    browser: Browser, world: World, who: Actor
) -> None:
    mine, phone = claimed(world, who), Phone(world.core, who)
    address = f"/trade-in/qualifications/{mine.id}"
    assert "店员屏幕上的暗号要和这里一样" in phone.get(address).text
    page = browser.post("/amount", code=code_of(world, mine))
    assert page.status_code == 200 and "串号 1（IMEI）" in page.text
    sent = {name: hidden(page.text, name) for name in ("code", "made_reference")}
    quoted = browser.post("/unit", **sent, **typed(unit(), bank_discount="50", list_price="3200"))
    said = shown(quoted.text)
    assert "要向顾客收 ¥2,500.00" in said and "政府补贴 -¥450.00" in said.replace("−", "-")
    names = re.findall(r'name="(\w+)" value="([^"]*)"', quoted.text.split("</form>")[0])
    locked = browser.post("/redemptions", **dict(names))
    assert locked.status_code == 303, locked.text
    at_till = str(locked.headers["Location"])
    assert "¥2,500.00" in browser.get(at_till).text
    seen = phone.get(f"{address}/status.json").json
    assert seen["status"] == "frozen"
    assert "请付给店员" in phone.get(address).text and "M1" in phone.get(address).text
    receipt = press(browser, at_till, "commit")
    assert "已核销" in receipt and f'href="/sales/{at_till.rsplit("/", 1)[-1]}"' in receipt
    assert "政府补了" in phone.get(address).text
    assert "我的补贴资格" in phone.get("/vouchers").text
    assert f'href="{address}"' in phone.get("/trade-in/qualifications").text
    assert phone.get(f"{address}/status.json").json["mark"] != seen["mark"]


def test_the_holder_unlocks_what_is_not_theirs(browser: Browser, world: World, who: Actor) -> None:
    mine, phone = claimed(world, who), Phone(world.core, who)
    page = browser.post("/amount", code=code_of(world, mine))
    sent = {name: hidden(page.text, name) for name in ("code", "made_reference")}
    locked = browser.post("/redemptions", **sent, **typed(unit()), idempotency_key=uuid4().hex)
    order = str(locked.headers["Location"]).rsplit("/", 1)[-1]
    phone.post(f"/trade-in/qualifications/{mine.id}/redemptions/{order}/release")
    assert "刚才那一单没有卖成" in phone.get(f"/trade-in/qualifications/{mine.id}").text
    given_up = phone.post(f"/trade-in/qualifications/{mine.id}/give-up")
    assert given_up.status_code == 303
    assert "还是您的" not in phone.get(f"/trade-in/qualifications/{mine.id}").text
    assert browser.get(f"/redemptions/{order}/state.json").json == {"status": "cancelled"}
    ended = browser.get(f"/redemptions/{order}").text
    assert "资格没有用掉" in ended and "券没有用掉" not in ended


def test_every_refusal_of_a_unit_is_a_screen_that_keeps_what_was_typed(
    browser: Browser, world: World, who: Actor
) -> None:
    mine = claimed(world, who)
    sent = {"code": code_of(world, mine), "made_reference": uuid4().hex}
    for wrong, word in (
        ({"gtin": "6901234567893"}, "条码不对"),
        ({"gtin": "6901234567816"}, "库里没有这件"),
        ({"imei1": "860000000000000"}, "串号不对"),
        ({"serial": "x"}, "序列号不对"),
        ({"list_price": "1"}, "标价不能比它低"),
        ({"amount": "6001"}, "这件不补"),
    ):
        refused = browser.post("/unit", **sent, **(typed(unit()) | wrong))
        assert refused.status_code == 422 and word in refused.text, (wrong, shown(refused.text))
        assert "改商品" in refused.text and "M1" not in refused.text
    assert "单价超过" in refused.text
    unlisted = browser.post("/unit", **sent, **(typed(unit()) | {"gtin": "6901234567816"}))
    assert "条码 6901234567816。" in unlisted.text
    assert "请填成交价。" in browser.post("/unit", **sent, **(typed(unit()) | {"amount": ""})).text


def test_a_till_quotes_freezes_and_is_told_the_unit(app: Flask, world: World, who: Actor) -> None:
    till, mine = world.cashier(), claimed(world, who)
    assert till.id
    client = app.test_client()
    token = issue(world.core, Face.MERCHANT, till.id).access_token
    item = unit(grade=None)
    body = {
        "code": code_of(world, mine),
        "order_amount_fen": item["price_fen"],
        "order_reference": uuid4().hex,
        "items": [item],
    }
    bearer = {"Authorization": f"Bearer {token}"}
    quoted = client.post(f"{API}/quote", json=body, headers=bearer).json
    assert (quoted["discount_fen"], quoted["paid_fen"]) == (45_000, 255_000)
    assert [one["step"] for one in quoted["steps"]] == ["price", "rate"]
    keyed = bearer | {"Idempotency-Key": uuid4().hex}
    held = client.post(f"{API}/freeze", json=body, headers=keyed).json
    assert (held["status"], held["qualification_id"]) == ("frozen", str(mine.id))
    assert held["voucher_id"] is None and held["unit"]["serial"] == item["serial"]
    again = client.post(f"{API}/freeze", json=body, headers=keyed)
    assert again.headers["Idempotency-Replayed"] == "true" and again.json == held
    key = bearer | {"Idempotency-Key": uuid4().hex}
    done = client.post(f"{API}/{held['id']}/commit", headers=key).json
    assert done["status"] == "committed"
    back = client.post(
        f"{API}/{held['id']}/refunds",
        json={"amount_fen": 300_000, "reason": "returned"},
        headers=bearer | {"Idempotency-Key": uuid4().hex},
    ).json
    assert (back["voucher_status"], back["qualification_status"]) == (None, "claimed")
    assert back["subsidy_part_fen"] == 45_000


def test_the_short_code_of_a_qualification_can_be_typed(
    browser: Browser, world: World, who: Actor
) -> None:
    mine, phone = claimed(world, who), Phone(world.core, who)
    page = phone.get(f"/trade-in/qualifications/{mine.id}").text
    short = re.search(r'class="short">.*?<b class="num">([^<]+)</b>', page)
    assert short
    assert "填商品" in browser.post("/amount", code=short[1]).text


def test_another_s_order_is_not_theirs_to_unlock(
    browser: Browser, world: World, who: Actor
) -> None:
    mine = claimed(world, who)
    sent = {"code": code_of(world, mine), "made_reference": uuid4().hex}
    locked = browser.post("/redemptions", **sent, **typed(unit()), idempotency_key=uuid4().hex)
    order = str(locked.headers["Location"]).rsplit("/", 1)[-1]
    stranger = Phone(world.core, world.resident())
    path = f"/trade-in/qualifications/{mine.id}"
    assert stranger.post(f"{path}/redemptions/{order}/release").status_code == 404
    assert stranger.get(f"{path}/status.json").status_code == 404
    latest = redemption.sale_on_screen(world.core, actor=who, qualification=mine.id)
    assert latest is not None and latest.status is Status.FROZEN
