"""The merchant face's pages without scripts: forms, redirects, and every answer of the till."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from merchant_portal.app import create_app
from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.i18n.match_words import match_word as in_words
from voucher_service.infra.core import Core, build, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.errors import TryAgain
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.settings import Settings
from voucher_service.settings import load as load_settings
from voucher_service.vouchers import code as codes
from voucher_service.vouchers.model import Voucher, match_word
from voucher_service.web.auth import Token, issue, signed
from voucher_service.web.face import Face


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20, enough for all tests here."""
    return world.offer(world.plan(quota=100))


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    """The merchant face."""
    return create_app(core)


class Browser:
    """A cashier's browser without scripts, signed in."""

    def __init__(self, app: Flask, core: Core, cashier: Actor, token: Token | None = None) -> None:
        assert cashier.id
        self.client, self.core, self.cashier = app.test_client(), core, cashier
        self.token = (token or issue(core, Face.MERCHANT, cashier.id)).access_token
        self.client.set_cookie("voucher_merchant", self.token)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers=headers)

    def post(self, path: str, **form: str) -> TestResponse:
        csrf = self.core.keyring.form_mac(self.token)
        return self.client.post(path, data={"csrf_token": csrf} | form)

    def redeem(self, code: str, amount: str = "128", **form: str) -> TestResponse:
        made = {"made_reference": uuid4().hex, "idempotency_key": uuid4().hex}
        return self.post("/redemptions", **(made | {"code": code, "amount": amount} | form))


@pytest.fixture
def browser(app: Flask, world: World) -> Browser:
    """The browser of a cashier of a new shop."""
    return Browser(app, world.core, world.cashier())


@pytest.fixture
def voucher(world: World, offer: Offer) -> Voucher:
    """A claimed voucher."""
    return world.claim(offer)


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found, f"no hidden {name}"
    return found[1]


def lines(browser: Browser, world: World) -> int:
    """How many redemptions the shop has today."""
    return redemption.summary(world.core, actor=browser.cashier, day=day_of(world.now())).count


def test_who_is_not_signed_in_is_led_there_and_back(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/today?day=2026-09-23")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/sign-in?next=%2Ftoday%3Fday%3D2026-09-23",
    )
    assert 'value="/today?day=2026-09-23"' in client.get(answer.headers["Location"]).text


def test_a_wrong_password_says_what_to_do_and_keeps_the_account(app: Flask) -> None:
    client = app.test_client()
    wrong = client.post("/sign-in", data={"username": "<b>nobody", "password": "x"})
    assert wrong.status_code == 401
    assert "sign_in_refused" in wrong.text and 'value="&lt;b&gt;nobody"' in wrong.text
    empty = client.post("/sign-in", data={"username": ""})
    assert empty.status_code == 422
    assert 'href="#f-username"' in empty.text and 'href="#f-password"' in empty.text


