"""Outcome data from outside: panels and till files, and estimates made of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"

APPLICATION = "voucher_app"


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def upgrade() -> None:
    """Consents, keys, files with their lines, and estimates."""
    _people()
    _files()
    _estimates()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON outcome_consent, outcome_file TO {APPLICATION}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON outcome_key, outcome_line TO {APPLICATION}")
    op.execute(f"GRANT SELECT, INSERT ON causal_estimate TO {APPLICATION}")


def _people() -> None:
    op.create_table(
        "outcome_consent",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        recorded_at(),
        sa.CheckConstraint("withdrawn_at >= given_at", name=op.f("ck_outcome_consent_order")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_outcome_consent_resident_id_resident")
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_outcome_consent")),
    )
    op.create_table(
        "outcome_key",
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        recorded_at(),
        sa.CheckConstraint("octet_length(key) = 16", name=op.f("ck_outcome_key_key")),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offer.id"], name=op.f("fk_outcome_key_offer_id_offer")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_outcome_key_resident_id_resident")
        ),
        sa.PrimaryKeyConstraint("offer_id", "provider", "key", name=op.f("pk_outcome_key")),
    )
    op.create_index("ix_outcome_key_resident", "outcome_key", ["resident_id"])


def _files() -> None:
    op.create_table(
        "outcome_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.String(40), nullable=False) for name in ("kind", "amounts")),
        sa.Column("provider", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Date(), nullable=False)
            for name in ("made_on", "first_day", "last_day")
        ),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        recorded_at(),
        sa.CheckConstraint(
            "first_day <= last_day AND lines >= 0", name=op.f("ck_outcome_file_head")
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_outcome_file_sha256")),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offer.id"], name=op.f("fk_outcome_file_offer_id_offer")
        ),
        sa.ForeignKeyConstraint(
            ["imported_by"], ["staff.id"], name=op.f("fk_outcome_file_imported_by_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_file")),
    )
    op.create_index("uq_outcome_file_sha256", "outcome_file", ["sha256"], unique=True)
    op.create_index("ix_outcome_file_offer", "outcome_file", ["offer_id", "imported_at"])
    op.create_table(
        "outcome_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary()),
        sa.Column("shop_id", sa.Uuid()),
        sa.Column("order_reference", sa.Text()),
        sa.Column("people", sa.Integer()),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(key, shop_id, people) = 1", name=op.f("ck_outcome_line_kind")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["outcome_file.id"], name=op.f("fk_outcome_line_file_id_outcome_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_line")),
    )
    op.create_index("ix_outcome_line_key", "outcome_line", ["file_id", "key"])


def _estimates() -> None:
    op.create_table(
        "causal_estimate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.String(40), nullable=False)
            for name in ("design", "window", "amounts", "verdict")
        ),
        *(sa.Column(name, sa.Float()) for name in ("point", "low", "high")),
        sa.Column("offered", postgresql.JSONB()),
        sa.Column("redeemed", sa.Float()),
        *(sa.Column(name, sa.Integer()) for name in ("treated", "control", "have", "needed")),
        sa.Column("unit", sa.String(40)),
        sa.Column("checks", postgresql.JSONB(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.Column("inputs_sha256", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        recorded_at(),
        sa.CheckConstraint(
            "(verdict = 'estimated') = (num_nonnulls(point, low, high) = 3)",
            name=op.f("ck_causal_estimate_estimated"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [f"{of}_id"], [f"{table}.id"], name=op.f(f"fk_causal_estimate_{of}_id_{table}")
            )
            for of, table in (
                ("programme", "programme"),
                ("offer", "offer"),
                ("file", "outcome_file"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_causal_estimate")),
    )
    op.create_index("ix_causal_estimate_offer", "causal_estimate", ["offer_id", "made_at"])


def downgrade() -> None:
    """Back to before."""
    for table in (
        "causal_estimate",
        "outcome_line",
        "outcome_file",
        "outcome_key",
        "outcome_consent",
    ):
        op.drop_table(table)
