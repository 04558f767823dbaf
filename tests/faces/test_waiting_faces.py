"""The line and the puzzle on the residents' face: the API, and the pages without scripts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.resident.app import create_app
from voucher_service.web.auth import issue
from voucher_service.web.face import Face


@pytest.fixture(scope="module")
def city(core: Core) -> Iterator[World]:
    """A city whose lines are drawn at once, and whose limits are soon reached."""
    waiting = replace(core.settings.waiting, draw_seconds=0, proof_numbers=500)
    limits = replace(core.settings.limits, resident_per_minute=60, resident_burst=20)
    quick = Core(replace(core.settings, waiting=waiting, limits=limits), core.clock)
    yield World(quick)
    quick.close()


@pytest.fixture(scope="module")
def app(city: World) -> Flask:
    return create_app(city.core)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        yield made


def switched(city: World, *, opens_in: int = -60, limit: int = 1, **switches: bool) -> Offer:
    """An offer with its switches on."""
    plan = city.plan(limit=limit, opens_at=city.now() + timedelta(seconds=opens_in))
    return city.offer(replace(plan, **switches))


def bearer(city: World, who: Actor, key: str | None = None, **more: str) -> dict[str, str]:
    """The headers of a resident's call."""
    assert who.id is not None
    token = issue(city.core, Face.RESIDENT, who.id).access_token
    found = {"Authorization": f"Bearer {token}"} | more
    return found | ({"Idempotency-Key": key} if key else {})


def signed_in(client: FlaskClient, city: World, who: Actor) -> FlaskClient:
    """The same client with the page's cookie."""
    assert who.id is not None
    client.set_cookie(Face.RESIDENT.cookie, issue(city.core, Face.RESIDENT, who.id).access_token)
    return client


def proof_of(told: dict[str, Any]) -> str:
    """What a phone sends for a challenge."""
    number = next(
        n
        for n in range(told["maxnumber"] + 1)
        if hashlib.sha256(f"{told['salt']}{n}".encode()).hexdigest() == told["challenge"]
    )
    return base64.b64encode(json.dumps(told | {"number": number}).encode()).decode()


def my_turn(client: FlaskClient, offer: Offer, headers: dict[str, str]) -> None:
    """Wait until it is the resident's turn."""
    until = time.monotonic() + 10
    while True:
        told = client.get(f"/api/v1/offers/{offer.id}/ticket", headers=headers)
        assert told.status_code == 200
        if told.json["state"] == "your_turn":
            return
        assert time.monotonic() < until
        time.sleep(0.5)


def hidden(page: TestResponse, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, name
    return html.unescape(found[1])


def test_a_claim_is_answered_with_a_ticket_and_then_with_the_voucher(
    client: FlaskClient, city: World
) -> None:
    offer, who = switched(city, waiting_room=True), city.resident()
    path, headers = f"/api/v1/offers/{offer.slug}/claims", bearer(city, who, "one")
    ticket = client.post(path, headers=headers)
    assert ticket.status_code == 202 and "Idempotency-Replayed" not in ticket.headers
    assert ticket.json["ticket"] and ticket.json["state"] == "waiting"
    assert ticket.json["position"] >= 1 and ticket.json["poll_after_seconds"] >= 1
    assert datetime.fromisoformat(ticket.json["opens_at"]) == (
        offer.releases[0].opens_at.replace(microsecond=0)
    )
    my_turn(client, offer, bearer(city, who))
    made = client.post(path, headers=headers)
    assert made.status_code == 201
    again = client.post(path, headers=headers)
    assert (again.status_code, again.json) == (201, made.json)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_only_who_is_signed_in_and_in_line_has_a_ticket(client: FlaskClient, city: World) -> None:
    offer, plain = switched(city, waiting_room=True), city.offer()
    path = f"/api/v1/offers/{offer.id}/ticket"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=bearer(city, city.resident())).status_code == 404
    mine = bearer(city, city.resident(), "k")
    assert client.post(f"/api/v1/offers/{plain.id}/claims", headers=mine).status_code == 201
    assert client.get(f"/api/v1/offers/{plain.id}/ticket", headers=mine).status_code == 404


def test_a_ticket_says_closed_when_the_offer_is_over(client: FlaskClient, city: World) -> None:
    plan = replace(city.plan(quota=1), waiting_room=True)
    offer, crowd = city.offer(plan), city.residents(2)
    for who in crowd:
        path = f"/api/v1/offers/{offer.id}/claims"
        assert client.post(path, headers=bearer(city, who, "k")).status_code == 202
    city.claim(offer)
    time.sleep(1.1)  # what is left is read once a second
    headers = bearer(city, crowd[0], "k")
    told = client.get(f"/api/v1/offers/{offer.id}/ticket", headers=headers).json
    assert (told["state"], told["position"]) == ("closed", 0)
    refused = client.post(f"/api/v1/offers/{offer.id}/claims", headers=headers)
    assert (refused.status_code, refused.json["code"]) == (409, "sold_out")


