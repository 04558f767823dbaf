"""The merchant face's API, as a till's vendor uses it, on real servers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from merchant_portal.app import create_app
from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Cashier, SizeClass, Trade
from voucher_service.replay.strangers import credit_code
from voucher_service.vouchers.code import make, window_of
from voucher_service.vouchers.model import Voucher
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

URL = "/api/v1/redemptions"


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20, enough for all tests here."""
    return world.offer(world.plan(quota=100))


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A till's connection."""
    return app.test_client()


class Till:
    """A cashier's till that speaks to the API."""

    def __init__(self, client: FlaskClient, world: World, cashier: Actor | None = None) -> None:
        self.client, self.world = client, world
        self.cashier = cashier or world.cashier()
        assert self.cashier.id
        token = issue(world.core, Face.MERCHANT, self.cashier.id).access_token
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers=self.headers | headers)

    def redeem(
        self, code: str, amount_fen: Any = 12_800, *, key: str | None = None, **body: Any
    ) -> TestResponse:
        order = {"code": code, "order_amount_fen": amount_fen, "order_reference": uuid4().hex}
        return self.send(order | body, key=key)

    def send(
        self, body: Any, *, key: str | None = None, to: str = "", **headers: str
    ) -> TestResponse:
        keyed = self.headers | {"Idempotency-Key": key or uuid4().hex} | headers
        return post(self.client, URL + to, body, **keyed)

    def step(self, redemption: str, step: str) -> TestResponse:
        keyed = self.headers | {"Idempotency-Key": uuid4().hex}
        return self.client.post(f"{URL}/{redemption}/{step}", headers=keyed)


@pytest.fixture
def till(client: FlaskClient, world: World) -> Till:
    """A till of a new shop."""
    return Till(client, world)


@pytest.fixture
def voucher(world: World, offer: Offer) -> Voucher:
    """A claimed voucher of it."""
    return world.claim(offer)


def post(client: FlaskClient, path: str, body: Any, **headers: str) -> TestResponse:
    """Post JSON in ASCII, so that every character can be sent, half ones too."""
    return client.post(
        path, data=json.dumps(body), content_type="application/json", headers=headers
    )


