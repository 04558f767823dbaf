"""The light way to a claim says word for word what the ordinary route says, and never more."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.resident.app import create_app
from voucher_service.resident.crowd import crowd_of
from voucher_service.web import evidence
from voucher_service.web.auth import issue
from voucher_service.web.express import Express, Scope
from voucher_service.web.face import Face

# What differs from one answer to the next, whichever way it came.
T = TypeVar("T")
OWN = {"x-request-id", "content-length"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def told(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name not in OWN}


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop of its own, in a thread: a browser's session may own this one's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


class Resident:
    """A face both ways: as it is served, and its ordinary application alone."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.flask: Flask = create_app(core)
        self.served = Express(self.flask, crowd_of(self.flask).lane, threads=2)

    def headers(self, who: Actor, key: str | None = None, **more: str) -> dict[str, str]:
        assert who.id is not None
        token = issue(self.core, Face.RESIDENT, who.id).access_token
        told = {"authorization": f"Bearer {token}", "idempotency-key": key or uuid4().hex}
        return told | {name.replace("_", "-"): value for name, value in more.items()}

    def light(self, offer: object, headers: dict[str, str], body: bytes = b"") -> Answer:
        return run(self.ask(offer, headers, body))

    def ordinary(self, offer: object, headers: dict[str, str], body: bytes = b"") -> Answer:
        with self.flask.test_client() as client:
            answer = client.post(f"/api/v1/offers/{offer}/claims", headers=headers, data=body)
        told = {name.lower(): value for name, value in answer.headers}
        return Answer(answer.status_code, told, answer.json)

    async def ask(self, offer: object, headers: dict[str, str], body: bytes = b"") -> Answer:
        sent: list[dict[str, Any]] = []

        def receive() -> asyncio.Future[dict[str, Any]]:
            """Awaitable, but no coroutine: as the server's own is."""
            told = asyncio.get_running_loop().create_future()
            told.set_result({"type": "http.request", "body": body, "more_body": False})
            return told

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": f"/api/v1/offers/{offer}/claims",
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        if body:
            scope["headers"].append((b"content-length", str(len(body)).encode()))
        await self.served(scope, receive, send)
        told = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        text = b"".join(one.get("body", b"") for one in sent[1:])
        return Answer(sent[0]["status"], told, json.loads(text))

    def known(self, offer: Offer, who: Actor) -> None:
        """Have this process meet the offer, as its first claim does."""
        self.ordinary(offer.id, self.headers(who) | {"idempotency-key": "\t"})
        self.ordinary(offer.slug, self.headers(who, "meet-" + uuid4().hex))


@pytest.fixture(scope="module")
def face(core: Core) -> Resident:
    return Resident(core)


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    return World(core)


def counted(face: Resident) -> Counter[int]:
    """Answers of the light way, by status, as the metrics count them from here on."""
    seen: Counter[int] = Counter()
    before = face.served._count

    def count(answer: Any, seconds: float, request_id: str) -> None:
        seen[answer.status] += 1
        before(answer, seconds, request_id)

    face.served._count = count  # type: ignore[method-assign]
    return seen


def test_a_claim_is_answered_alike_both_ways(face: Resident, city: World) -> None:
    offer, (stranger, who) = city.offer(city.plan(quota=9)), city.residents(2)
    face.known(offer, stranger)
    ways, headers = counted(face), face.headers(who)
    light = face.light(offer.slug, headers)
    again = face.light(offer.slug, headers)
    ordinary = face.ordinary(offer.slug, headers)
    assert (light.status, ways[201]) == (201, 2)
    assert light.body == again.body == ordinary.body
    assert again.told == ordinary.told
    assert again.told == light.told | {"idempotency-replayed": "true"}


@pytest.mark.parametrize("language", ["zh-CN,zh;q=0.9,en;q=0.8", "en-GB", ""])
def test_refusals_are_worded_alike_both_ways(face: Resident, city: World, language: str) -> None:
    scarce, (holder, late, met) = city.offer(city.plan(quota=1)), city.residents(3)
    ahead = city.now() + timedelta(hours=2)
    later = city.offer(city.plan(quota=1, opens_at=ahead))
    city.claim(scarce, holder)
    ways = counted(face)
    for offer in (scarce, later):
        face.known(offer, met)
    codes = []
    for offer, who in ((scarce, late), (scarce, holder), (later, late)):
        headers = face.headers(who, accept_language=language)
        light, ordinary = face.light(offer.slug, headers), face.ordinary(offer.slug, headers)
        assert (light.status, light.told, light.body) == (
            ordinary.status,
            ordinary.told,
            ordinary.body,
        )
        codes.append(light.body["code"])
    assert codes == ["sold_out", "limit_reached", "not_open_yet"]
    assert ways[409] == 3


