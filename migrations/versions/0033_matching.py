"""Differences between our lines and what tills, channels and banks report."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"

APPLICATION = "voucher_app"
TABLES = ("channel_file", "channel_line", "difference", "difference_note")
SUMS = ("order", "discount", "paid")
UNDER_WAY = sa.text("status IN ('open', 'proposed')")


def text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)


def word(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String(40), nullable=False)


def id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def fen(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(f"{name}_fen", sa.BigInteger(), nullable=nullable)


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
    """Files, their lines, the differences, and two ways to find redemptions."""
    _files()
    _lines()
    _differences()
    _notes()
    op.create_index(
        "ix_redemption_payment_reference",
        "redemption",
        ["payment_reference", "merchant_id"],
        postgresql_where=sa.text("payment_reference IS NOT NULL"),
    )
    op.create_index(
        "ix_redemption_occurred_at", "redemption", ["occurred_at"], postgresql_using="brin"
    )
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(TABLES)} TO {APPLICATION}")
    op.execute(f"GRANT UPDATE ON difference TO {APPLICATION}")


def _files() -> None:
    op.create_table(
        "channel_file",
        id("id"),
        text("format"),
        text("channel"),
        id("merchant_id", nullable=True),
        id("shop_id", nullable=True),
        text("scope"),
        sa.Column("with_others", sa.Boolean(), nullable=False),
        text("file_name"),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        fen("ours"),
        fen("theirs"),
        id("replaces", nullable=True),
        id("made_by", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint(
            "num_nonnulls(merchant_id, shop_id) <= 1", name=op.f("ck_channel_file_scope")
        ),
        refers("channel_file", "merchant_id", "merchant"),
        refers("channel_file", "shop_id", "shop"),
        refers("channel_file", "replaces", "channel_file"),
        refers("channel_file", "made_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_file")),
    )
    op.create_index("uq_channel_file_sha256", "channel_file", ["sha256", "scope"], unique=True)
    op.create_index("ix_channel_file_occurred_at", "channel_file", ["occurred_at", "id"])


def _lines() -> None:
    op.create_table(
        "channel_line",
        id("file_id"),
        sa.Column("place", sa.Integer(), nullable=False),
        word("kind"),
        text("reference"),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        word("finding"),
        sa.Column("differs", postgresql.ARRAY(sa.Text()), nullable=False),
        id("redemption_id", nullable=True),
        id("refund_id", nullable=True),
        instant("our_at", nullable=True),
        *(fen(f"our_{part}", nullable=True) for part in SUMS),
        sa.Column("file_line", sa.Integer(), nullable=True),
        instant("their_at", nullable=True),
        sa.Column("their_day", sa.Date(), nullable=True),
        *(fen(f"their_{part}", nullable=True) for part in SUMS),
        sa.PrimaryKeyConstraint("file_id", "place", name=op.f("pk_channel_line")),
    )
    op.create_index(
        "ix_channel_line_unmatched",
        "channel_line",
        ["file_id", "place"],
        postgresql_where=sa.text("finding <> 'matched'"),
    )


def _differences() -> None:
    op.create_table(
        "difference",
        id("id"),
        id("file_id"),
        sa.Column("place", sa.Integer(), nullable=False),
        text("channel"),
        text("scope"),
        word("kind"),
        text("reference"),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        word("finding"),
        id("redemption_id", nullable=True),
        id("shop_id", nullable=True),
        text("area"),
        sa.Column("holds", sa.Boolean(), nullable=False),
        word("status"),
        id("owner_id", nullable=True),
        instant("due_at"),
        fen("correction", nullable=True),
        instant("closed_at", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint("correction_fen > 0", name=op.f("ck_difference_correction")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (status IN ('open', 'proposed'))",
            name=op.f("ck_difference_closed_at"),
        ),
        sa.ForeignKeyConstraint(
            ["file_id", "place"],
            ["channel_line.file_id", "channel_line.place"],
            name=op.f("fk_difference_file_id"),
        ),
        refers("difference", "redemption_id", "redemption"),
        refers("difference", "shop_id", "shop"),
        refers("difference", "owner_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_difference")),
    )
    keys = ["channel", "scope", "kind", "reference", "ordinal", "finding"]
    op.create_index(
        "uq_difference_under_way", "difference", keys, unique=True, postgresql_where=UNDER_WAY
    )
    op.create_index("ix_difference_file", "difference", ["file_id", "place"], unique=True)
    op.create_index("ix_difference_status", "difference", ["status", "due_at", "id"])
    op.create_index(
        "ix_difference_redemption", "difference", ["redemption_id"], postgresql_where=UNDER_WAY
    )


def _notes() -> None:
    op.create_table(
        "difference_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        id("difference_id"),
        id("by_staff", nullable=True),
        text("event"),
        text("body"),
        instant("occurred_at"),
        recorded_at(),
        refers("difference_note", "difference_id", "difference"),
        refers("difference_note", "by_staff", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_difference_note")),
    )
    op.create_index("ix_difference_note_difference", "difference_note", ["difference_id", "id"])


def downgrade() -> None:
    """Back to before."""
    op.drop_index("ix_redemption_occurred_at", "redemption")
    op.drop_index("ix_redemption_payment_reference", "redemption")
    for table in reversed(TABLES):
        op.drop_table(table)
