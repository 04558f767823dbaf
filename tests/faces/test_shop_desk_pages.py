"""The shop's own desk without scripts, and the API beside it: people, devices, points, premises."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from merchant_portal.app import create_app
from tests.make import World
from tests.services.shops import PASSWORD, Chain
from voucher_service.campaigns.model import Offer
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.ids import ShopId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Cashier
from voucher_service.merchants.stands import PointPlan
from voucher_service.redemption.tables import RedemptionRow
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

NEW = "another long password"


@pytest.fixture(scope="module")
def app(world: World) -> Flask:
    """The merchant face."""
    return create_app(world.core)


@pytest.fixture(scope="module")
def chain(world: World) -> Chain:
    """A merchant with two shops."""
    return Chain(world)


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20."""
    return world.offer(world.plan(quota=100))


class Machine:
    """A browser of the merchant face, without scripts."""

    def __init__(self, app: Flask, chain: Chain, who: Actor | None = None) -> None:
        self.client: FlaskClient = app.test_client()
        self.chain = chain
        if who:
            assert who.id
            token = issue(chain.core, Face.MERCHANT, who.id).access_token
            self.client.set_cookie("voucher_merchant", token)

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def post(self, path: str, **form: str) -> TestResponse:
        cookie = self.client.get_cookie("voucher_merchant")
        hidden = {"csrf_token": self.chain.core.keyring.form_mac(cookie.value)} if cookie else {}
        return self.client.post(path, data=hidden | form)

    def sign_in(self, person: Cashier, password: str = PASSWORD) -> TestResponse:
        return self.post("/sign-in", username=person.username, password=password)

    def redeem(self, offer: Offer) -> TestResponse:
        world = self.chain.world
        made = {"made_reference": uuid4().hex, "idempotency_key": uuid4().hex}
        code = world.code(world.claim(offer))
        return self.post("/redemptions", code=code, amount="128", **made)


@pytest.fixture
def manager(app: Flask, chain: Chain) -> Machine:
    """The manager's browser."""
    return Machine(app, chain, chain.manager)


def a_code(manager: Machine, shop: ShopId) -> str:
    """The digits on the manager's screen."""
    page = manager.post("/devices/codes", shop=str(shop))
    found = re.search(r'class="num digits">([\d ]+)<', page.text)
    assert page.status_code == 200 and found
    return found[1]


def test_a_manager_opens_an_account_and_its_owner_makes_the_password_their_own(
    app: Flask, chain: Chain, manager: Machine
) -> None:
    name = f"new-{uuid4().hex[:8]}"
    wrong = manager.post("/staff/new", display_name="阿英", username="x", role="cashier")
    assert wrong.status_code == 422 and 'href="#f-password"' in wrong.text
    assert 'value="阿英"' in wrong.text
    made = manager.post(
        "/staff/new",
        display_name="阿英",
        username=name,
        role="cashier",
        shop=str(chain.branch),
        password=PASSWORD,
        document="resident_id",
        id_number="",
    )
    assert made.status_code == 303
    assert "阿英" in manager.get(f"/staff?shop={chain.branch}").text
    assert "西门店" in manager.get(made.headers["Location"]).text

    person = merchants.cashier_sign_in(chain.core, username=name, password=PASSWORD)
    hers = Machine(app, chain)
    assert hers.sign_in(person).headers["Location"] == "/"
    assert hers.get("/shop").status_code == 200
    refused = hers.post("/me/password", old="wrong", new=NEW)
    assert refused.status_code == 422 and "原来的密码不对" in refused.text
    assert hers.post("/me/password", old=PASSWORD, new=NEW).status_code == 303
    assert Machine(app, chain).sign_in(person, NEW).status_code == 303

    page = made.headers["Location"]
    assert manager.post(f"{page}/move", shop=str(chain.main)).status_code == 303
    assert "东门店" in manager.get(page).text
    assert manager.post(f"{page}/password", password="short").status_code == 422
    assert manager.post(f"{page}/password", password=PASSWORD).status_code == 303
    assert hers.get("/").status_code == 303
    assert manager.post(f"{page}/close").status_code == 303
    assert "阿英" in manager.get("/staff?status=closed").text


def test_a_cashier_finds_no_desk(app: Flask, chain: Chain) -> None:
    till = Machine(app, chain, chain.actor(chain.hire()))
    page = till.get("/shop").text
    assert "/staff" not in page and "/devices" not in page
    for path in ("/staff", "/devices", f"/shops/{chain.main}/premises"):
        assert till.get(path).status_code == 403


