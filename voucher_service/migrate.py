"""Bring a database to the newest schema. Run by its owner; faces and workers can't."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

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
