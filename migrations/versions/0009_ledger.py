"""Seals, marks and alarms: books that show a change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

APPLICATION = "voucher_app"


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def upgrade() -> None:
    _entries()
    _marks()
    op.create_index(
        "uq_transfer_resolution",
        "transfer",
        ["key"],
        unique=True,
        schema="ledger",
        postgresql_where=sa.text("code IN ('freeze_committed', 'freeze_cancelled')"),
    )
    op.add_column(
        "rollup_run",
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    _alarms()


def _entries() -> None:
    """Entries get the instant and the transaction of their transfer, and a seal.

    What stands gets an empty seal, which `verify` reports: the key is not here, nor in PostgreSQL.
    """
    op.add_column("entry", sa.Column("occurred_at", sa.DateTime(timezone=True)), schema="ledger")
    op.add_column("entry", sa.Column("xid", sa.BigInteger()), schema="ledger")
    op.add_column("entry", sa.Column("seal", sa.LargeBinary()), schema="ledger")
    op.execute("ALTER TABLE ledger.entry DISABLE TRIGGER append_only")
    op.execute(
        "UPDATE ledger.entry e SET occurred_at = t.occurred_at, xid = t.xid, seal = ''"
        " FROM ledger.transfer t WHERE t.id = e.transfer_id"
    )
    op.execute("ALTER TABLE ledger.entry ENABLE TRIGGER append_only")
    op.execute("ALTER TABLE ledger.entry ALTER occurred_at SET NOT NULL, ALTER seal SET NOT NULL")
    op.execute(
        "ALTER TABLE ledger.entry ALTER xid SET NOT NULL,"
        " ALTER xid SET DEFAULT pg_current_xact_id()::text::bigint"
    )
    op.drop_index("ix_entry_account_id", "entry", schema="ledger")
    op.create_index(
        "ix_entry_account_time",
        "entry",
        ["account_id", "occurred_at"],
        schema="ledger",
        postgresql_include=["amount_fen"],
    )
    op.create_index(
        "ix_entry_xid",
        "entry",
        ["xid"],
        schema="ledger",
        postgresql_include=["account_id", "occurred_at", "amount_fen"],
    )


def _marks() -> None:
    op.create_table(
        "balance_mark",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger.account.id"], name=op.f("fk_balance_mark_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "at", name=op.f("pk_balance_mark")),
    )
    op.create_table(
        "balance_horizon",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_balance_horizon_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_horizon")),
    )
    op.execute("INSERT INTO balance_horizon VALUES (1, 0)")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON balance_mark TO {APPLICATION}")
    op.execute(f"GRANT SELECT, UPDATE ON balance_horizon TO {APPLICATION}")


def _alarms() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clean_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        recorded_at(),
        sa.CheckConstraint(
            "(status = 'cleared') = (cleared_at IS NOT NULL)", name=op.f("ck_alarm_cleared")
        ),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["staff.id"], name=op.f("fk_alarm_acknowledged_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(
        "uq_alarm_open",
        "alarm",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("status <> 'cleared'"),
    )
    op.create_index("ix_alarm_raised_at", "alarm", ["raised_at", "id"])
    op.create_table(
        "alarm_look",
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_alarm_look")),
    )
    for table in ("alarm", "alarm_look"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {APPLICATION}")


def downgrade() -> None:
    op.drop_table("alarm_look")
    op.drop_table("alarm")
    op.drop_column("rollup_run", "started_at")
    op.drop_index("uq_transfer_resolution", "transfer", schema="ledger")
    op.drop_table("balance_horizon")
    op.drop_table("balance_mark")
    op.drop_index("ix_entry_xid", "entry", schema="ledger")
    op.drop_index("ix_entry_account_time", "entry", schema="ledger")
    for column in ("seal", "xid", "occurred_at"):
        op.drop_column("entry", column, schema="ledger")
    op.create_index(
        "ix_entry_account_id",
        "entry",
        ["account_id"],
        schema="ledger",
        postgresql_include=["amount_fen"],
    )
