"""Nobody rewrites the books: the application has no right to, the owner meets a trigger."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.make import World
from voucher_service.infra.core import Core
from voucher_service.reports import invariants
from voucher_service.tables import METADATA

GUARDED = (
    "SELECT n.nspname || '.' || c.relname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE g.tgname = 'append_only'"
)
BOOKS = sorted(name for name in METADATA.tables if name.startswith(("ledger.", "audit.")))
VERBS = ("UPDATE {} SET recorded_at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE")
ENTRY_VERBS = {VERBS[0]: "UPDATE {} SET amount_fen = 1"}  # has no instant of its own


def statement(table: str, verb: str) -> str:
    """The verb on a table, where both fit."""
    return (ENTRY_VERBS.get(verb, verb) if table == "ledger.entry" else verb).format(table)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("table", BOOKS)
def test_nobody_rewrites_the_books(
    world: World, core: Core, owner: Engine, table: str, verb: str
) -> None:
    world.offer()
    with pytest.raises(DBAPIError, match="permission denied"), core.transaction() as session:
        session.execute(text(statement(table, verb)))
    with pytest.raises(DBAPIError, match="append only"), owner.begin() as connection:
        connection.execute(text(statement(table, verb)))


def test_every_guarded_table_elsewhere_is_refused_to_the_application_too(
    core: Core, owner: Engine
) -> None:
    with owner.connect() as connection:
        guarded = sorted(connection.execute(text(GUARDED)).scalars())
    assert set(BOOKS) <= set(guarded)
    for table in guarded:
        for verb in ("UPDATE", "DELETE", "TRUNCATE"):
            with core.transaction() as session:
                may = text("SELECT has_table_privilege('voucher_app', :table, :verb)")
                assert not session.execute(may, {"table": table, "verb": verb}).scalar_one()


@pytest.mark.parametrize(
    "change",
    [
        "GRANT UPDATE ON ledger.entry TO voucher_app",
        "GRANT DELETE ON audit.event TO voucher_app",
        "ALTER TABLE ledger.transfer DISABLE TRIGGER append_only",
        "ALTER TABLE ledger.entry DISABLE TRIGGER balanced",
        "DROP TRIGGER append_only ON ledger.account",
        "CREATE TABLE ledger.beside (id int)",
    ],
)
def test_a_guard_that_is_gone_is_named(owner: Engine, change: str) -> None:
    rules = [query for name, query in invariants.LEDGER.items() if name.startswith("L8")]
    with owner.connect() as connection:
        assert not [one for query in rules for one in connection.execute(text(query))]
        connection.execute(text(change))
        assert [one for query in rules for one in connection.execute(text(query))]
        connection.rollback()
