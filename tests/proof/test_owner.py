"""Whoever owns the tables can change them, and is found out by comparing them with the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from tests.make import World
from voucher_service.infra.core import Core
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.proof import service, store
from voucher_service.proof.service import comparing
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
        found = service.glance(core, most=20)
        assert any(CHANGES[change] in one for one in found), found
    assert service.differences(core, most=20) == []
    assert service.glance(core, most=20) == []


def test_the_watch_reads_what_is_new_and_the_whole_log_in_a_round(
    core: Core, world: World, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.claim(world.offer(world.plan(quota=1)), world.resident())
    while service.seal(core):
        pass
    assert service.glance(core, most=20) == []
    size = service.state(core).size
    read: list[int] = []

    def leaves(session: Session, first: int, last: int) -> list[store.Leaf]:
        read.extend(range(first, last))
        return whole(session, first, last)

    whole = store.leaves
    monkeypatch.setattr(store, "leaves", leaves)
    monkeypatch.setattr(comparing, "_CHUNK", 7)
    with core.transaction() as session:
        session.execute(text("UPDATE log_looked SET old_size = 0, old_peaks = '{}'"))
    world.claim(world.offer(world.plan(quota=1)), world.resident())
    while service.seal(core):
        pass
    with changed(core, servers, "UPDATE log_leaf SET line = line || ' ' WHERE index = 5"):
        assert "entry 5" in service.glance(core, most=20)[0]
        assert set(read) == {*range(7), *range(size, service.state(core).size)}
        assert "entry 5" in service.glance(core, most=20)[0]  # everything is read until all is well
    assert service.glance(core, most=20) == []
    read.clear()
    for _ in range(service.state(core).size // 7 + 1):
        assert service.glance(core, most=20) == []
    assert set(read) == set(range(service.state(core).size))
