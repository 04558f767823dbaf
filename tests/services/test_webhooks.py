"""Merchants' systems are told what happened to their orders: signed, repeated, and safely."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from tests.faces.own_till import manager_of
from tests.make import World
from tests.services.receivers import Receiver, receiver
from voucher_service.campaigns.model import Offer
from voucher_service.infra import outbox, outgoing, signatures
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.outgoing import AddressRefused, NotTakenError
from voucher_service.jobs import runtime
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.tills import public_keys
from voucher_service.webhooks import service as webhooks
from voucher_service.webhooks.model import TAG, Endpoint, EndpointLimit, wait


@pytest.fixture(scope="module")
def offer(world: World) -> Offer:
    """满100减20, enough for all tests here."""
    return world.offer(world.plan(quota=100))


@pytest.fixture(scope="module", autouse=True)
def listening(core: Core) -> None:
    """The trail is read from now on."""
    webhooks.spread(core)


@pytest.fixture
def system() -> Iterator[Receiver]:
    """A merchant's system."""
    with receiver() as found:
        yield found


@pytest.fixture
def shop(world: World) -> tuple[Actor, Actor]:
    """A cashier and the manager of a new shop."""
    cashier = world.cashier()
    return cashier, manager_of(world, cashier)


def told(core: Core, shop: tuple[Actor, Actor], system: Receiver) -> Endpoint:
    """An endpoint of the shop."""
    return webhooks.add(core, actor=shop[1], url=system.url)


def log(core: Core, shop: tuple[Actor, Actor], endpoint: Endpoint) -> list[Any]:
    """What became of the endpoint's messages, newest first."""
    _, page = webhooks.messages(core, actor=shop[1], endpoint=endpoint.id, cursor=None, limit=50)
    return list(page.items)


def later(core: Core, **span: float) -> Core:
    """The same servers so much later."""
    return with_clock(core, Clock(datetime.now(UTC) + timedelta(**span)))


def test_a_redemption_is_told_and_anybody_can_check_who_says_so(
    core: Core, world: World, offer: Offer, shop: tuple[Actor, Actor], system: Receiver
) -> None:
    endpoint = told(core, shop, system)
    done = world.redeem(world.claim(offer), shop[0]).value
    assert webhooks.spread(core) == 1
    assert webhooks.spread(core) == 0
    assert webhooks.send(core, endpoint=endpoint.id, seconds=5) == 1
    (came,) = system.came
    said = json.loads(came.body)
    assert (said["type"], said["redemption"]["id"]) == ("redemption.committed", str(done.id))
    assert said["redemption"]["discount_fen"] == 2_000
    assert dict(came.headers)["Webhook-Id"] == said["id"]
    keys = {
        one["kid"]: public_keys.read(json.dumps(one))
        for one in webhooks.published_keys(core.keyring)["keys"]
    }
    now = datetime.now(UTC)
    found = signatures.verify(
        replace(came, url=system.url), tag=TAG, find=keys.get, now=now, within=timedelta(minutes=1)
    )
    assert found.key_id == "webhook-1"
    forged = replace(came, body=came.body.replace(b"2000", b"9000"))
    with pytest.raises(signatures.DigestMismatch):
        signatures.verify(forged, tag=TAG, find=keys.get, now=now, within=timedelta(minutes=1))


def test_the_worker_sends_what_waits(
    core: Core, world: World, offer: Offer, shop: tuple[Actor, Actor], system: Receiver
) -> None:
    endpoint = told(core, shop, system)
    for _ in range(3):
        world.redeem(world.claim(offer), shop[0])
    webhooks.spread(core)
    with core.transaction() as session:
        assert endpoint.id in webhooks.due(session)
        key = webhooks.want(session, endpoint=endpoint.id)
    assert runtime.do(core, key)
    assert [json.loads(one.body)["type"] for one in system.came] == ["redemption.committed"] * 3
    with core.transaction() as session:
        assert outbox.served(session, key=key)
        assert endpoint.id not in webhooks.due(session)


