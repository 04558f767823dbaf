"""Alembic's environment: one transaction a migration, short waits for locks."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool, text

from voucher_service.tables import METADATA


def run() -> None:
    engine = create_engine(
        context.config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '2s'"))
        connection.execute(text("SET statement_timeout = '15min'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=METADATA,
            include_schemas=True,
            include_name=lambda name, kind, _: (
                kind != "schema" or name in (None, "ledger", "audit")
            ),
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database")
run()
