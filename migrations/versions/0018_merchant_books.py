"""Paper vouchers; the till's file against our books; disputes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"

APPLICATION = "voucher_app"
TABLES = ("paper_print", "matching", "matching_line", "dispute", "dispute_message")


def instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    _paper()
    _matchings()
    _disputes()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(TABLES)} TO {APPLICATION}")


def _paper() -> None:
    op.create_table(
        "paper_print",
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint("serial BETWEEN 1 AND 65535", name=op.f("ck_paper_print_serial")),
        refers("paper_print", "voucher_id", "voucher"),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("pk_paper_print")),
    )


def _matchings() -> None:
    op.create_table(
        "matching",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        refers("matching", "shop_id", "shop"),
        refers("matching", "made_by", "cashier"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matching")),
    )
    op.create_index("ix_matching_shop", "matching", ["shop_id", "occurred_at", "id"])
    op.create_table(
        "matching_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("matching_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(40), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("differs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=True),
        sa.Column("our_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.Column(f"our_{part}_fen", sa.BigInteger(), nullable=True)
            for part in ("order", "discount", "paid")
        ),
        sa.Column("file_line", sa.Integer(), nullable=True),
        sa.Column("their_at", sa.Text(), nullable=True),
        *(
            sa.Column(f"their_{part}_fen", sa.BigInteger(), nullable=True)
            for part in ("order", "discount", "paid")
        ),
        refers("matching_line", "matching_id", "matching"),
        refers("matching_line", "redemption_id", "redemption"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matching_line")),
    )
    op.create_index(
        "ix_matching_line_place", "matching_line", ["matching_id", "place"], unique=True
    )


def _disputes() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("wanted_fen", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        instant("due_at"),
        instant("occurred_at"),
        recorded_at(),
        refers("dispute", "merchant_id", "merchant"),
        refers("dispute", "shop_id", "shop"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    op.create_index(
        "uq_dispute_open",
        "dispute",
        ["shop_id", "subject_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index("ix_dispute_shop", "dispute", ["shop_id", "occurred_at", "id"])
    op.create_index("ix_dispute_queue", "dispute", ["occurred_at", "id"])
    op.create_table(
        "dispute_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("by_staff", sa.Uuid(), nullable=True),
        sa.Column("by_cashier", sa.Uuid(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        refers("dispute_message", "dispute_id", "dispute"),
        refers("dispute_message", "by_staff", "staff"),
        refers("dispute_message", "by_cashier", "cashier"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_message")),
    )
    op.create_index("ix_dispute_message_dispute", "dispute_message", ["dispute_id", "id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
