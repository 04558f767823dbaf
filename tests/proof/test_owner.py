"""Whoever owns the tables can change them, and is found out by comparing them with the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url, text

from tests.make import World
from voucher_service.infra.core import Core
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.proof import service
from voucher_service.reports import verification

TABLES = ("audit.event", "log_leaf")
CHANGES = {
    "UPDATE audit.event SET actor = 'staff:x' WHERE id = {event}": "changed in the books",
    "DELETE FROM audit.event WHERE id = {event}": "gone from the books",
    "UPDATE log_leaf SET line = line || ' ' WHERE index = 5": "not what was sealed",
    "UPDATE log_leaf SET line = 'x', hash = sha256('\\x0078') WHERE index = 5": "of their head",
    "INSERT INTO audit.event (actor, action, object_type, object_id, occurred_at, xid)"
    " VALUES ('system', 'x', 'x', 'x', now(), 1)": "rows to seal",
}


@contextmanager
def changed(core: Core, servers: Servers, statement: str) -> Iterator[None]:
    """The books after somebody who may do everything did it; as before afterwards."""
    url = make_url(servers.url("postgres", postgres.SUPERUSER))
    url = url.set(database=core.engine.url.database)
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        for table in TABLES:
            owner.execute(f"CREATE TEMP TABLE {table.replace('.', '_')}_was AS TABLE {table}")
        owner.execute(statement)
        yield
        for table in TABLES:
            owner.execute(f"DELETE FROM {table}")
            owner.execute(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE"
                f" TABLE pg_temp.{table.replace('.', '_')}_was"
            )


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_books_or_log_is_found(
    core: Core, world: World, servers: Servers, change: str
) -> None:
    world.claim(world.offer(world.plan(quota=1)), world.resident())
    while service.seal(core):
        pass
    service.publish(core)
    assert service.differences(core, most=20) == []
    with core.transaction() as session:
        event = session.execute(text("SELECT max(id) FROM audit.event")).scalar_one()
    with changed(core, servers, change.format(event=event)):
        found = service.differences(core, most=20)
        assert any(CHANGES[change] in one for one in found), found
        breaches = verification.verify(core).breaches
        assert any(one.invariant == verification.LOG for one in breaches)
    assert service.differences(core, most=20) == []
