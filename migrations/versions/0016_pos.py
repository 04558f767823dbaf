"""Merchants' own systems: keys of tills, nonces, and what is told them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

APPLICATION = "voucher_app"
TABLES = ("till_key", "till_nonce", "webhook_endpoint", "webhook_message", "webhook_horizon")


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def upgrade() -> None:
    _keys()
    _webhooks()
    op.create_table(
        "webhook_horizon",
        sa.Column("one", sa.Boolean(), server_default=sa.true(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("xid", "event_id", "next_xid", "next_event_id")
        ),
        sa.CheckConstraint("one", name=op.f("ck_webhook_horizon_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_webhook_horizon")),
    )
    op.execute("INSERT INTO webhook_horizon VALUES (true, 0, 0, 0, 0)")
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APPLICATION}")


def _keys() -> None:
    op.create_table(
        "till_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cashier_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        instant("last_used_at", nullable=True),
        instant("revoked_at", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint("length(public_key) = 32", name=op.f("ck_till_key_public_key")),
        sa.ForeignKeyConstraint(
            ["cashier_id"], ["cashier.id"], name=op.f("fk_till_key_cashier_id")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shop.id"], name=op.f("fk_till_key_shop_id")),
        sa.ForeignKeyConstraint(["added_by"], ["cashier.id"], name=op.f("fk_till_key_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till_key")),
        sa.UniqueConstraint("public_key", name=op.f("uq_till_key_public_key")),
    )
    op.create_index(op.f("ix_till_key_shop_id"), "till_key", ["shop_id"])
    op.create_index(op.f("ix_till_key_cashier_id"), "till_key", ["cashier_id"])
    op.create_table(
        "till_nonce",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        instant("used_at"),
        sa.PrimaryKeyConstraint("key_id", "nonce", name=op.f("pk_till_nonce")),
    )
    op.create_index(op.f("ix_till_nonce_used_at"), "till_nonce", ["used_at"])


def _webhooks() -> None:
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        instant("failing_since", nullable=True),
        instant("disabled_at", nullable=True),
        instant("removed_at", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        sa.ForeignKeyConstraint(["shop_id"], ["shop.id"], name=op.f("fk_webhook_endpoint_shop_id")),
        sa.ForeignKeyConstraint(
            ["added_by"], ["cashier.id"], name=op.f("fk_webhook_endpoint_added_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_index(
        "ix_webhook_endpoint_shop",
        "webhook_endpoint",
        ["shop_id"],
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "webhook_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("wanted_at"),
        instant("due_at"),
        sa.Column("last_error", sa.Text(), nullable=True),
        instant("delivered_at", nullable=True),
        instant("given_up_at", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint(
            "num_nonnulls(delivered_at, given_up_at) < 2", name=op.f("ck_webhook_message_end")
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoint.id"], name=op.f("fk_webhook_message_endpoint_id")
        ),
        sa.ForeignKeyConstraint(
            ["redemption_id"], ["redemption.id"], name=op.f("fk_webhook_message_redemption_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_message")),
        sa.UniqueConstraint(
            "endpoint_id",
            "event_id",
            "redemption_id",
            name=op.f("uq_webhook_message_endpoint_id_event_id_redemption_id"),
        ),
    )
    op.create_index(
        "ix_webhook_message_due",
        "webhook_message",
        ["endpoint_id", "due_at"],
        postgresql_where=sa.text("delivered_at IS NULL AND given_up_at IS NULL"),
    )
    op.create_index(
        "ix_webhook_message_log", "webhook_message", ["endpoint_id", "occurred_at", "id"]
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