def test_a_commit_that_comes_late_is_not_missed(
    core: Core, world: World, offer: Offer, shop: tuple[Actor, Actor], system: Receiver
) -> None:
    endpoint = told(core, shop, system)
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with core.transaction() as session:  # it has a number of its own, and the lower event id
            session.execute(text("SELECT pg_current_xact_id()"))
            session.execute(
                text(
                    "INSERT INTO audit.event (actor, action, object_type, object_id, occurred_at)"
                    " SELECT 'system', 'redemption.lapsed', 'redemption', object_id, now()"
                    " FROM audit.event WHERE action = 'redemption.committed' AND object_id = :id"
                ),
                {"id": str(first.id)},
            )
            begun.set()
            go_on.wait(10)

    first = world.redeem(world.claim(offer), shop[0]).value
    thread = threading.Thread(target=slow)
    thread.start()
    assert begun.wait(10)
    world.redeem(world.claim(offer), shop[0])
    told_early = webhooks.spread(core)
    go_on.set()
    thread.join()
    told_late = sum(webhooks.spread(core) for _ in range(3))
    kinds = sorted(one.kind for one in log(core, shop, endpoint))
    assert told_early + told_late == 3
    assert kinds == ["redemption.committed", "redemption.committed", "redemption.lapsed"]


def test_a_system_that_fails_is_asked_again_and_waits_grow(
    core: Core, world: World, offer: Offer, shop: tuple[Actor, Actor], system: Receiver
) -> None:
    endpoint = told(core, shop, system)
    system.status = 500
    world.redeem(world.claim(offer), shop[0])
    webhooks.spread(core)
    assert webhooks.send(core, endpoint=endpoint.id, seconds=5) == 0
    (waiting,) = log(core, shop, endpoint)
    assert (waiting.attempts, waiting.last_error) == (1, "answered 500")
    assert webhooks.send(core, endpoint=endpoint.id, seconds=5) == 0
    assert len(system.came) == 1  # not due yet
    system.status = 204
    assert webhooks.send(later(core, seconds=11), endpoint=endpoint.id, seconds=5) == 1
    (done,) = log(core, shop, endpoint)
    assert done.delivered_at is not None
    assert system.came[0].body == system.came[1].body
    waits = [wait(timedelta(seconds=seconds)) for seconds in (0, 60, 3_600, 10**6)]
    assert [one.total_seconds() for one in waits] == [10, 60, 3_600, 10_800]


def test_a_message_is_given_up_after_a_day_and_sent_when_asked_for(
    core: Core, world: World, offer: Offer, shop: tuple[Actor, Actor], system: Receiver
) -> None:
    endpoint = told(core, shop, system)
    system.status = 503
    world.redeem(world.claim(offer), shop[0])
    webhooks.spread(core)
    webhooks.send(later(core, hours=25), endpoint=endpoint.id, seconds=5)
    (gone,) = log(core, shop, endpoint)
    assert gone.given_up_at is not None
    system.status = 200
    assert webhooks.send(later(core, hours=30), endpoint=endpoint.id, seconds=5) == 0
    assert webhooks.replay(core, actor=shop[1], message=gone.id) == endpoint.id
    assert webhooks.send(core, endpoint=endpoint.id, seconds=5) == 1
    assert system.came[0].body == system.came[1].body


def test_an_endpoint_that_fails_for_days_is_switched_off_until_its_manager_tries_again(
    core: Core, world: World, offer: Offer, shop: tuple[Actor, Actor], system: Receiver
) -> None:
    endpoint = told(core, shop, system)
    system.status = 404
    world.redeem(world.claim(offer), shop[0])
    webhooks.spread(core)
    webhooks.send(core, endpoint=endpoint.id, seconds=5)
    webhooks.send(later(core, hours=1), endpoint=endpoint.id, seconds=5)
    (seen,) = webhooks.endpoints(core, actor=shop[1])
    assert seen.disabled_at is None
    world.redeem(world.claim(offer), shop[0])
    webhooks.spread(core)
    webhooks.send(later(core, days=3, hours=1), endpoint=endpoint.id, seconds=5)
    (seen,) = webhooks.endpoints(core, actor=shop[1])
    assert seen.disabled_at is not None
    world.redeem(world.claim(offer), shop[0])
    assert webhooks.spread(core) == 0
    system.status = 200
    assert webhooks.switch_on(core, actor=shop[1], endpoint=endpoint.id).disabled_at is None
    world.redeem(world.claim(offer), shop[0])
    assert webhooks.spread(core) == 1


