"""Real servers for every test: one PostgreSQL and two Valkeys a worker, one database a module."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as property_settings
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine, create_engine, make_url

from tests.make import World
from tests.web.chromium import NoBrowserError, launch_options
from voucher_service import migrate
from voucher_service import settings as settings_module
from voucher_service.identity import passwords
from voucher_service.infra.core import Core, build, with_clock
from voucher_service.infra.embedded import ports, postgres
from voucher_service.infra.embedded.servers import GATE, QUEUE, Servers
from voucher_service.kernel.clock import Clock, day_of, end_of
from voucher_service.settings import Settings
from voucher_service.tradein import shelf
from voucher_service.tradein.policy import Policy
from voucher_service.vouchers import refusals

TEMPLATE = postgres.DATABASE
LAST_DAY = date(2099, 12, 31)
NOON = datetime(2026, 9, 23, 4, 0, tzinfo=UTC)
_begun: set[Path] = set()


class Compiled(BytecodeCache):
    """Templates that a face of this process has compiled, for the faces of later modules."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key, bucket.checksum] = bucket.code


# How long an example takes says something of the machine, and nothing of the property. A change is
# judged by the same examples as the one before it; who tests at home draws new ones.
property_settings.register_profile(
    "unhurried",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
property_settings.load_profile("unhurried")
# No two workers choose the same port, in the moment before somebody listens there.
_part = len(ports._RANGE) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_first = _part * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ports._RANGE = ports._RANGE[_first : _first + _part]
Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Compiled()}


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What a test does is of one day: near the end of one it waits for the next.

    A module with what it keeps wants a minute of the day, each of its tests some seconds.
    """
    wanted = timedelta(seconds=10 if item.path in _begun else 60)
    _begun.add(item.path)
    while end_of(day_of(now := datetime.now(UTC))) - now < wanted:
        time.sleep(0.5)


@pytest.fixture(scope="session", autouse=True)
def slow_hasher() -> Iterator[PasswordHasher]:
    """The product's own; tests hash passwords quickly, for they enter thousands of people."""
    with pytest.MonkeyPatch.context() as patch:
        own = passwords._HASHER
        patch.setattr(passwords, "_HASHER", PasswordHasher(1, 8, 1))
        yield own


@pytest.fixture(scope="session")
def shipped() -> tuple[Policy, ...]:
    """The rules of trade-in as they ship: those of a year end with it."""
    return shelf.shelf()


@pytest.fixture(scope="module", autouse=True)
def rules_in_force(shipped: tuple[Policy, ...]) -> Iterator[None]:
    """The newest rules do not end: tests that want some in force today pass on any day.

    Tests of the rules themselves have those that ship, and a day of their own.
    """
    newest = max(one.last for one in shipped)
    on_shelf(
        replace(one, last=LAST_DAY, file_by=one.file_by and LAST_DAY) if one.last == newest else one
        for one in shipped
    )
    yield
    on_shelf(shipped)


def on_shelf(policies: Iterable[Policy]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "load", lambda _: tuple(policies))
        shelf.shelf.cache_clear()
        shelf.shelf()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers of this worker, with a migrated template database."""
    data = tmp_path_factory.mktemp("servers", numbered=True)
    running = Servers(data, durable=False)
    running.start()
    try:
        migrate.upgrade(running.url("postgres", postgres.OWNER))
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def database_url(servers: Servers) -> Iterator[str]:
    """A fresh copy of the migrated database, for one module of tests."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture(scope="module")
def owner(servers: Servers, database_url: str) -> Iterator[Engine]:
    """The role that owns the tables of the module's database."""
    name = make_url(database_url).database
    engine = create_engine(make_url(servers.url("postgres", postgres.OWNER)).set(database=name))
    yield engine
    engine.dispose()


@contextmanager
def fresh_database(servers: Servers) -> Iterator[str]:
    """A copy of the migrated database, dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    superuser = _on(servers.url("postgres", postgres.SUPERUSER), "postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        # Copied file by file: through the log, as is usual, it takes ten times as long.
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield _on(servers.url("postgres"), name)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _on(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def settings(
    servers: Servers, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of a face that runs on these servers."""
    return settings_on(servers, database_url, tmp_path_factory.mktemp("outbox") / "sms.jsonl")


def settings_on(servers: Servers, database_url: str, outbox: Path) -> Settings:
    """Settings for one database of these servers."""
    return settings_module.load(
        {
            "VOUCHER_ENV": "test",
            "VOUCHER__DATABASE__URL": database_url,
            "VOUCHER__GATE__URL": servers.url(GATE),
            "VOUCHER__QUEUE__URL": servers.url(QUEUE),
            "VOUCHER__SMS__OUTBOX": str(outbox),
            "VOUCHER__MATCHING__FOLDER": str(outbox.parent / "uploads"),
        }
    )


@pytest.fixture(scope="module")
def core(settings: Settings) -> Iterator[Core]:
    """A core on the servers' own clock."""
    made = build(settings)
    yield made
    refusals.flush(made)
    made.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that a test sets; it begins at noon of a Wednesday in September, Shanghai time."""
    return Clock(NOON)


@pytest.fixture
def clock_core(core: Core, clock: Clock) -> Core:
    """The same servers on the test's clock."""
    return with_clock(core, clock)


@pytest.fixture(scope="module")
def world(core: Core) -> World:
    """Builders that walk the real services, on the servers' clock; one city for a module."""
    return World(core)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real browser. Without one its tests are named at the end, and fail under CI."""
    try:
        options = launch_options()
    except NoBrowserError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no browser: {error}")
        pytest.skip(f"no browser: {error}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options)
        yield browser
        browser.close()
