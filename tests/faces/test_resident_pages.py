"""The residents' pages: they read and claim without scripts, in both languages, and say why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.i18n.match_words import match_word
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import TryAgain
from voucher_service.resident.app import create_app
from voucher_service.resident.pages import claims
from voucher_service.vouchers import model
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


@pytest.fixture(scope="module")
def app(core: Core) -> Flask:
    return create_app(core)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        yield made


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    return World(core)


@pytest.fixture(scope="module")
def offer(city: World) -> Offer:
    return city.offer(city.plan(quota=50))


def come_in(client: FlaskClient, core: Core, who: Actor) -> None:
    """A browser in which the resident is signed in."""
    assert who.id is not None
    client.set_cookie(Face.RESIDENT.cookie, issue(core, Face.RESIDENT, who.id).access_token)


def form_of(page: TestResponse, action: str) -> dict[str, str]:
    """The hidden fields of the form that posts to `action`."""
    start = page.text.index(f'action="{action}"')
    return {
        name: unescape(value)
        for name, value in HIDDEN.findall(page.text[start : page.text.index("</form>", start)])
    }


def press(client: FlaskClient, offer: Offer, **changed: str) -> TestResponse:
    """The claim button, with the hidden fields of some form of this session."""
    fields = form_of(client.get("/me"), "/sign-out") | {"idempotency_key": uuid4().hex}
    return client.post(f"/offers/{offer.slug}/claim", data=fields | changed)


def last_code(core: Core) -> str:
    line = Path(core.settings.sms.outbox).read_text("utf-8").splitlines()[-1]
    return str(json.loads(line)["code"])


def test_a_stranger_signs_in_with_forms_alone(client: FlaskClient, core: Core) -> None:
    sent = client.get("/vouchers?state=used")
    assert sent.location == "/sign-in?next=/vouchers?state%3Dused" or "next=" in sent.location
    first = client.get(sent.location)
    fields = form_of(first, "/sign-in")
    assert fields["next"] == "/vouchers?state=used"
    wrong = client.post("/sign-in", data=fields | {"mobile": "123"})
    assert wrong.status_code == 422 and 'value="123"' in wrong.text
    second = client.post("/sign-in", data=fields | {"mobile": "139 0000 3333"})
    assert second.status_code == 303 and "13900003333" not in str(second.headers)
    asked = client.get(second.location)
    assert "139 **** 3333" in asked.text
    refused = client.post("/sign-in/code", data=fields | {"code": "12"})
    assert refused.status_code == 422 and "验证码不对" in refused.text
    entered = client.post("/sign-in/code", data=fields | {"code": last_code(core)})
    assert (entered.status_code, entered.location) == (303, "/vouchers?state=used")
    assert client.get("/vouchers").status_code == 200
    left = client.post("/sign-out", data=form_of(client.get("/me"), "/sign-out"))
    assert left.location == "/" and client.get("/vouchers").status_code == 303


def test_the_second_step_without_the_first_goes_back(client: FlaskClient) -> None:
    for answer in (client.get("/sign-in/code?next=/help"), client.post("/sign-in/again")):
        assert answer.status_code == 303 and answer.location.startswith("/sign-in?next=")
    client.set_cookie("signing_in", "bm90IG91cnM=", path="/sign-in")
    assert client.get("/sign-in/code").status_code == 303


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_sign_in_never_leads_to_another_site(client: FlaskClient, to: str) -> None:
    page = client.get("/sign-in", query_string={"next": to})
    assert form_of(page, "/sign-in")["next"] == "/"


def test_the_name_is_given_with_consent_or_not_at_all(client: FlaskClient, core: Core) -> None:
    client.post("/sign-in", data={"mobile": "13900004444"})
    client.post("/sign-in/code", data={"code": last_code(core)})
    home = client.get("/")
    assert "/identity?next=/" in home.text or "正在发的券" in home.text
    fields = form_of(client.get("/identity?next=/"), "/identity")
    typed = fields | {"document": "resident_id", "name": "林雨", "id_number": "441702199003070014"}
    without = client.post("/identity", data=typed)
    assert without.status_code == 422 and "勾选同意" in without.text and "林雨" in without.text
    wrong = client.post("/identity", data=typed | {"agreed": "true"})
    assert wrong.status_code == 422 and "最后一位可能是 X" in wrong.text
    emoji = client.post("/identity", data=typed | {"agreed": "true", "name": "🙂🙂"})
    assert emoji.status_code == 422 and 'aria-invalid="true"' in emoji.text


def test_claiming_works_with_a_form_and_twice_is_once(
    client: FlaskClient, core: Core, city: World, offer: Offer
) -> None:
    resident = city.resident()
    come_in(client, core, resident)
    fields = form_of(client.get("/"), f"/offers/{offer.slug}/claim")
    taken = client.post(f"/offers/{offer.slug}/claim", data=fields)
    again = client.post(f"/offers/{offer.slug}/claim", data=fields)
    assert taken.status_code == again.status_code == 303
    assert taken.location == again.location and taken.location.endswith("/claimed")
    assert "是您的了" in client.get(taken.location).text
    read = client.get(f"/offers/{offer.slug}/claim")
    assert (read.status_code, read.location) == (303, "/"), "reading never claims"
    home = client.get("/")
    assert "去使用" in home.text and "¥20" in home.text
    limited = press(client, offer)
    assert limited.status_code == 409 and "您已经领满了" in limited.text
    voucher = taken.location.removesuffix("/claimed")
    assert f'href="{voucher}"' in limited.text and "limit_reached" in limited.text


def test_a_claim_whose_answer_was_lost_is_sent_again_from_the_page(
    client: FlaskClient, core: Core, city: World, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise TryAgain(retry_after_seconds=1)

    come_in(client, core, city.resident())
    with monkeypatch.context() as broken:
        broken.setattr(claims.campaigns, "offer_named", lost)
        page = press(client, offer, idempotency_key="lost-once")
    assert page.status_code == 503 and "再试一次" in page.text
    fields = form_of(page, f"/offers/{offer.slug}/claim")
    assert fields["idempotency_key"] == "lost-once"
    assert client.post(f"/offers/{offer.slug}/claim", data=fields).status_code == 303


def test_another_site_can_not_claim_for_a_resident(
    client: FlaskClient, core: Core, city: World, offer: Offer
) -> None:
    come_in(client, core, city.resident())
    for fields in ({}, {"csrf_token": "0" * 32}):
        answer = client.post(f"/offers/{offer.slug}/claim", data=fields | {"idempotency_key": "k"})
        assert answer.status_code == 403 and "form_expired" in answer.text
    assert "票夹还空着" in client.get("/vouchers").text


def test_every_refusal_says_what_became_of_the_quota_and_what_to_do(
    client: FlaskClient, core: Core, city: World
) -> None:
    come_in(client, core, city.resident())
    scarce = city.offer(city.plan(quota=1))
    city.claim(scarce)
    sold_out = press(client, scarce)
    assert sold_out.status_code == 409 and "没有占掉您的名额" in sold_out.text
    early = press(client, city.offer(city.plan(opens_at=city.now() + timedelta(hours=1))))
    assert early.status_code == 409 and "还没开始" in early.text and 'role="timer"' in early.text
    nothing = client.post("/offers/none/claim", data=form_of(client.get("/me"), "/sign-out"))
    assert nothing.status_code == 400  # a form of ours always has its key


def test_a_claim_without_a_name_is_sent_to_give_one(
    client: FlaskClient, core: Core, offer: Offer
) -> None:
    client.post("/sign-in", data={"mobile": "13900005555"})
    client.post("/sign-in/code", data={"code": last_code(core)})
    assert 'href="/identity?next=/"' in client.get("/").text
    refused = press(client, offer)
    assert refused.status_code == 403 and 'href="/identity?next=/"' in refused.text


def test_the_code_page_works_alone_and_turns_to_the_receipt(
    client: FlaskClient, core: Core, city: World, offer: Offer
) -> None:
    resident = city.resident()
    come_in(client, core, resident)
    voucher = city.claim(offer, resident)
    path = f"/vouchers/{voucher.id}"
    page = client.get(path)
    refresh = re.search(r'<noscript><meta http-equiv="refresh" content="(\d+)">', page.text)
    assert refresh and 1 < int(refresh[1]) <= 31
    told = client.get(f"{path}/codes.json").json
    assert len(told["codes"]) == 4 and told["now_ms"] < told["codes"][0]["until_ms"]
    window = told["codes"][0]["from_ms"] // 30_000
    word = match_word(*model.match_word(voucher.id, window), "zh-CN")
    assert told["codes"][0]["word"] == word
    before = client.get(f"{path}/status.json").json
    city.redeem(voucher, order_fen=12_800, reference="2309-1")
    after = client.get(f"{path}/status.json").json
    assert before and after and before["mark"] != after["mark"]
    assert (before["status"], after["status"]) == ("claimed", "redeemed")
    assert client.get(f"{path}/codes.json").status_code == 409
    receipt = client.get(path).text
    assert "¥128.00" in receipt and "−¥20.00" in receipt and "¥108.00" in receipt
    assert "2309-1" in receipt and "暗号" in receipt
    assert "¥20.00" in client.get("/vouchers?state=used").text


def test_another_residents_voucher_is_not_found(
    client: FlaskClient, core: Core, city: World, offer: Offer
) -> None:
    mine, theirs = city.residents(2)
    voucher = city.claim(offer, theirs)
    come_in(client, core, mine)
    for path in ("", "/claimed", "/codes.json", "/status.json"):
        answer = client.get(f"/vouchers/{voucher.id}{path}")
        assert answer.status_code == 404 and "not_found" in answer.text


PAGES = ["/", "/help", "/vouchers", "/vouchers?state=used", "/vouchers?state=ended", "/me"]
PAGES += ["/identity", "/sign-in", "/sign-in/code"]


@pytest.mark.parametrize("path", PAGES)
def test_english_is_complete(client: FlaskClient, core: Core, city: World, path: str) -> None:
    client.set_cookie("lang", "en")
    if path.startswith("/sign-in"):
        client.post("/sign-in", data={"mobile": f"139{uuid4().int % 10**8:08d}"})
    else:
        come_in(client, core, city.resident())
    page = client.get(path)
    text = re.sub(r'<button[^>]*lang="zh-CN">[^<]*</button>', "", page.text)
    # names of people and offers are data, in the language in which they were given
    text = re.sub(r"<h[123][^>]*>.*?</h[123]>|<dd>.*?</dd>|aria-label=\"[^\"]*\"", "", text)
    assert page.status_code == 200 and '<html lang="en"' in text
    assert CHINESE.findall(text) == []


@pytest.mark.parametrize("path", PAGES)
def test_pages_run_only_our_scripts_and_hold_no_style(
    client: FlaskClient, core: Core, city: World, offer: Offer, path: str
) -> None:
    resident = city.resident()
    come_in(client, core, resident)
    voucher = city.claim(offer, resident)
    for page in (client.get(path), client.get(f"/vouchers/{voucher.id}")):
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy
        assert (
            "style=" not in page.text
            and "<style" not in page.text
            and " on" + "click" not in page.text
        )
        assert re.findall(r"<script(?![^>]* src=)", page.text) == []