def test_another_shop_is_told_nothing_and_sees_nothing(
    core: Core, world: World, offer: Offer, shop: tuple[Actor, Actor], system: Receiver
) -> None:
    endpoint = told(core, shop, system)
    stranger = manager_of(world, world.cashier())
    world.redeem(world.claim(offer))
    assert webhooks.spread(core) == 0
    with pytest.raises(NoSuchThing):
        webhooks.remove(core, actor=stranger, endpoint=endpoint.id)
    with pytest.raises(NoSuchThing):
        webhooks.messages(core, actor=stranger, endpoint=endpoint.id, cursor=None, limit=1)
    with pytest.raises(NotAllowed):
        webhooks.endpoints(core, actor=shop[0])


def test_a_removed_endpoint_is_told_nothing_more(
    core: Core, world: World, offer: Offer, shop: tuple[Actor, Actor], system: Receiver
) -> None:
    endpoint = told(core, shop, system)
    world.redeem(world.claim(offer), shop[0])
    webhooks.spread(core)
    webhooks.remove(core, actor=shop[1], endpoint=endpoint.id)
    assert webhooks.send(core, endpoint=endpoint.id, seconds=5) == 0
    world.redeem(world.claim(offer), shop[0])
    assert webhooks.spread(core) == 0
    assert system.came == []


def test_addresses_inside_are_refused_when_they_are_entered(
    core: Core, shop: tuple[Actor, Actor]
) -> None:
    for url in ("http://example.com/", "https://10.0.0.1/", "https://db.internal/"):
        with pytest.raises(AddressRefused):
            webhooks.add(core, actor=shop[1], url=url)
    for number in range(3):
        webhooks.add(core, actor=shop[1], url=f"https://pos{number}.example.com/")
    webhooks.add(core, actor=shop[1], url="https://pos0.example.com/")
    with pytest.raises(EndpointLimit):
        webhooks.add(core, actor=shop[1], url="https://pos3.example.com/")


def test_redirects_are_not_followed_and_dawdlers_are_left(system: Receiver) -> None:
    system.status = 302
    with pytest.raises(NotTakenError, match="answered 302"):
        outgoing.post(system.url, b"{}", {}, loopback=True)
    system.status, system.drip = 200, True
    began = time.monotonic()
    with pytest.raises(NotTakenError):
        outgoing.post(system.url, b"{}", {}, loopback=True, seconds=0.4)
    assert time.monotonic() - began < 4  # of the five that it takes to answer


def test_the_certificate_must_be_the_names_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trust = _certified(tmp_path, "pos.example.com")
    monkeypatch.setattr(outgoing, "is_open", lambda _: True)  # the test's server is on this machine
    with receiver(server) as system:
        port = system.url.split(":")[2].split("/")[0]
        here = {"names": lambda *_: ["127.0.0.1"], "trust": trust}
        outgoing.post(f"https://pos.example.com:{port}/x", b"{}", {}, **here)
        assert system.came[0].url == f"https://pos.example.com:{port}/x"
        with pytest.raises(NotTakenError, match="SSLCertVerificationError"):
            outgoing.post(f"https://other.example.com:{port}/", b"{}", {}, **here)
        with pytest.raises(NotTakenError, match="SSLCertVerificationError"):
            outgoing.post(
                f"https://pos.example.com:{port}/", b"{}", {}, names=lambda *_: ["127.0.0.1"]
            )


def _certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server shows, and what a client trusts."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    both = folder / "server.pem"
    pem = made.public_bytes(Encoding.PEM)
    both.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(both)
    return server, ssl.create_default_context(cadata=pem.decode())