def test_signing_in_never_leads_to_another_site_and_signing_out_ends_it(
    app: Flask, core: Core, world: World
) -> None:
    name = a_login(world)
    client = app.test_client()
    login = {"username": name, "password": "demo-only-cashier"}
    for wanted, to in (
        ("/today", "/today"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
    ):
        answer = client.post(
            "/sign-in", data=login | {"next": wanted, "csrf_token": token(client, core)}
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, to)
    assert client.get("/").status_code == 200
    client.post("/sign-out", data={"csrf_token": token(client, core)})
    assert client.get("/").status_code == 303


def token(client: FlaskClient, core: Core) -> str:
    """The hidden field that fits the client's cookie."""
    cookie = client.get_cookie("voucher_merchant")
    return core.keyring.form_mac(cookie.value) if cookie else ""


def a_login(world: World) -> str:
    """The username of a new cashier who may sign in."""
    name = f"c-{uuid4().hex[:8]}"
    me = world.cashier()
    desk = merchants.desk(world.core, actor=me)
    merchants.create_cashier(
        world.core,
        actor=SYSTEM,
        shop=desk.till.shop_id,
        username=name,
        password="demo-only-cashier",
        display_name="林小姐",
        demo=True,
    )
    return name


def test_a_voucher_is_shown_before_the_amount_and_redeemed_after_it(
    browser: Browser, voucher: Voucher, world: World
) -> None:
    code = world.code(voucher)
    typed = f" {code[:20].lower()} \u3000{code[20:40]}-{code[40:]}\u200b"
    page = browser.post("/amount", code=typed)
    assert page.status_code == 200
    assert 'data-discount="2000" data-threshold="10000"' in page.text
    word = in_words(*match_word(voucher.id, codes.read(world.core.keyring, code).window), "zh-CN")
    assert word in page.text
    assert lines(browser, world) == 0  # showing it spends nothing

    names = ("code", "made_reference", "idempotency_key")
    form = {name: hidden(page.text, name) for name in names}
    assert form["code"] == code
    first = browser.post("/redemptions", amount="¥1,28.00", **form)
    again = browser.post("/redemptions", amount="128", **form)
    assert first.status_code == again.status_code == 303
    assert first.headers["Location"] == again.headers["Location"]
    assert lines(browser, world) == 1
    receipt = browser.get(first.headers["Location"]).text
    assert "¥108.00" in receipt and word in receipt and 'class="result yes"' in receipt


def test_the_shops_own_order_number_counts_when_it_is_typed(
    browser: Browser, voucher: Voucher, world: World
) -> None:
    done = browser.redeem(world.code(voucher), order_reference=" 2026 0001 ")
    found = browser.get("/orders?order_reference=2026+0001")
    assert (found.status_code, found.headers["Location"]) == (303, done.headers["Location"])


def test_an_order_below_the_threshold_says_how_much_is_missing_and_can_be_changed(
    browser: Browser, voucher: Voucher, world: World
) -> None:
    code = world.code(voucher)
    refused = browser.redeem(code, "83.50", made_reference="M-1")
    assert refused.status_code == 422
    for word in ("没核销", "¥16.50", "券没有用掉", "below_threshold", "改金额"):
        assert word in refused.text
    again = browser.post("/amount", code=hidden(refused.text, "code"), amount="83.50")
    assert 'value="83.50"' in again.text
    assert browser.redeem(code, "100", made_reference="M-1").status_code == 303


@pytest.mark.parametrize("amount", ["", "abc", "-5", "0", "1.234", "99999999999", "1e5", "一百"])
def test_a_wrong_amount_stays_on_the_page_with_what_was_typed(
    browser: Browser, voucher: Voucher, world: World, amount: str
) -> None:
    page = browser.redeem(world.code(voucher), amount)
    assert page.status_code == 422
    assert 'href="#f-amount"' in page.text and f'value="{amount}"' in page.text
    assert lines(browser, world) == 0


@pytest.mark.parametrize(
    "code", ["nonsense", "<script>alert(1)</script>", "x" * 5000, "🍜", "\x00"]
)
def test_what_is_no_code_is_refused_with_a_box_for_the_next(browser: Browser, code: str) -> None:
    page = browser.post("/amount", code=code)
    assert page.status_code == 422
    assert "code_invalid" in page.text and 'action="/amount"' in page.text
    assert "<script>alert" not in page.text


def test_an_empty_box_asks_for_the_code(browser: Browser) -> None:
    page = browser.post("/amount", code=" ")
    assert page.status_code == 422
    assert browser.post("/amount").status_code == 422


def test_an_expired_code_asks_for_a_fresh_one_and_keeps_the_order(
    browser: Browser, voucher: Voucher, world: World
) -> None:
    before = World.code(World(with_clock(world.core, past())), voucher)
    page = browser.redeem(before, "128", order_reference="K-1")
    assert page.status_code == 410 and "code_expired" in page.text
    assert 'action="/redemptions"' in page.text
    form = {
        name: hidden(page.text, name) for name in ("amount", "order_reference", "made_reference")
    }
    done = browser.redeem(world.code(voucher), **form)
    assert done.status_code == 303


def past() -> Clock:
    """A clock that stands five minutes ago."""
    return Clock(datetime.now(UTC) - timedelta(minutes=5))


def test_a_spent_voucher_is_refused_at_the_second_till(
    app: Flask, browser: Browser, voucher: Voucher, world: World
) -> None:
    code = world.code(voucher)
    browser.redeem(code)
    second = Browser(app, world.core, world.cashier())
    page = second.redeem(code)
    assert page.status_code == 409 and "没核销" in page.text


def test_an_unknown_outcome_is_said_as_unknown_and_asked_again_with_the_same_key(
    browser: Browser, voucher: Voucher, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise TryAgain(retry_after_seconds=1)

    form = {"idempotency_key": "U1", "made_reference": "U-1"}
    code = world.code(voucher)
    with monkeypatch.context() as broken:
        broken.setattr(redemption, "redeem", lost)
        page = browser.redeem(code, **form)
    assert page.status_code == 503 and page.headers["Retry-After"] == "1"
    assert "还不知道" in page.text and "先别重扫" in page.text and "U-1" in page.text
    names = ("code", "amount", "made_reference", "idempotency_key")
    again = browser.post("/redemptions", **{name: hidden(page.text, name) for name in names})
    assert again.status_code == 303


def test_with_the_database_away_the_outcome_is_unknown_not_no(settings: Settings) -> None:
    away = build(
        load_settings(
            {
                "VOUCHER_ENV": "test",
                "VOUCHER__DATABASE__URL": "postgresql://nobody@127.0.0.1:9/none",
                "VOUCHER__GATE__URL": settings.gate.url,
                "VOUCHER__QUEUE__URL": settings.queue.url,
            }
        )
    )
    cashier = Actor(ActorKind.CASHIER, uuid4())
    assert cashier.id
    token = signed(away, Face.MERCHANT, cashier.id, session=uuid4())
    page = Browser(create_app(away), away, cashier, token).redeem("X", made_reference="V-1")
    assert page.status_code == 503 and "还不知道" in page.text and "V-1" in page.text
    away.close()


def test_an_order_nobody_knows_is_not_found_and_may_be_scanned_again(browser: Browser) -> None:
    page = browser.get("/orders?order_reference=W-9")
    assert page.status_code == 404
    assert "没查到" in page.text and 'name="order_reference" value="W-9"' in page.text
    assert browser.get("/orders").status_code == 404
    assert browser.get("/orders?order_reference=%00").status_code == 404


def test_another_shops_receipt_and_order_are_not_found(
    app: Flask, browser: Browser, voucher: Voucher, world: World
) -> None:
    done = browser.redeem(world.code(voucher), order_reference="Y-1").headers["Location"]
    other = Browser(app, world.core, world.cashier())
    assert other.get(done).status_code == 404
    assert other.get("/orders?order_reference=Y-1").status_code == 404
    assert "Y-1" not in other.get("/today").text


def test_the_day_shows_its_lines_its_total_and_the_way_on(
    browser: Browser, world: World, offer: Offer
) -> None:
    for _ in range(3):
        browser.redeem(world.code(world.claim(offer)))
    page = browser.get("/today?limit=2").text
    assert page.count("/redemptions/") == 2 and "¥384.00" in page and "全天 3 笔" in page
    more = re.search(r'href="(/today\?day=[^"]*cursor[^"]*)"', page)
    assert more
    assert browser.get(more[1].replace("&amp;", "&")).text.count("/redemptions/") == 1
    assert "这一天还没有核销" in browser.get("/today?day=2025-01-01").text
    assert browser.get("/today?day=never&x=1").status_code == 200


def test_addresses_that_only_take_forms_begin_again_at_the_till(browser: Browser) -> None:
    for path in ("/amount", "/redemptions"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_form_without_its_session_changes_nothing(
    browser: Browser, voucher: Voucher, world: World
) -> None:
    answer = browser.redeem(world.code(voucher), csrf_token="0" * 32)
    assert answer.status_code == 403 and "form_expired" in answer.text
    assert lines(browser, world) == 0


def test_every_page_speaks_english_and_runs_only_our_scripts(
    browser: Browser, voucher: Voucher, world: World
) -> None:
    browser.client.set_cookie("lang", "en")
    browser.client.set_cookie("mode", "elder")
    code = world.code(voucher)
    pages = [
        browser.get(path)
        for path in ("/", "/today", "/shop", "/sign-in", "/orders?order_reference=1")
    ]
    pages.append(browser.post("/amount", code=code))
    pages.append(browser.redeem(code, "1"))
    pages.append(browser.get(browser.redeem(code).headers["Location"]))
    given = ("中文", "收银员", "惠利金秋 第一场", "满100减20", "商户", "门店")
    for page in pages:
        text = re.sub("|".join(given), "", page.text)
        text = re.sub(r'<b class="name">[^<]*</b>', "", text)  # match words keep their Chinese
        assert not re.findall(r"[\u4e00-\u9fff]+", text)
        assert '<html lang="en"' in page.text and 'data-mode="elder"' in page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert " style=" not in page.text and " onclick" not in page.text
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page.text))
