"""Pushes with the lines of their lists, and notices to residents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

APPLICATION = "voucher_app"


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def upgrade() -> None:
    _pushes()
    _lines()
    _notices()
    for table in ("push", "push_line"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {APPLICATION}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON notice TO {APPLICATION}")


def _pushes() -> None:
    op.create_table(
        "push",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.String(40), nullable=False),
        sa.Column("list_sha256", sa.Text(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        recorded_at(),
        sa.CheckConstraint("lines >= count AND count > 0", name=op.f("ck_push_count")),
        sa.CheckConstraint("list_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_push_sha256")),
        sa.CheckConstraint("(status = 'done') = (done_at IS NOT NULL)", name=op.f("ck_push_done")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_push_offer_id")),
        sa.ForeignKeyConstraint(["created_by"], ["staff.id"], name=op.f("fk_push_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push")),
    )
    op.create_index(op.f("ix_push_offer_id"), "push", ["offer_id"])
    op.create_index(
        "uq_push_list",
        "push",
        ["offer_id", "list_sha256"],
        unique=True,
        postgresql_where=sa.text("status <> 'rejected'"),
    )


def _lines() -> None:
    op.create_table(
        "push_line",
        sa.Column("push_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("household", sa.Integer(), nullable=True),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("result", sa.String(40), nullable=True),
        recorded_at(),
        sa.CheckConstraint("chosen OR result IS NOT NULL", name=op.f("ck_push_line_result")),
        sa.CheckConstraint(
            "NOT chosen OR resident_id IS NOT NULL", name=op.f("ck_push_line_chosen")
        ),
        sa.ForeignKeyConstraint(["push_id"], ["push.id"], name=op.f("fk_push_line_push_id")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_push_line_resident_id")
        ),
        sa.PrimaryKeyConstraint("push_id", "number", name=op.f("pk_push_line")),
        sa.UniqueConstraint(
            "push_id", "resident_id", name=op.f("uq_push_line_push_id_resident_id")
        ),
    )
    op.create_index(
        "uq_push_line_household",
        "push_line",
        ["push_id", "household"],
        unique=True,
        postgresql_where=sa.text("chosen"),
    )
    op.create_index(
        "ix_push_line_waiting",
        "push_line",
        ["push_id", "number"],
        postgresql_where=sa.text("result IS NULL"),
    )


def _notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        recorded_at(),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_notice_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "subject_id", "resident_id", name=op.f("uq_notice_subject_id_resident_id")
        ),
    )
    op.create_index(
        "ix_notice_waiting",
        "notice",
        ["occurred_at"],
        postgresql_where=sa.text("sent_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("notice")
    op.drop_table("push_line")
    op.drop_table("push")