def test_a_proof_of_work_is_asked_for_and_then_the_voucher_is_given(
    client: FlaskClient, city: World
) -> None:
    offer, who = switched(city, limit=2, proof_of_work=True), city.resident()
    path = f"/api/v1/offers/{offer.id}/claims"
    asked = client.post(path, headers=bearer(city, who, "one"))
    assert (asked.status_code, asked.json["code"]) == (428, "proof_of_work_required")
    assert asked.mimetype == "application/problem+json" and asked.json["detail"]
    headers = bearer(city, who, "one") | {"X-Proof-Of-Work": proof_of(asked.json["challenge"])}
    made = client.post(path, headers=headers)
    assert made.status_code == 201
    assert client.post(path, headers=headers).json == made.json
    reused = client.post(path, headers=headers | {"Idempotency-Key": "two"})
    assert reused.status_code == 428


def test_who_has_all_is_told_so_without_a_puzzle(client: FlaskClient, city: World) -> None:
    offer, who = switched(city, proof_of_work=True), city.resident()
    mine = city.claim(offer, who, "one")
    path = f"/api/v1/offers/{offer.id}/claims"
    again = client.post(path, headers=bearer(city, who, "one"))
    assert (again.status_code, again.json["id"]) == (201, str(mine.id))
    other = client.post(path, headers=bearer(city, who, "two"))
    assert (other.status_code, other.json["voucher_ids"]) == (409, [str(mine.id)])


def test_offers_say_what_stands_before_a_claim(client: FlaskClient, city: World) -> None:
    offer = switched(city, waiting_room=True, proof_of_work=True)
    items = client.get("/api/v1/offers?limit=200").json["items"]
    mine = next(one for one in items if one["id"] == str(offer.id))
    assert (mine["waiting_room"], mine["proof_of_work"]) == (True, True)


def test_the_document_tells_of_the_proof_and_the_ticket(client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").json["paths"]
    claim = paths["/api/v1/offers/{name}/claims"]["post"]
    assert "X-Proof-Of-Work" in [one["name"] for one in claim["parameters"]]
    assert {"201", "202", "428"} <= set(claim["responses"])
    assert "/api/v1/offers/{name}/ticket" in paths


def test_tapping_too_often_is_told_when_to_come_back(client: FlaskClient, city: World) -> None:
    offer, who = switched(city, waiting_room=True), city.resident()
    path = f"/api/v1/offers/{offer.id}/claims"
    for _ in range(300):
        last = client.post(path, headers=bearer(city, who, uuid4().hex))
        if last.status_code == 429:
            break
    assert (last.status_code, last.json["code"]) == (429, "too_many_requests")
    assert last.headers["Retry-After"] == "1"
    page = signed_in(client, city, who).get(f"/offers/{offer.slug}/waiting.json")
    assert page.status_code == 429


def test_the_page_puts_into_the_line_keeps_the_place_and_claims_without_scripts(
    city: World,
) -> None:
    clock = Clock(city.now())
    still = World(with_clock(city.core, clock))
    offer, who = switched(still, waiting_room=True, opens_in=60), still.resident()
    reader = signed_in(create_app(still.core).test_client(), still, who)
    home = reader.get("/")
    assert "去排队" in home.text
    key, form = uuid4().hex, {"csrf_token": hidden(home, "csrf_token")}
    sent = reader.post(f"/offers/{offer.slug}/claim", data=form | {"idempotency_key": key})
    assert sent.status_code == 303
    first, again = reader.get(sent.location), reader.get(sent.location)
    assert first.status_code == 200 and "已经给您排上了" in first.text
    assert 'http-equiv="refresh"' in first.text and hidden(again, "idempotency_key") == key
    english = reader.get(sent.location, headers={"Accept-Language": "en"})
    assert "You are in the line" in english.text
    clock.set(offer.releases[0].opens_at + timedelta(seconds=2))
    page = reader.get(sent.location)
    assert "到您了" in page.text
    form |= {"idempotency_key": hidden(page, "idempotency_key")}
    claimed = reader.post(f"/offers/{offer.slug}/claim", data=form)
    assert claimed.status_code == 303 and claimed.location.endswith("/claimed")


def test_the_page_hands_the_puzzle_to_the_phone(client: FlaskClient, city: World) -> None:
    offer, who = switched(city, proof_of_work=True), city.resident()
    reader = signed_in(client, city, who)
    form = {"csrf_token": hidden(reader.get("/"), "csrf_token"), "idempotency_key": "k"}
    page = reader.post(f"/offers/{offer.slug}/claim", data=form)
    assert page.status_code == 428 and "小计算" in page.text
    found = re.search(r'data-challenge="([^"]*)"', page.text)
    assert found
    proof = proof_of(json.loads(html.unescape(found[1])))
    claimed = reader.post(f"/offers/{offer.slug}/claim", data=form | {"proof": proof})
    assert claimed.status_code == 303 and claimed.location.endswith("/claimed")
