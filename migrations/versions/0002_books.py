"""The ledger, the audit trail, approvals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS ledger")
    op.execute("CREATE SCHEMA IF NOT EXISTS audit")
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner_type", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "owner_type", "owner_id", "stage", name=op.f("uq_account_owner_type_owner_id_stage")
        ),
        schema="ledger",
    )
    op.create_table(
        "transfer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "xid",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        sa.UniqueConstraint("code", "key", name=op.f("uq_transfer_code_key")),
        schema="ledger",
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_entry_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger.account.id"], name=op.f("fk_entry_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["ledger.transfer.id"], name=op.f("fk_entry_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        schema="ledger",
    )
    op.create_index(
        "ix_entry_account_id",
        "entry",
        ["account_id"],
        unique=False,
        schema="ledger",
        postgresql_include=["amount_fen"],
    )
    op.create_index(
        op.f("ix_entry_transfer_id"), "entry", ["transfer_id"], unique=False, schema="ledger"
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "xid",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        schema="audit",
    )
    op.create_index(
        "ix_event_object", "event", ["object_type", "object_id"], unique=False, schema="audit"
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("payload_sha256", sa.Text(), nullable=False),
        sa.Column("maker_id", sa.Uuid(), nullable=False),
        sa.Column("signatures_needed", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("signatures_needed >= 1", name=op.f("ck_approval_signatures_needed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("id", "maker_id", name=op.f("uq_approval_id_maker_id")),
    )
    op.create_index(
        "ix_approval_waiting",
        "approval",
        ["proposed_at"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "uq_approval_one_waiting",
        "approval",
        ["action", "object_id"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "approval_signature",
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("maker_id", sa.Uuid(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "staff_id <> maker_id", name=op.f("ck_approval_signature_not_the_maker")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id", "maker_id"],
            ["approval.id", "approval.maker_id"],
            name=op.f("fk_approval_signature_approval_id_maker_id"),
        ),
        sa.PrimaryKeyConstraint("approval_id", "staff_id", name=op.f("pk_approval_signature")),
    )


def downgrade() -> None:
    op.drop_table("approval_signature")
    op.drop_table("approval")
    op.drop_table("event", schema="audit")
    op.drop_table("entry", schema="ledger")
    op.drop_table("transfer", schema="ledger")
    op.drop_table("account", schema="ledger")
    op.execute("DROP SCHEMA ledger")
    op.execute("DROP SCHEMA audit")
