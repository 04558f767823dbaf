"""What is too often: counted without waiting, told with an hour, and away with its server."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from voucher_service.infra.core import Core
from voucher_service.settings import Limits as Sizes
from voucher_service.web.evidence import of
from voucher_service.web.limits import Buckets, Limits

SMALL = Sizes(
    resident_per_minute=60,
    resident_burst=3,
    device_per_minute=60,
    device_burst=5,
    network_per_second=10,
    network_burst=20,
    device_codes_per_hour=4,
    network_codes_per_minute=6,
)


@pytest.fixture
def small(core: Core) -> Iterator[Core]:
    """A core with small buckets."""
    made = Core(replace(core.settings, limits=SMALL), core.clock)
    yield made
    made.close()


_networks = itertools.count()


def a_network() -> str:
    """A network that no other test has."""
    number = next(_networks)
    return f"20.{number >> 8}.{number & 255}.0/24"


def test_a_bucket_gives_its_burst_then_one_at_a_time() -> None:
    bucket = Buckets(2, 3)
    assert [bucket.take("a", 10.0) for _ in range(4)] == [0, 0, 0, 1]
    assert bucket.take("b", 10.0) == 0
    assert [bucket.take("a", 10.6) for _ in range(2)] == [0, 1]
    assert [bucket.take("a", 99.0) for _ in range(4)] == [0, 0, 0, 1]


def test_what_is_remembered_is_bounded_and_nobody_busy_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from voucher_service.web import limits

    monkeypatch.setattr(limits, "_MOST", 100)
    bucket = Buckets(1, 3)
    refused = 0
    for n in range(1_000):
        bucket.take(n, 5.0)
        refused += bool(n % 20 == 0 and bucket.take("busy", 5.0))
    assert len(bucket._full) + len(bucket._older) <= 200
    assert refused == 50 - 3


def test_a_resident_a_device_and_a_network_are_counted_apart(small: Core) -> None:
    limits, device = Limits(small), uuid4().hex
    assert [limits.check(1, None, None) for _ in range(4)] == [None, None, None, 1]
    assert limits.check(2, None, None) is None
    assert [limits.check(None, device, None) for _ in range(6)] == [None] * 5 + [1]
    assert limits.check(None, None, None) is None


def test_a_network_is_counted_by_all_processes_together(small: Core) -> None:
    processes, network = [Limits(small) for _ in range(8)], a_network()
    for one in processes:
        assert one.check(None, None, network) is None
        for _ in range(14):
            one.check(None, None, network)
        one._networks.tell()
    # Of 120 twenty were in time, and ten more in each second since.
    until = time.monotonic() + 5
    while processes[-1].check(None, None, network) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert processes[-1].check(None, None, a_network()) is None


def test_counts_are_told_without_anybody_waiting(small: Core) -> None:
    limits, network = Limits(small), a_network()
    for _ in range(100):
        limits.check(None, None, network)
    until = time.monotonic() + 10
    while limits.check(None, None, network) is None:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_without_a_counted_proxy_nobody_is_refused_for_coming_from_here(small: Core) -> None:
    limits, here = Limits(small), of("127.0.0.1", "", "").address_prefix
    assert here is not None
    assert {limits.check(None, None, here) for _ in range(100)} == {None}
    assert limits._networks._new == {}


def test_with_redis_away_networks_and_codes_are_let_through(bare_core: Core) -> None:
    with_small = Core(replace(bare_core.settings, limits=SMALL), bare_core.clock)
    limits, network = Limits(with_small), a_network()
    for _ in range(100):
        limits.check(None, None, network)
    limits._networks.tell()
    assert limits.check(None, None, network) is None
    assert {limits.check_codes("d", network) for _ in range(9)} == {None}
    with_small.close()


def test_codes_are_counted_by_device_and_by_network(small: Core) -> None:
    limits, device, network = Limits(small), uuid4().hex, a_network()
    assert [limits.check_codes(device, None) is None for _ in range(5)] == [True] * 4 + [False]
    assert (limits.check_codes(device, None) or 0) > 900  # one in a quarter of an hour
    assert [limits.check_codes(None, network) is None for _ in range(7)] == [True] * 6 + [False]


def test_a_forged_address_does_not_dodge_the_limit(small: Core) -> None:
    """Behind one counted proxy only what that proxy wrote counts."""
    app, limits = Flask("a face"), Limits(small)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]

    @app.get("/")
    def show() -> str:
        prefix = of(request.remote_addr, "", "").address_prefix
        return str(limits.check(None, None, prefix))

    client, mine = app.test_client(), a_network().removesuffix("0/24") + "7"
    for n in range(100):
        client.get("/", headers={"X-Forwarded-For": f"8.8.{n}.8, {mine}"})
    limits._networks.tell()
    told = client.get("/", headers={"X-Forwarded-For": f"9.9.9.9, {mine}"}).text
    assert told != "None"


def test_counting_costs_little(core: Core) -> None:
    limits, crowd = Limits(core), [uuid4() for _ in range(2_000)]
    fastest = 1.0
    for _ in range(5):
        started = time.perf_counter()
        for one in crowd:
            limits.check(one, None, "127.0.0.0/24")
        fastest = min(fastest, (time.perf_counter() - started) / len(crowd))
    assert fastest < 10e-6  # about one millionth on a quiet machine