def test_a_phone_is_enrolled_by_the_managers_code_and_its_redemptions_name_it(
    app: Flask, chain: Chain, manager: Machine, offer: Offer
) -> None:
    phone, person = Machine(app, chain), chain.hire()
    assert 'value="12345678"' in phone.get("/enrol?code=12345678").text
    wrong = phone.post("/enrol", code="0000 0000", name="前台手机")
    assert wrong.status_code == 422 and "没有登记" in wrong.text
    done = phone.post("/enrol", code=a_code(manager, chain.main), name="前台手机")
    assert done.headers["Location"] == "/enrol/done"
    cookie = phone.client.get_cookie("voucher_device")
    assert cookie and cookie.http_only and cookie.same_site == "Lax"
    assert phone.sign_in(person).status_code == 303
    assert "前台手机" in manager.get("/devices").text
    receipt = phone.redeem(offer).headers["Location"]
    with chain.core.transaction() as session:
        row = session.get(RedemptionRow, receipt.rpartition("/")[2])
        assert row
        devices = merchants.devices(chain.core, actor=chain.manager, cursor=None, limit=9).items
        assert row.device_id in {str(one.id) for one in devices if one.name == "前台手机"}


def test_from_another_machine_nobody_redeems_where_only_enrolled_ones_may(
    app: Flask, world: World, offer: Offer
) -> None:
    chain = Chain(world)
    manager, person = Machine(app, chain, chain.manager), chain.hire()
    before = Machine(app, chain, chain.actor(person))
    refused = manager.post("/devices/rule", required="true")
    assert refused.status_code == 409 and "先登记一台机器" in refused.text
    phone = Machine(app, chain)
    phone.post("/enrol", code=a_code(manager, chain.main), name="前台手机")
    assert manager.post("/devices/rule", required="true").status_code == 303

    other = Machine(app, chain)
    answer = other.sign_in(person)
    assert answer.status_code == 403 and "device_not_enrolled" in answer.text
    assert other.get("/").status_code == 303
    answer = before.redeem(offer)
    assert answer.status_code == 403 and "device_not_enrolled" in answer.text
    assert phone.sign_in(person).status_code == 303
    assert phone.redeem(offer).status_code == 303

    # by API too, and the manager as anybody else
    for who in (chain.actor(person), chain.manager):
        assert api(chain, app, who).redeem(offer) == (403, "device_not_enrolled")
    assert manager.get("/devices").status_code == 200
    assert "不能核销" in manager.get("/devices").text
    assert manager.post("/devices/here", shop=str(chain.main), name="店长").status_code == 303
    assert manager.redeem(offer).status_code == 303

    # the phone is lost: its session ends, and it signs in no more
    shown = manager.get("/devices").text
    found = re.search(r'/devices/([0-9a-f-]{36})/revoke"(?:(?!<li>).)*停用前台手机', shown, re.S)
    assert found
    assert manager.post(f"/devices/{found[1]}/revoke").status_code == 303
    assert phone.redeem(offer).status_code == 303  # led to the sign-in page
    assert phone.sign_in(person).status_code == 403
    assert manager.post("/devices/rule", required="false").status_code == 303
    assert phone.sign_in(person).status_code == 303


class Api:
    """A client of the API."""

    def __init__(self, chain: Chain, app: Flask, token: str) -> None:
        self.chain, self.client = chain, app.test_client()
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: object = None) -> TestResponse:
        return self.client.open(f"/api/v1{path}", method=method, headers=self.headers, json=body)

    def redeem(self, offer: Offer) -> tuple[int, str]:
        world = self.chain.world
        bill = {
            "code": world.code(world.claim(offer)),
            "order_amount_fen": 12_800,
            "order_reference": uuid4().hex,
        }
        headers = self.headers | {"Idempotency-Key": uuid4().hex}
        answer = self.client.post("/api/v1/redemptions", headers=headers, json=bill)
        body = answer.get_json()
        return answer.status_code, body.get("code", "")


def api(chain: Chain, app: Flask, who: Actor) -> Api:
    """The API as somebody, in a session of its own."""
    assert who.id
    return Api(chain, app, issue(chain.core, Face.MERCHANT, who.id).access_token)