def told(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal, which is a problem with a sentence."""
    assert answer.mimetype == "application/problem+json"
    assert answer.json and answer.json["detail"]
    return answer.status_code, answer.json["code"]


def test_a_cashier_signs_in_and_is_told_where_they_stand(client: FlaskClient, core: Core) -> None:
    name = a_cashier(core).username
    login = {"username": name, "password": "demo-only-cashier"}
    answer = client.post("/api/v1/sign-in", json=login)
    assert answer.status_code == 200 and answer.json
    assert set(answer.json) == {"access_token", "expires_in_seconds"}
    headers = {"Authorization": f"Bearer {answer.json['access_token']}"}
    me = client.get("/api/v1/me", headers=headers).json
    assert me and (me["username"], me["role"], me["shop"]["name"]) == (name, "cashier", "江城店")
    for wrong in (login | {"password": "nope"}, login | {"username": "\x00nobody\ud800"}):
        assert told(post(client, "/api/v1/sign-in", wrong)) == (401, "sign_in_refused")
    assert told(client.post("/api/v1/sign-in", json={"username": 1})) == (422, "invalid_input")


def test_a_voucher_is_redeemed_in_one_step(till: Till, voucher: Voucher, world: World) -> None:
    item = {"gtin": "6901234567892", "serial": "S1", "grade": 1, "price_fen": 12_800}
    more = {"order_reference": "A-1", "payment_reference": "42000", "items": [item]}
    answer = till.redeem(world.code(voucher), **more)
    assert answer.status_code == 201 and answer.json
    assert "Idempotency-Replayed" not in answer.headers
    expected = {
        "voucher_id": str(voucher.id),
        "status": "committed",
        "order_amount_fen": 12_800,
        "discount_fen": 2_000,
        "payable_fen": 10_800,
        "refunded_fen": 0,
        "net_paid_fen": 10_800,
        "order_reference": "A-1",
        "payment_reference": "42000",
    }
    assert expected.items() <= answer.json.items()
    assert datetime.fromisoformat(answer.json["occurred_at"]).utcoffset() == timedelta(hours=8)
    assert till.get(f"{URL}/{answer.json['id']}").json == answer.json


def test_a_lost_reply_is_found_by_key_and_by_order_reference(
    till: Till, voucher: Voucher, world: World
) -> None:
    first = till.redeem(world.code(voucher), key="k1", order_reference="B-1")
    again = till.redeem(spare_code(world, voucher), key="k1", order_reference="B-1")
    new_key = till.redeem(spare_code(world, voucher), key="k2", order_reference="B-1")
    for repeat in (again, new_key):
        assert repeat.status_code == 201 and repeat.json == first.json
        assert repeat.headers["Idempotency-Replayed"] == "true"
    assert till.get(f"{URL}?order_reference=B-1").json == {"items": [first.json], "next": None}
    assert till.get(f"{URL}?order_reference=B-2").json == {"items": [], "next": None}


def test_the_same_reference_or_key_with_other_content_is_refused(
    till: Till, voucher: Voucher, world: World
) -> None:
    till.redeem(world.code(voucher), key="c1", order_reference="C-1")
    code = spare_code(world, voucher)
    other = till.redeem(code, 12_900, key="c2", order_reference="C-1")
    assert told(other) == (422, "order_reference_reused")
    assert told(till.redeem(code, key="c1", order_reference="C-2")) == (
        422,
        "idempotency_key_reused",
    )


def test_a_refused_attempt_burns_neither_code_nor_reference(
    till: Till, voucher: Voucher, world: World
) -> None:
    code = world.code(voucher)
    refused = till.redeem(code, 8_350, key="d1", order_reference="D-1")
    assert told(refused) == (422, "below_threshold")
    assert refused.json and refused.json["threshold_fen"] == 10_000
    assert "¥16.50" in refused.json["detail"]
    assert till.redeem(code, 10_000, key="d1", order_reference="D-1").status_code == 201
    assert told(till.redeem(code)) == (409, "code_used")
    assert told(till.redeem(spare_code(world, voucher))) == (409, "already_redeemed")


def test_a_code_counts_only_in_its_one_spelling(till: Till, voucher: Voucher, world: World) -> None:
    code = world.code(voucher)
    for wrong in (
        code.lower(),
        code + " ",
        " " + code,
        code + "=",
        code[:-1],
        "",
        "\ud800",
        "渔火",
    ):
        assert told(till.redeem(wrong)) == (422, "code_invalid")
    assert told(till.send({"code": 7, "order_amount_fen": 1, "order_reference": "x"})) == (
        422,
        "invalid_input",
    )
    assert till.redeem(code).status_code == 201


def test_an_old_code_has_expired(till: Till, voucher: Voucher, world: World) -> None:
    long_ago = with_clock(world.core, Clock(datetime.now(UTC) - timedelta(minutes=5)))
    assert told(till.redeem(World.code(World(long_ago), voucher))) == (410, "code_expired")


def test_a_voucher_of_another_trade_is_refused(client: FlaskClient, world: World) -> None:
    voucher = world.claim(world.offer(world.plan(trades=("appliances",))))
    answer = Till(client, world).redeem(world.code(voucher))
    assert told(answer) == (422, "shop_not_in_scope")


def test_a_suspended_merchant_takes_no_voucher(till: Till, voucher: Voucher, world: World) -> None:
    me = till.get("/api/v1/me").json
    assert me
    merchants.suspend_merchant(
        world.core, actor=SYSTEM, merchant=MerchantId(UUID(me["shop"]["merchant_id"])), reason="查"
    )
    assert told(till.redeem(world.code(voucher))) == (403, "merchant_suspended")


def test_another_shop_sees_nothing_of_it(
    client: FlaskClient, till: Till, voucher: Voucher, world: World
) -> None:
    done = till.redeem(world.code(voucher), order_reference="E-1").json
    assert done
    other = Till(client, world)
    assert told(other.get(f"{URL}/{done['id']}")) == (404, "not_found")
    assert other.get(f"{URL}?order_reference=E-1").json == {"items": [], "next": None}
    assert other.get(URL).json == {"items": [], "next": None}
    assert told(other.get(f"{URL}/not-an-id")) == (404, "not_found")


def test_too_many_bad_codes_pause_the_till_and_nothing_else(
    till: Till, voucher: Voucher, world: World
) -> None:
    for _ in range(world.core.settings.till.bad_codes_per_minute):
        assert told(till.redeem("X" * 61)) == (422, "code_invalid")
    locked = till.redeem(world.code(voucher))
    assert told(locked) == (429, "till_locked")
    assert 1 <= int(locked.headers["Retry-After"]) <= 60
    assert till.get("/api/v1/summary").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_amount_fen": 0},
        {"order_amount_fen": -100},
        {"order_amount_fen": "12800"},
        {"order_amount_fen": 128.5},
        {"order_amount_fen": True},
        {"order_amount_fen": None},
        {"order_amount_fen": 10**30},
        {"order_reference": ""},
        {"order_reference": "单\x00号"},
        {"order_reference": "a🍜"},
        {"order_reference": "x" * 65},
        {"payment_reference": " "},
        {"items": [{"gtin": "69"}]},
        {"items": "all"},
        {"tip_fen": 100},
    ],
)
def test_a_wrong_field_is_named_and_changes_nothing(till: Till, wrong: dict[str, Any]) -> None:
    right = {"code": "X", "order_amount_fen": 12_800, "order_reference": "F-1"}
    answer = till.send(right | wrong)
    assert told(answer) == (422, "invalid_input")
    assert answer.json and list(answer.json["errors"]) == list(wrong)


def test_a_mistyped_amount_is_refused(till: Till, world: World, voucher: Voucher) -> None:
    too_much = world.core.settings.till.max_order_fen + 1
    answer = till.redeem(world.code(voucher), too_much)
    assert told(answer) == (422, "order_amount_invalid")


def test_a_body_that_is_no_json_is_malformed(till: Till) -> None:
    headers = till.headers | {"Idempotency-Key": "g", "Content-Type": "application/json"}
    for body in (b"{", b"\xff", b'{"a": NaN}', b'{"a": 1, "a": 2}'):
        answer = till.client.post(URL, data=body, headers=headers)
        assert told(answer) == (400, "malformed_json")
    big = till.client.post(URL, data=b" " * 10_000_000, headers=headers)
    assert told(big) == (413, "body_too_large")


def test_a_redemption_needs_its_key(till: Till) -> None:
    body = {"code": "X", "order_amount_fen": 1, "order_reference": "H"}
    missing = till.client.post(URL, json=body, headers=till.headers)
    assert told(missing) == (400, "idempotency_key_missing")
    assert told(till.send(body, key="空")) == (400, "idempotency_key_malformed")


def test_only_a_token_of_this_face_opens_it(client: FlaskClient, till: Till, core: Core) -> None:
    def ask(token: str | None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return told(client.get("/api/v1/me", headers=headers))

    assert till.cashier.id
    assert ask(None) == (401, "token_missing")
    assert ask("nonsense") == (401, "token_invalid")
    assert ask(issue(core, Face.RESIDENT, till.cashier.id).access_token) == (401, "token_invalid")
    assert ask(issue(core, Face.MERCHANT, uuid4()).access_token) == (401, "token_invalid")
    good = issue(core, Face.MERCHANT, till.cashier.id).access_token
    key = core.settings.secrets.token_key
    claims = jwt.decode(good, key, algorithms=["HS256"], audience="merchant")
    old = jwt.encode(claims | {"exp": datetime.now(UTC) - timedelta(seconds=1)}, key, "HS256")
    assert ask(old) == (401, "token_expired")


def test_a_cashier_who_left_is_signed_out(client: FlaskClient, core: Core) -> None:
    made = a_cashier(core)
    headers = {"Authorization": f"Bearer {issue(core, Face.MERCHANT, made.id).access_token}"}
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    merchants.close_cashier(core, actor=SYSTEM, cashier=made.id)
    assert told(client.get("/api/v1/me", headers=headers)) == (401, "token_invalid")


def test_a_day_is_read_page_by_page_and_adds_up(till: Till, world: World, offer: Offer) -> None:
    ids = [till.redeem(world.code(world.claim(offer)), 10_000 + i).json for i in range(3)]
    day = day_of(world.now())
    first = till.get(f"{URL}?day={day}&limit=2").json
    assert first and [one["id"] for one in first["items"]] == [ids[2]["id"], ids[1]["id"]]
    rest = till.get(f"{URL}?day={day}&limit=2&cursor={first['next']}").json
    assert rest and [one["id"] for one in rest["items"]] == [ids[0]["id"]]
    assert rest["next"] is None
    assert told(till.get(f"{URL}?day={day}&cursor=abc")) == (400, "cursor_invalid")
    assert till.get(f"/api/v1/summary?day={day}").json == {
        "day": str(day),
        "count": 3,
        "order_fen": 30_003,
        "discount_fen": 6_000,
        "payable_fen": 24_003,
        "refunded_fen": 0,
    }
    assert till.get("/api/v1/summary?day=2025-01-01").json["count"] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    "query",
    [
        "day=yesterday",
        "day=2026-02-30",
        "limit=0",
        "limit=201",
        "what=1",
        "day=2026-01-01&order_reference=1",
    ],
)
def test_a_wrong_question_is_refused(till: Till, query: str) -> None:
    assert told(till.get(f"{URL}?{query}")) == (422, "invalid_input")


def test_a_refusal_speaks_the_language_of_its_reader(till: Till) -> None:
    body = {"code": "X", "order_amount_fen": 1, "order_reference": "L"}
    english = till.send(body, **{"Accept-Language": "en"})
    assert english.json and english.json["detail"].startswith("Not redeemed")
    assert english.headers["Content-Language"] == "en"
    chinese = till.send(body)
    assert chinese.json and chinese.json["detail"].startswith("没核销")


def a_cashier(core: Core) -> Cashier:
    """A cashier of a new shop, who can sign in."""
    uscc, size = credit_code(Random()), SizeClass.SMALL
    merchant = merchants.create_merchant(
        core, actor=SYSTEM, name="海味轩", uscc=uscc, size_class=size
    )
    shop = merchants.create_shop(
        core, actor=SYSTEM, merchant=merchant.id, name="江城店", area="441702", trade=Trade.DINING
    )
    return merchants.create_cashier(
        core,
        actor=SYSTEM,
        shop=shop.id,
        username=f"c-{uuid4().hex[:8]}",
        password="demo-only-cashier",
        display_name="林小姐",
        demo=True,
    )


def spare_code(world: World, voucher: Voucher) -> str:
    """A code that the resident's phone kept for later, before the voucher was spent."""
    seconds = world.core.settings.till.code_window_seconds
    window = window_of(world.now(), seconds)
    return make(
        world.core.keyring, code_ref=voucher.code_ref, window=window, window_seconds=seconds
    ).text
