"""Nonces and keys under many hands at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.faces.own_till import manager_of, public
from tests.make import World
from voucher_service.infra import signatures
from voucher_service.infra.core import Core
from voucher_service.infra.signatures import Message
from voucher_service.kernel.errors import DomainError
from voucher_service.tills import service as tills
from voucher_service.tills.model import TAG, TillKey
from voucher_service.webhooks import service as webhooks
from voucher_service.webhooks.model import MOST_ENDPOINTS


@pytest.fixture
def till(core: Core, world: World) -> tuple[TillKey, Ed25519PrivateKey]:
    """A registered till and its key."""
    private = Ed25519PrivateKey.generate()
    manager = manager_of(world, world.cashier())
    made = tills.register(core, actor=manager, name="1 号", public_key=public(private))
    return made, private


def signed(till: tuple[TillKey, Ed25519PrivateKey]) -> Message:
    """A request of the till."""
    plain = Message("GET", "http://localhost/api/v1/me", {})
    made = signatures.sign(
        plain, tag=TAG, key=till[1], key_id=str(till[0].id), now=datetime.now(UTC)
    )
    return Message(plain.method, plain.url, made)


def results(do: Callable[[int], object], count: int) -> Counter[str]:
    """What so many at the same moment are told."""

    def told(number: int) -> str:
        try:
            do(number)
        except DomainError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(5) as pool:
        return Counter(pool.map(told, range(count)))


def test_of_many_copies_of_a_request_one_counts(
    core: Core, till: tuple[TillKey, Ed25519PrivateKey]
) -> None:
    copies = [message for message in [signed(till) for _ in range(5)] for _ in range(20)]
    found = results(lambda number: tills.caller(core, message=copies[number]), 100)
    assert found == {"ok": 5, "signature_replayed": 95}


def test_different_requests_do_not_wait_for_each_other(
    core: Core, till: tuple[TillKey, Ed25519PrivateKey]
) -> None:
    messages = [signed(till) for _ in range(40)]
    assert results(lambda number: tills.caller(core, message=messages[number]), 40) == {"ok": 40}


def test_a_till_never_has_more_keys_than_a_rotation_needs(
    core: Core, world: World, till: tuple[TillKey, Ed25519PrivateKey]
) -> None:
    manager = manager_of(world, world.cashier())
    made = tills.register(
        core, actor=manager, name="2 号", public_key=public(Ed25519PrivateKey.generate())
    )

    def add(_: int) -> None:
        key = public(Ed25519PrivateKey.generate())
        tills.add_key(core, actor=manager, till=made.cashier_id, public_key=key)

    assert results(add, 10) == {"ok": 1, "till_key_limit": 9}


def test_a_shop_never_has_more_addresses_than_it_may(core: Core, world: World) -> None:
    manager = manager_of(world, world.cashier())

    def add(number: int) -> None:
        webhooks.add(core, actor=manager, url=f"https://pos{number % 6}.example.com/")

    results(add, 24)
    urls = [one.url for one in webhooks.endpoints(core, actor=manager)]
    assert len(urls) == len(set(urls)) == MOST_ENDPOINTS