def test_a_device_of_the_api_proves_itself_when_it_signs_in(
    app: Flask, world: World, offer: Offer
) -> None:
    chain = Chain(world)
    desk, person = api(chain, app, chain.manager), chain.hire()
    made = desk.ask("POST", "/devices/codes", {"shop": str(chain.main)})
    assert made.status_code == 201 and made.get_json()["code"] in made.get_json()["url"]
    client = app.test_client()
    body = {"code": made.get_json()["code"], "name": "收银平板"}
    enrolled = client.post("/api/v1/enrolments", json=body).get_json()
    assert desk.ask("PUT", "/devices/rule", {"required": True}).status_code == 200
    login = {"username": person.username, "password": PASSWORD}
    without = client.post("/api/v1/sign-in", json=login).get_json()
    proving = client.post(
        "/api/v1/sign-in", json=login, headers={"X-Device-Token": enrolled["token"]}
    ).get_json()
    assert Api(chain, app, without["access_token"]).redeem(offer)[0] == 403
    assert Api(chain, app, proving["access_token"]).redeem(offer)[0] == 201
    (listed,) = desk.ask("GET", "/devices").get_json()["items"]
    assert listed["id"] == enrolled["id"] and "token" not in listed
    assert desk.ask("DELETE", f"/devices/{enrolled['id']}").status_code == 204
    assert Api(chain, app, proving["access_token"]).redeem(offer)[0] == 401


def test_a_stall_is_opened_chosen_and_named_by_the_redemption(
    app: Flask, chain: Chain, manager: Machine, offer: Offer
) -> None:
    points = f"/shops/{chain.main}/points"
    wrong = manager.post(points, name="3 号摊", opens_on="2026-05-02", closes_on="2026-05-01")
    assert wrong.status_code == 422 and "最后一天早于第一天" in wrong.text
    assert manager.post(points, name="3 号摊", position="21.86,111.98").status_code == 303
    found = re.search(r'href="(/points/([0-9a-f-]{36}))"', manager.get(points).text)
    assert found
    page, point = found[1], found[2]
    assert 'value="21.860000, 111.980000"' in manager.get(page).text
    sign = manager.get(f"{page}/sign").text
    assert "3 号摊" in sign and "<path d=" in sign

    till = Machine(app, chain, chain.actor(chain.hire()))
    assert f'<option value="{point}" selected>' in till.get(f"/shop?point={point}").text
    assert till.post("/shop/point", point=point).status_code == 303
    assert '<span class="badge ok">3 号摊</span>' in till.get("/shop").text
    receipt = till.redeem(offer).headers["Location"]
    with chain.core.transaction() as session:
        row = session.get(RedemptionRow, receipt.rpartition("/")[2])
        assert row and str(row.point_id) == point
    assert manager.post(page, name="3 号", position="").status_code == 303
    assert manager.post(f"{page}/close").status_code == 303
    assert "已撤" in manager.get(page).text
    assert till.post("/shop/point", point=point).status_code == 409
    assert till.post("/shop/point", point="").status_code == 303


def test_hours_and_position_are_typed_and_shown(chain: Chain, manager: Machine) -> None:
    page = f"/shops/{chain.main}/premises"
    wrong = manager.post(page, every_day="9-22", position="here")
    assert wrong.status_code == 422
    assert 'value="9-22"' in wrong.text and "请写纬度和经度" in wrong.text
    wrong = manager.post(page, every_day="9-22")
    assert wrong.status_code == 422 and "营业时间看不懂" in wrong.text
    done = manager.post(page, every_day="9:00-22:00", day7="休", position="21.86, 111.98")
    assert done.status_code == 303
    assert "周一至周六 09:00–22:00" in manager.get("/shop").text
    again = manager.get(page).text
    assert 'value="09:00-22:00"' in again and 'value="休"' in again


def test_a_manager_looks_at_every_shop_of_the_own_merchant(
    app: Flask, chain: Chain, manager: Machine
) -> None:
    home, other = manager.get("/shop").text, manager.get(f"/shop?shop={chain.branch}").text
    assert f"/shop?shop={chain.branch}" in home
    assert f"/shops/{chain.branch}/points" in other and f"/staff?shop={chain.branch}" in other
    for odd in ("?shop=x", f"?shop={uuid4()}", "?shop=&point=1", "?utm=1"):
        assert f"/shops/{chain.main}/points" in manager.get(f"/shop{odd}").text
    foreign = Chain(chain.world)
    for path in (f"/shops/{foreign.main}/points", f"/shops/{foreign.main}/premises"):
        assert manager.get(path).status_code == 404


