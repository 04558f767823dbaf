"""Bank statements beside our payments, files that are expected, and uploads that a job reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"

APPLICATION = "voucher_app"
EXPECTED, UPLOAD = "expected_file", "channel_upload"
UNDER_WAY = sa.text("status IN ('open', 'proposed')")


def upgrade() -> None:
    """Nothing of what stands is changed."""
    op.add_column("channel_line", sa.Column("payment_id", sa.Uuid()))
    op.add_column("difference", sa.Column("payment_id", sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_difference_payment_id"),
        "difference",
        "settlement_payment",
        ["payment_id"],
        ["id"],
    )
    op.create_index(
        "ix_difference_payment", "difference", ["payment_id"], postgresql_where=UNDER_WAY
    )
    op.add_column(
        "settlement_payment",
        sa.Column("retry_waits", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    _expected()
    _uploads()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {EXPECTED}, {UPLOAD} TO {APPLICATION}")


def _expected() -> None:
    op.create_table(
        EXPECTED,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        *_about(),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date()),
        sa.Column("missing", postgresql.ARRAY(sa.Date()), server_default="{}", nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True)),
        *_who_and_when(),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f(f"ck_{EXPECTED}_hour")),
        *_keys(EXPECTED),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{EXPECTED}")),
    )
    op.create_index(
        "uq_expected_file_stands",
        EXPECTED,
        ["channel", "scope"],
        unique=True,
        postgresql_where=sa.text("last_day IS NULL"),
    )


def _uploads() -> None:
    op.create_table(
        UPLOAD,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        *_about(),
        sa.Column("with_others", sa.Boolean(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("read_bytes", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("file_id", sa.Uuid()),
        sa.Column("refusal", postgresql.JSONB(astext_type=sa.Text())),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        *_who_and_when(),
        sa.CheckConstraint(
            "(status = 'waiting') = (ended_at IS NULL) AND (status = 'taken') ="
            " (file_id IS NOT NULL) AND (status = 'refused') = (refusal IS NOT NULL)",
            name=op.f(f"ck_{UPLOAD}_ended"),
        ),
        *_keys(UPLOAD),
        sa.ForeignKeyConstraint(
            ["file_id"], ["channel_file.id"], name=op.f(f"fk_{UPLOAD}_file_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{UPLOAD}")),
    )
    op.create_index("ix_channel_upload_occurred_at", UPLOAD, ["occurred_at", "id"])


def _about() -> tuple[sa.Column[object], ...]:
    return sa.Column("merchant_id", sa.Uuid()), sa.Column("shop_id", sa.Uuid())


def _who_and_when() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )


def _keys(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint(
            "num_nonnulls(merchant_id, shop_id) <= 1", name=op.f(f"ck_{table}_scope")
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))
            for column, to in (
                ("merchant_id", "merchant"),
                ("shop_id", "shop"),
                ("made_by", "staff"),
            )
        ),
    )


def downgrade() -> None:
    """Back to before. Differences about payments go with the column that names them."""
    op.drop_table(UPLOAD)
    op.drop_table(EXPECTED)
    op.drop_column("settlement_payment", "retry_waits")
    op.drop_index("ix_difference_payment", "difference")
    op.drop_constraint(op.f("fk_difference_payment_id"), "difference", type_="foreignkey")
    op.drop_column("difference", "payment_id")
    op.drop_column("channel_line", "payment_id")
