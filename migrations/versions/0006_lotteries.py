"""Lotteries, the parties' commitments, and the entries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

APPLICATION = "voucher_app"


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def upgrade() -> None:
    op.create_table(
        "lottery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=True),
        sa.Column("list_sha256", sa.Text(), nullable=True),
        sa.Column("reveal_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seed", sa.Text(), nullable=True),
        sa.Column("result_sha256", sa.Text(), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        recorded_at(),
        sa.CheckConstraint("seats > 0 AND waiting >= 0", name=op.f("ck_lottery_places")),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_lottery_window")),
        sa.CheckConstraint(
            "(waiting > 0) = (waiting_from IS NOT NULL)", name=op.f("ck_lottery_waiting")
        ),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_lottery_attempt")),
        sa.CheckConstraint(
            "(status IN ('closed', 'drawn')) = (list_sha256 IS NOT NULL)"
            " AND (status = 'drawn') = (seed IS NOT NULL)",
            name=op.f("ck_lottery_published"),
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_lottery_offer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lottery")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_lottery_offer_id")),
    )
    op.create_table(
        "lottery_commitment",
        sa.Column("lottery_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("party", sa.String(40), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=True),
        recorded_at(),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_lottery_commitment_sha256")),
        sa.CheckConstraint(
            "(secret IS NULL) = (revealed_at IS NULL)", name=op.f("ck_lottery_commitment_revealed")
        ),
        sa.CheckConstraint(
            "secret IS NULL OR encode(sha256(secret::bytea), 'hex') = sha256",
            name=op.f("ck_lottery_commitment_secret"),
        ),
        sa.ForeignKeyConstraint(
            ["lottery_id"], ["lottery.id"], name=op.f("fk_lottery_commitment_lottery_id")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_lottery_commitment_staff_id")
        ),
        sa.PrimaryKeyConstraint(
            "lottery_id", "attempt", "party", name=op.f("pk_lottery_commitment")
        ),
        sa.UniqueConstraint(
            "lottery_id",
            "attempt",
            "staff_id",
            name=op.f("uq_lottery_commitment_lottery_id_attempt_staff_id"),
        ),
        sa.UniqueConstraint(
            "lottery_id", "sha256", name=op.f("uq_lottery_commitment_lottery_id_sha256")
        ),
    )
    op.create_table(
        "lottery_entry",
        sa.Column("lottery_id", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("address_prefix", sa.Text(), nullable=True),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("agent_hash", sa.Text(), nullable=True),
        recorded_at(),
        sa.CheckConstraint("octet_length(leaf) = 32", name=op.f("ck_lottery_entry_leaf")),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_lottery_entry_rank")),
        sa.ForeignKeyConstraint(
            ["lottery_id"], ["lottery.id"], name=op.f("fk_lottery_entry_lottery_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_lottery_entry_resident_id")
        ),
        sa.PrimaryKeyConstraint("lottery_id", "leaf", name=op.f("pk_lottery_entry")),
        sa.UniqueConstraint(
            "lottery_id", "resident_id", name=op.f("uq_lottery_entry_lottery_id_resident_id")
        ),
    )
    op.create_index(
        "uq_lottery_entry_rank",
        "lottery_entry",
        ["lottery_id", "rank"],
        unique=True,
        postgresql_where=sa.text("rank IS NOT NULL"),
    )
    for table in ("lottery", "lottery_commitment", "lottery_entry"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {APPLICATION}")


def downgrade() -> None:
    op.drop_table("lottery_entry")
    op.drop_table("lottery_commitment")
    op.drop_table("lottery")
