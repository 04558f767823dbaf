"""The public API of residents: every call of the contract, and everything it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.make import World
from tests.people import newcomer
from voucher_service import settings
from voucher_service.campaigns.model import Offer, ReleasePlan
from voucher_service.infra.core import Core, build
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.page import encode_cursor
from voucher_service.resident.app import create_app
from voucher_service.web.auth import ALGORITHM, ISSUER, issue
from voucher_service.web.face import Face

Headers = dict[str, str]


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
    return city.offer(city.plan(quota=100, areas=("441702",), trades=("dining",)))


def bearer(core: Core, who: Actor | UUID, key: str | None = None) -> Headers:
    subject = who.id if isinstance(who, Actor) else who
    assert subject is not None
    headers = {"Authorization": f"Bearer {issue(core, Face.RESIDENT, subject).access_token}"}
    return headers | ({"Idempotency-Key": key} if key else {})


def claim(
    client: FlaskClient, core: Core, offer: Offer, who: Actor, key: str | None = None
) -> TestResponse:
    headers = bearer(core, who, key or uuid4().hex)
    return client.post(f"/api/v1/offers/{offer.id}/claims", headers=headers)


def outcome(answer: TestResponse) -> tuple[int, str]:
    body: Any = answer.json
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json"
        assert body["status"] == answer.status_code and body["detail"]
    return answer.status_code, (body or {}).get("code", "")


def last_code(core: Core) -> str:
    line = Path(core.settings.sms.outbox).read_text("utf-8").splitlines()[-1]
    return str(json.loads(line)["code"])


def sign_in(client: FlaskClient, core: Core, mobile: str) -> Headers:
    sent = client.post("/api/v1/sign-in/codes", json={"mobile": mobile})
    assert (sent.status_code, sent.json) == (202, {"expires_in_seconds": 300})
    answer = client.post("/api/v1/sign-in", json={"mobile": mobile, "code": last_code(core)})
    assert answer.status_code == 200 and answer.json["expires_in_seconds"] >= 7200
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def test_a_stranger_signs_in_gives_a_name_and_claims(
    client: FlaskClient, core: Core, offer: Offer
) -> None:
    person = newcomer()
    headers = sign_in(client, core, person.mobile)
    path = f"/api/v1/offers/{offer.slug}/claims"
    asked = headers | {"Idempotency-Key": "one"}
    assert outcome(client.post(path, headers=asked)) == (403, "identity_required")
    version = client.get("/api/v1/consent").json["version"]
    body = {"name": person.name, "id_number": person.id_number, "consent_version": version}
    named = client.put("/api/v1/me/identity", json=body, headers=headers)
    assert named.status_code == 200
    assert named.json == client.get("/api/v1/me", headers=headers).json
    assert (named.json["verified"], named.json["id_last4"]) == (True, person.id_number[-4:])
    assert named.json["mobile"] == f"{person.mobile[:3]}****{person.mobile[-4:]}"
    # a refusal may be retried with the same key
    taken = client.post(path, headers=asked)
    assert taken.status_code == 201 and "Idempotency-Replayed" not in taken.headers
    assert taken.json["offer_id"] == str(offer.id) and taken.json["status"] == "claimed"
    assert (taken.json["face_value_fen"], taken.json["threshold_fen"]) == (2_000, 10_000)
    until = datetime.fromisoformat(taken.json["valid_until"])
    assert until.utcoffset() == timedelta(hours=8) and until.hour == 0
    again = client.post(path, headers=asked)
    assert (again.status_code, again.json) == (201, taken.json)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_wrong_code_does_not_sign_in(client: FlaskClient, core: Core) -> None:
    mobile = "13900001111"
    client.post("/api/v1/sign-in/codes", json={"mobile": mobile})
    wrong = f"{(int(last_code(core)) + 1) % 1_000_000:06d}"
    answer = client.post("/api/v1/sign-in", json={"mobile": mobile, "code": wrong})
    assert outcome(answer) == (401, "sign_in_refused")
    answer = client.post("/api/v1/sign-in/codes", json={"mobile": "23900001111"})
    assert outcome(answer) == (422, "mobile_invalid")
    for _ in range(5):
        client.post("/api/v1/sign-in/codes", json={"mobile": mobile})
    answer = client.post("/api/v1/sign-in/codes", json={"mobile": mobile})
    assert outcome(answer) == (429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"id_number": "441702199003070014"}, "id_number_invalid"),
        ({"id_number": ""}, "id_number_invalid"),
        ({"name": "林\u0000雨"}, "invalid_input"),
        ({"name": "林🙂"}, "invalid_input"),
        ({"name": "林雨1"}, "name_invalid"),
        ({"document": "library_card"}, "invalid_input"),
        ({"nickname": "小林"}, "invalid_input"),
        ({"consent_version": None}, "invalid_input"),
    ],
)
def test_a_name_that_can_not_be_right_changes_nothing(
    client: FlaskClient, core: Core, body: dict[str, Any], code: str
) -> None:
    headers = sign_in(client, core, f"139{uuid4().int % 10**8:08d}")
    given = {"name": "林雨", "id_number": "441702199003070011", "consent_version": "2026-09"} | body
    answer = client.put("/api/v1/me/identity", json=given, headers=headers)
    assert outcome(answer) == (422, code)
    assert client.get("/api/v1/me", headers=headers).json["verified"] is False


def test_one_identity_has_one_account(client: FlaskClient, core: Core) -> None:
    person = newcomer()
    body = {"name": person.name, "id_number": person.id_number, "consent_version": "2026-09"}
    first = sign_in(client, core, person.mobile)
    assert client.put("/api/v1/me/identity", json=body, headers=first).status_code == 200
    second = sign_in(client, core, "13900002222")
    answer = client.put("/api/v1/me/identity", json=body, headers=second)
    assert outcome(answer) == (409, "identity_taken")


def test_open_offers_say_what_is_left_and_where_it_is_good(
    client: FlaskClient, core: Core, city: World
) -> None:
    made = city.offer(city.plan(quota=7, limit=2, areas=("441781",), trades=("dining",)))
    city.claim(made)
    page = client.get("/api/v1/offers?state=open").json
    assert set(page) == {"items", "next"}
    (item,) = [one for one in page["items"] if one["id"] == str(made.id)]
    assert item["remaining"] == 6 and item["per_resident_limit"] == 2
    assert (item["face_value_fen"], item["threshold_fen"]) == (2_000, 10_000)
    assert (item["slug"], item["kind"]) == (made.slug, "threshold")
    assert item["release_id"] == str(made.releases[0].id)
    assert (item["area"], item["areas"], item["trades"]) == ("441700", ["441781"], ["dining"])
    assert datetime.fromisoformat(item["opens_at"]) < datetime.now(UTC)
    assert {"campaign", "title", "closes_at", "valid_days"} <= set(item)


def test_offers_to_come_are_not_open(client: FlaskClient, city: World) -> None:
    later = city.now() + timedelta(hours=2)
    made = city.offer(city.plan(opens_at=later))
    ids = {
        state: [one["id"] for one in client.get(f"/api/v1/offers?state={state}").json["items"]]
        for state in ("open", "upcoming")
    }
    assert str(made.id) in ids["upcoming"] and str(made.id) not in ids["open"]
    assert outcome(client.get("/api/v1/offers?state=all")) == (422, "invalid_input")


def test_offers_come_a_page_at_a_time(client: FlaskClient, city: World) -> None:
    for _ in range(2):
        city.offer()
    whole = [one["id"] for one in client.get("/api/v1/offers").json["items"]]
    walked: list[str] = []
    after: dict[str, str] | None = {}
    while after is not None:
        page = client.get("/api/v1/offers", query_string={"limit": "2"} | after).json
        walked += [one["id"] for one in page["items"]]
        after = {"cursor": page["next"]} if page["next"] else None
    assert walked == whole and len(whole) >= 2
    assert outcome(client.get("/api/v1/offers?cursor=zzz")) == (400, "cursor_invalid")


def test_every_refusal_of_a_claim_has_its_code(
    client: FlaskClient, core: Core, city: World, offer: Offer
) -> None:
    resident = city.resident()
    first = claim(client, core, offer, resident).json["id"]
    limited = claim(client, core, offer, resident)
    assert outcome(limited) == (409, "limit_reached") and limited.json["voucher_ids"] == [first]
    scarce = city.offer(city.plan(quota=1))
    city.claim(scarce)
    assert outcome(claim(client, core, scarce, resident)) == (409, "sold_out")
    early = city.offer(city.plan(opens_at=city.now() + timedelta(hours=1)))
    assert outcome(claim(client, core, early, resident)) == (409, "not_open_yet")
    begun = city.now() - timedelta(hours=2)
    over = city.plan()
    over = type(over)(
        **{name: getattr(over, name) for name in over.__slots__ if name != "releases"},
        releases=(ReleasePlan(begun, 10, begun + timedelta(hours=1)),),
    )
    assert outcome(claim(client, core, city.offer(over), resident)) == (409, "closed")


def test_a_claim_needs_a_key_a_token_and_an_empty_body(
    client: FlaskClient, core: Core, city: World, offer: Offer
) -> None:
    resident = city.resident()
    path = f"/api/v1/offers/{offer.id}/claims"
    headers = bearer(core, resident)
    assert outcome(client.post(path)) == (401, "token_missing")
    assert outcome(client.post(path, headers=headers)) == (400, "idempotency_key_missing")
    keyed = headers | {"Idempotency-Key": "k"}
    broken = client.post(path, headers=keyed, data="{", content_type="application/json")
    assert outcome(broken) == (400, "malformed_json")
    unknown = client.post(path, headers=keyed, json={"count": -3})
    assert outcome(unknown) == (422, "invalid_input") and "count" in unknown.json["errors"]
    huge = client.post(path, headers=keyed, data=b" " * 10_000_000, content_type="application/json")
    assert outcome(huge) == (413, "body_too_large")
    assert outcome(client.post("/api/v1/offers/none/claims", headers=keyed)) == (404, "not_found")
    nobody = f"/api/v1/offers/{uuid4()}/claims"
    assert outcome(client.post(nobody, headers=keyed)) == (404, "not_found")
    assert client.get("/api/v1/vouchers", headers=headers).json == {"items": [], "next": None}
    assert client.post(path, headers=keyed).status_code == 201
    other = city.offer()
    assert outcome(claim(client, core, other, resident, "k")) == (422, "idempotency_key_reused")


def test_a_token_of_the_past_of_another_face_or_of_nobody_opens_nothing(
    client: FlaskClient, core: Core, city: World
) -> None:
    def ask(token: str) -> tuple[int, str]:
        answer = client.get("/api/v1/vouchers", headers={"Authorization": f"Bearer {token}"})
        return outcome(answer)

    who = city.resident()
    assert who.id is not None
    now = datetime.now(UTC)
    old = {"iss": ISSUER, "aud": "resident", "sub": str(who.id), "jti": "x"}
    old |= {"iat": now - timedelta(hours=9), "exp": now - timedelta(seconds=1)}
    expired = jwt.encode(old, core.settings.secrets.token_key, ALGORITHM)
    assert ask(expired) == (401, "token_expired")
    assert ask(issue(core, Face.MERCHANT, who.id).access_token) == (401, "token_invalid")
    assert ask(issue(core, Face.RESIDENT, uuid4()).access_token) == (401, "token_invalid")


def test_the_wallet_is_the_residents_own(client: FlaskClient, core: Core, city: World) -> None:
    mine, theirs = city.residents(2)
    made = city.offer(city.plan(limit=3))
    ids = [claim(client, core, made, mine).json["id"] for _ in range(3)]
    headers = bearer(core, mine)
    first = client.get("/api/v1/vouchers?limit=2", headers=headers).json
    second = client.get(f"/api/v1/vouchers?limit=2&cursor={first['next']}", headers=headers).json
    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert client.get(f"/api/v1/vouchers/{ids[0]}", headers=headers).json["id"] == ids[0]
    for path in ("", "/code", "/codes"):
        answer = client.get(f"/api/v1/vouchers/{ids[0]}{path}", headers=bearer(core, theirs))
        assert outcome(answer) == (404, "not_found")
    assert outcome(client.get("/api/v1/vouchers/7", headers=headers)) == (404, "not_found")
    assert outcome(client.get("/api/v1/vouchers?limit=0", headers=headers)) == (
        422,
        "invalid_input",
    )


def test_codes_follow_one_another_and_end_with_the_redemption(
    client: FlaskClient, core: Core, city: World, offer: Offer
) -> None:
    resident = city.resident()
    voucher = city.claim(offer, resident)
    headers = bearer(core, resident)
    path = f"/api/v1/vouchers/{voucher.id}"
    code = client.get(f"{path}/code", headers=headers).json
    window = {"valid_from", "valid_until", "expires_in_seconds"}
    assert set(code) == {"code", "short_code"} | window
    assert 1 <= code["expires_in_seconds"] <= 30
    codes = client.get(f"{path}/codes?count=4", headers=headers).json["codes"]
    assert len(codes) == 4
    assert all(a["valid_until"] == b["valid_from"] for a, b in pairwise(codes))
    for count in ("0", "5", "-1", "x", "999999999999999999999"):
        answer = client.get(f"{path}/codes?count={count}", headers=headers)
        assert outcome(answer) == (422, "invalid_input")
    city.redeem(voucher, code=codes[0]["code"])
    assert client.get(path, headers=headers).json["status"] == "redeemed"
    assert outcome(client.get(f"{path}/code", headers=headers)) == (409, "already_redeemed")


def test_refusals_speak_the_readers_language(client: FlaskClient) -> None:
    def say(language: str) -> str:
        return str(client.get("/api/v1/me", headers={"Accept-Language": language}).json["detail"])

    assert "请先登录" in say("zh-CN") and "请先登录" in say("fr")
    assert say("en").isascii()


def test_the_api_document_names_every_call_of_the_contract(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    calls = {
        f"{method} {path.removeprefix('/api/v1')}"
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "post", "put")
    }
    assert calls >= {
        "post /sign-in/codes",
        "post /sign-in",
        "get /me",
        "put /me/identity",
        "get /offers",
        "post /offers/{name}/claims",
        "get /vouchers",
        "get /vouchers/{id}",
        "get /vouchers/{id}/code",
        "get /vouchers/{id}/codes",
    }
    assert "security" not in document["paths"]["/api/v1/offers"]["get"]


def test_without_its_servers_the_face_says_try_again_and_recovers_by_itself() -> None:
    away = settings.load(
        {
            "VOUCHER_ENV": "test",
            "VOUCHER__DATABASE__URL": "postgresql://nobody@127.0.0.1:9/none",
            "VOUCHER__GATE__URL": "redis://127.0.0.1:9/0",
            "VOUCHER__QUEUE__URL": "redis://127.0.0.1:9/1",
        }
    )
    client = create_app(build(away)).test_client()
    for answer in (
        client.get("/api/v1/offers"),
        client.post("/api/v1/sign-in/codes", json={"mobile": "13900001111"}),
    ):
        assert outcome(answer) == (503, "try_again") and int(answer.headers["Retry-After"]) > 0
    assert client.get("/").status_code == 503
    assert client.get("/help").status_code == client.get("/sign-in").status_code == 200


@pytest.mark.parametrize("key", [[1, 2], ["x", "y"]])
def test_a_cursor_that_we_did_not_give_is_refused(
    client: FlaskClient, core: Core, city: World, key: list[Any]
) -> None:
    headers = bearer(core, city.resident())
    answer = client.get(f"/api/v1/vouchers?cursor={encode_cursor(*key)}", headers=headers)
    assert outcome(answer) == (400, "cursor_invalid")


def test_a_face_without_its_gate_still_takes_requests(core: Core) -> None:
    away = replace(core.settings.gate, url="redis://127.0.0.1:9/0", timeout_ms=200)
    alone = Core(replace(core.settings, gate=away), core.clock)
    answer = create_app(alone).test_client().get("/readyz")
    alone.close()
    assert answer.status_code == 200
    assert answer.json == {"status": "degraded", "database": "ok", "gate": "down", "queue": "ok"}
