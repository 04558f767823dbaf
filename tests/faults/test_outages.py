"""Servers that die: 503 with Retry-After, nothing lost, and no restart of the faces."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from merchant_portal.app import create_app as create_merchant
from tests.faults.killable import core_on, servers_in
from tests.make import World
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.infra.embedded.servers import DATABASE, GATE, QUEUE, Servers
from voucher_service.kernel.actor import Actor
from voucher_service.reports import verification
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

BACK_SECONDS = 20.0


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers of this module alone, to be killed."""
    with servers_in(tmp_path_factory.mktemp("outage")) as running:
        yield running


@pytest.fixture(scope="module")
def core(own: Servers) -> Iterator[Core]:
    """A core on them."""
    with core_on(own) as made:
        yield made


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    """A city on these servers."""
    return World(core)


@pytest.fixture(scope="module")
def offer(city: World) -> Offer:
    """An offer that outlives the outages."""
    return city.offer(city.plan(quota=50))


@pytest.fixture(scope="module")
def resident(core: Core) -> FlaskClient:
    """The resident face, started once."""
    return create_resident(core).test_client()


@pytest.fixture(scope="module")
def till(core: Core) -> FlaskClient:
    """The merchant face, started once."""
    return create_merchant(core).test_client()


def kill(servers: Servers, name: str) -> None:
    """Pull the plug of one server, and be sure that it is gone."""
    child = servers.children[name]
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while child.exit_code() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert child.exit_code() is not None


def start_again(servers: Servers, name: str) -> None:
    """Plug it in again, on the same address and data."""
    servers.children[name].start()


def again_until(good: int, ask: Callable[[], TestResponse]) -> TestResponse:
    """Ask as a client does, with the same request, until the answer is there."""
    deadline = time.monotonic() + BACK_SECONDS
    while (answer := ask()).status_code != good and time.monotonic() < deadline:
        assert answer.status_code == 503, answer.text
        time.sleep(0.2)
    return answer


def claim(face: FlaskClient, core: Core, offer: Offer, who: Actor, key: str) -> TestResponse:
    """One claim through the API."""
    assert who.id
    token = issue(core, Face.RESIDENT, who.id).access_token
    return face.post(
        f"/api/v1/offers/{offer.id}/claims",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
    )


@pytest.mark.parametrize("name", [GATE, DATABASE])
def test_a_claim_waits_out_the_loss_of_a_server(
    own: Servers, core: Core, city: World, offer: Offer, resident: FlaskClient, name: str
) -> None:
    who, key = city.resident(), uuid4().hex
    kept = claim(resident, core, offer, city.resident(), "kept").get_json()
    kill(own, name)
    refused = claim(resident, core, offer, who, key)
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.get_json()["code"] == "try_again"
    start_again(own, name)
    answer = again_until(201, lambda: claim(resident, core, offer, who, key))
    assert claim(resident, core, offer, who, key).get_json()["id"] == answer.get_json()["id"]
    assert kept["id"] != answer.get_json()["id"]
    assert verification.verify(core).breaches == ()


def test_a_till_waits_out_the_loss_of_the_database(
    own: Servers, core: Core, city: World, offer: Offer, till: FlaskClient
) -> None:
    voucher, cashier = city.claim(offer), city.cashier()
    assert cashier.id
    token = issue(core, Face.MERCHANT, cashier.id).access_token
    code = city.code(voucher)

    def redeem() -> TestResponse:
        return till.post(
            "/api/v1/redemptions",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "order-1"},
            json={"code": code, "order_amount_fen": 12_800, "order_reference": "order-1"},
        )

    kill(own, DATABASE)
    refused = redeem()
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    start_again(own, DATABASE)
    first = again_until(201, redeem).get_json()
    assert redeem().get_json()["id"] == first["id"]
    assert verification.verify(core).breaches == ()


def test_what_was_acknowledged_survives_a_killed_database(
    own: Servers, core: Core, city: World, offer: Offer, resident: FlaskClient
) -> None:
    crowd = city.residents(5)
    acknowledged = {
        who.id: claim(resident, core, offer, who, "first").get_json()["id"] for who in crowd
    }
    kill(own, DATABASE)
    kill(own, GATE)
    start_again(own, DATABASE)
    start_again(own, GATE)
    for who in crowd:
        answer = again_until(201, lambda who=who: claim(resident, core, offer, who, "first"))
        assert answer.get_json()["id"] == acknowledged[who.id]
        assert answer.headers["Idempotency-Replayed"] == "true"


def test_a_queue_that_is_away_delays_jobs_and_loses_none(own: Servers, core: Core) -> None:
    from voucher_service.infra import outbox
    from voucher_service.reconciliation import service as reconciliation

    kill(own, QUEUE)
    keys = reconciliation.ask(core)
    with core.transaction() as session:
        assert set(keys) <= set(outbox.due(session))
    start_again(own, QUEUE)