def test_what_is_unusual_goes_the_ordinary_way(face: Resident, city: World) -> None:
    offer, (met, who) = city.offer(city.plan(quota=9)), city.residents(2)
    face.known(offer, met)
    ways, good = counted(face), face.headers(who)
    for name, headers, body, status, code in (
        (offer.slug, {"idempotency-key": "k" * 9}, b"", 401, "token_missing"),
        (offer.slug, good | {"authorization": "Bearer x.y.z"}, b"", 401, "token_invalid"),
        (offer.slug, {"authorization": good["authorization"]}, b"", 400, "idempotency_key_missing"),
        (offer.slug, good | {"content-type": "application/json"}, b'{"a":1}', 422, "invalid_input"),
        ("no-such-offer", good, b"", 404, "not_found"),
    ):
        answer = face.light(name, headers, body)
        assert (answer.status, answer.body["code"]) == (status, code)
    assert not ways
    cookies = face.light(offer.slug, good | {"cookie": "lang=en"})
    assert (cookies.status, dict(ways)) == (201, {})


def test_an_offer_with_a_proof_of_work_is_not_claimed_the_light_way(
    face: Resident, city: World
) -> None:
    offer, who = city.offer(replace(city.plan(quota=9), proof_of_work=True)), city.resident()
    face.known(offer, city.resident())
    ways = counted(face)
    assert face.light(offer.slug, face.headers(who)).status == 428
    assert not ways


def test_a_crowd_shares_its_commits_and_gets_exactly_the_quota(face: Resident, city: World) -> None:
    offer, crowd = city.offer(city.plan(quota=31)), city.residents(64)
    face.known(offer, crowd[0])  # who meets it first has one

    async def all_at_once() -> list[Answer]:
        asked = [face.ask(offer.slug, face.headers(one)) for one in crowd[1:]]
        return list(await asyncio.gather(*asked))

    answers = run(all_at_once())
    assert Counter(one.status for one in answers) == {201: 30, 409: 33}
    assert len({one.body["id"] for one in answers if one.status == 201}) == 30


def test_who_taps_again_hears_sold_out_from_memory_and_not_for_long(
    face: Resident, city: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer, (holder, late) = city.offer(city.plan(quota=1)), city.residents(2)
    city.claim(offer, holder)
    face.known(offer, city.resident())
    group = crowd_of(face.flask).group
    assert face.light(offer.slug, face.headers(late)).body["code"] == "sold_out"
    assert late.id and holder.id
    assert group.told_lately(resident=late.id, offer=offer.id) is not None
    assert group.told_lately(resident=holder.id, offer=offer.id) is None
    monkeypatch.setattr("time.monotonic", lambda: 1e12)
    assert group.told_lately(resident=late.id, offer=offer.id) is None


def test_the_clients_address_is_what_the_counted_proxies_saw() -> None:
    forged = "203.0.113.7, 198.51.100.9"
    for header in (forged, f"{forged}, 10.0.0.3", "198.51.100.9", ""):
        for hops in (0, 1, 2):
            seen: dict[str, Any] = {}

            def app(environ: dict[str, Any], _start: Any, into: Any = seen) -> list[bytes]:
                into.update(environ)
                return []

            environ = {"REMOTE_ADDR": "10.9.9.9", "wsgi.url_scheme": "http"}
            if header:
                environ["HTTP_X_FORWARDED_FOR"] = header
            ProxyFix(app, x_for=hops)(environ, lambda *_: lambda _: None)
            assert evidence.address(header, "10.9.9.9", hops) == seen["REMOTE_ADDR"]


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("203.0.113", None),
        ("0203.0.113.7", None),
        ("nowhere", None),
        (None, None),
    ],
)
def test_an_address_is_kept_as_its_network_only(address: str | None, prefix: str | None) -> None:
    assert evidence.of(address, "", "").address_prefix == prefix
