"""Random operations on the books, with crashes: every fen is where the walk's own sums say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.conftest import fresh_database, settings_on
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.core import build as build_core
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.kernel.clock import Clock
from voucher_service.vouchers import refusals

from .city import START, City, build
from .sums import Differs
from .walk import Walk

OPERATIONS = 700


@pytest.fixture
def own(servers: Servers, tmp_path: Path) -> Iterator[Core]:
    """A core on a database that no other walk was in."""
    with fresh_database(servers) as url:
        made = build_core(settings_on(servers, url, tmp_path / "sms.jsonl"))
        yield made
        refusals.flush(made)
        made.close()


@pytest.fixture
def city(own: Core) -> City:
    return build(with_clock(own, Clock(START)), 120)


def test_every_fen_is_where_it_should_be_after_any_operations_and_crashes(
    own: Core, city: City
) -> None:
    walk = Walk(own, city, seed=7, crash_rate=0.3)
    try:
        report = walk.run(OPERATIONS)
    finally:
        walk.close()
    assert report.operations.total() >= OPERATIONS
    assert min(report.endings[one] for one in ("nothing was done", "all was done")) > 0
    assert {"claim", "redeem", "sign", "fold", "expire"} <= set(report.operations)


def test_a_walk_notices_one_fen_that_an_owner_moved(
    own: Core, city: City, servers: Servers
) -> None:
    walk = Walk(own, city, seed=8, crash_rate=0.0)
    try:
        walk.run(50)
        name = make_url(own.settings.database.url).database
        owner = make_url(servers.url("postgres", postgres.OWNER)).set(database=name)
        with psycopg.connect(owner.render_as_string(hide_password=False)) as connection:
            connection.execute("ALTER TABLE ledger.entry DISABLE TRIGGER append_only")
            connection.execute(
                "UPDATE ledger.entry SET amount_fen = amount_fen + sign(amount_fen)"
                " WHERE transfer_id = (SELECT max(id) FROM ledger.transfer)"
            )
            connection.execute("ALTER TABLE ledger.entry ENABLE TRIGGER append_only")
        with pytest.raises(Differs):
            walk.run(10_000)
    finally:
        walk.close()