def test_the_desk_is_complete_by_api(app: Flask, chain: Chain) -> None:
    desk = api(chain, app, chain.manager)
    shops = desk.ask("GET", "/shops").get_json()["items"]
    assert [one["name"] for one in shops] == ["东门店", "西门店"]
    week = [[["09:00", "22:00"]]] * 6 + [[]]
    body = {"opening_hours": week, "position": {"latitude": 21.86, "longitude": 111.98}}
    told = desk.ask("PUT", f"/shops/{chain.branch}/premises", body)
    assert told.status_code == 200 and told.get_json()["opening_hours"] == week
    for wrong in (
        body | {"opening_hours": [[]]},
        body | {"position": {"latitude": 0, "longitude": 0}},
        body | {"position": {"latitude": "x", "longitude": 0}},
        {"position": None},
    ):
        assert desk.ask("PUT", f"/shops/{chain.branch}/premises", wrong).status_code == 422

    account = {
        "shop": str(chain.branch),
        "username": f"a-{uuid4().hex[:8]}",
        "display_name": "阿强",
        "password": PASSWORD,
    }
    made = desk.ask("POST", "/cashiers", account)
    assert made.status_code == 201 and made.get_json()["role"] == "cashier"
    id = made.get_json()["id"]
    assert desk.ask("POST", "/cashiers", account).get_json()["code"] == "username_taken"
    assert desk.ask("POST", f"/cashiers/{id}/move", {"shop": str(chain.main)}).status_code == 200
    assert desk.ask("POST", f"/cashiers/{id}/password", {"password": NEW}).status_code == 204
    listed = desk.ask("GET", f"/cashiers?shop={chain.main}&limit=200").get_json()["items"]
    assert id in {one["id"] for one in listed}
    assert desk.ask("POST", f"/cashiers/{id}/close").status_code == 204

    plan = {"shop": str(chain.main), "name": "展位 1", "opens_on": "2026-05-01"}
    point = desk.ask("POST", "/points", plan)
    assert point.status_code == 201
    id = point.get_json()["id"]
    changed = desk.ask("PUT", f"/points/{id}", {"name": "展位 2"}).get_json()
    assert (changed["name"], changed["opens_on"]) == ("展位 2", None)
    assert id in {
        one["id"] for one in desk.ask("GET", f"/points?shop={chain.main}").get_json()["items"]
    }
    assert desk.ask("PUT", "/me/point", {"point": id}).get_json() == {"point": id}
    assert desk.ask("GET", "/me").get_json()["point"] == "展位 2"
    assert desk.ask("POST", f"/points/{id}/close").get_json()["closed"] is True
    assert desk.ask("PUT", "/me/point", {"point": id}).get_json()["code"] == "point_closed"
    assert desk.ask("PUT", "/me/point", {"point": None}).status_code == 200


def test_every_page_of_the_desk_speaks_english(app: Flask, chain: Chain, world: World) -> None:
    point = merchants.add_point(
        chain.core, actor=chain.manager, shop=chain.main, plan=PointPlan("A")
    )
    person = chain.hire(Role.MANAGER)
    manager = Machine(app, chain, chain.manager)
    manager.client.set_cookie("lang", "en")
    manager.client.set_cookie("mode", "elder")
    paths = (
        "/shop",
        "/me/password",
        "/staff",
        "/staff?status=closed",
        "/staff/new",
        f"/staff/{person.id}",
        f"/staff/{chain.manager.id}",
        "/devices",
        f"/shops/{chain.main}/points",
        f"/points/{point.id}",
        f"/points/{point.id}/sign",
        f"/shops/{chain.main}/premises",
        "/enrol",
        "/enrol/done",
    )
    pages = [manager.get(path) for path in paths]
    pages.append(manager.post("/devices/codes", shop=str(chain.main)))
    pages.append(manager.post("/devices/here", shop=str(chain.main), name=""))
    pages.append(manager.post(f"/shops/{chain.main}/premises", every_day="x"))
    given = r"漠阳夜市有限公司|东门店|西门店|\d+ ?号摊?|展位 ?\w*|小张|阿英|阿强|中文|店长|前台手机"
    for page in pages:
        text = re.sub(given, "", page.text)
        assert not re.findall(r"[\u4e00-\u9fff]+", text), page.request.path
        assert " style=" not in page.text and " onclick" not in page.text
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page.text))
