"""Migrations: numbered, one line of heads, up and down and up, and the same as the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, make_url

from voucher_service import migrate
from voucher_service.infra.embedded import postgres
from voucher_service.infra.embedded.servers import Servers
from voucher_service.tables import METADATA


@pytest.fixture
def empty(servers: Servers) -> Iterator[str]:
    """An empty database of the owner's."""
    name = f"empty_{uuid4().hex[:12]}"
    superuser = make_url(servers.url("postgres", postgres.SUPERUSER)).set(database="postgres")
    address = superuser.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {postgres.OWNER}")
    owner = make_url(servers.owner_url).set(database=name)
    yield owner.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def tables(url: str) -> set[str]:
    """The tables of ours that are there."""
    engine = create_engine(url)
    found = {
        name
        for schema in ("public", "ledger", "audit")
        if schema in inspect(engine).get_schema_names()
        for name in inspect(engine).get_table_names(schema)
    }
    engine.dispose()
    return found - {"alembic_version"}


def test_up_and_down_and_up_again(empty: str) -> None:
    migrate.upgrade(empty)
    there = tables(empty)
    migrate.downgrade(empty, "base")
    assert tables(empty) == set()
    migrate.upgrade(empty)
    assert tables(empty) == there


def test_the_schema_is_what_the_models_say(empty: str) -> None:
    migrate.upgrade(empty)
    engine = create_engine(empty)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "compare_type": True,
                "target_metadata": METADATA,
                "include_name": lambda name, kind, _: (
                    kind != "schema" or name in (None, "ledger", "audit")
                ),
            },
        )
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_migrations_are_numbered_in_one_line() -> None:
    script = ScriptDirectory(str(migrate.MIGRATIONS))
    revisions = [one.revision for one in script.walk_revisions()][::-1]
    assert revisions == [f"{number:04d}" for number in range(1, len(revisions) + 1)]
    files = sorted(path.name for path in (migrate.MIGRATIONS / "versions").glob("*.py"))
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.py", name) for name in files)


def test_a_migration_links_to_nothing_of_ours() -> None:
    for path in (migrate.MIGRATIONS / "versions").glob("*.py"):
        assert "voucher_service" not in path.read_text("utf-8"), path


def test_a_database_of_another_version_is_told_by_its_revision_or_by_what_it_lacks(
    empty: str,
) -> None:
    migrate.upgrade(empty)
    assert migrate.unfit(empty) == ""
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("ALTER TABLE voucher DROP COLUMN code_ref CASCADE")
        assert "public.voucher.code_ref" in migrate.unfit(empty)
        connection.execute("UPDATE alembic_version SET version_num = '0036'")
        assert "revision 0036" in migrate.unfit(empty)
        connection.execute("DROP TABLE alembic_version")
    assert "revision unknown" in migrate.unfit(empty)
