"""Bring a database to the newest schema. Run by its owner; faces and workers can't."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import ProgrammingError

from voucher_service.tables import METADATA

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def config(owner_url: str) -> Config:
    """Alembic's configuration for one database."""
    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS))
    found.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    found.attributes["configured"] = True
    return found


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Apply what is missing; nothing when the schema is current."""
    command.upgrade(config(owner_url), revision)


def downgrade(owner_url: str, revision: str) -> None:
    """Go back to an earlier revision ("base": an empty database)."""
    command.downgrade(config(owner_url), revision)


def unfit(url: str) -> str:
    """Why this version can't work on a database, as a part of a sentence; empty when it can.

    The revision tells an older and a newer schema; the columns tell one that carries our revision
    and was made by a draft of it. Any role may ask.
    """
    ours = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    engine = create_engine(url, poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            there = set(connection.scalars(text(_COLUMNS)))
            theirs = connection.scalar(text("SELECT max(version_num) FROM alembic_version"))
    except ProgrammingError:  # no such table, or one that older versions kept from us
        theirs = None
    finally:
        engine.dispose()
    if theirs != ours:
        return f"its schema is at revision {theirs or 'unknown'}, this version works on {ours}"
    lacking = sorted(
        missing
        for table in METADATA.tables.values()
        for column in table.columns
        if (missing := f"{table.schema or 'public'}.{table.name}.{column.name}") not in there
    )
    return f"it has no {', '.join(lacking[:3])}, though its revision is {ours}" if lacking else ""


_COLUMNS = """
    SELECT n.nspname || '.' || c.relname || '.' || a.attname
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm')
"""
