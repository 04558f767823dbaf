"""Applications for the subsidy of a car, and their papers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"

APPLICATION = "voucher_app"
NAME = "application"
HOLDS = "status IN ('submitted', 'prechecked', 'sent_back', 'approved')"
UNIQUE = ("new_vin", "old_vin", "invoice", "paper")


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def json(name: str, *, nullable: bool = False, empty: bool = False) -> sa.Column[object]:
    return sa.Column(
        name,
        postgresql.JSONB(astext_type=sa.Text()),
        nullable=nullable,
        server_default="{}" if empty else None,
    )


def words(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


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
    _applications()
    _indexes()
    _evidence()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {NAME}, {NAME}_evidence TO {APPLICATION}")


def _applications() -> None:
    op.create_table(
        NAME,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.String(40), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        words("area"),
        json("content"),
        sa.Column("person_cipher", sa.LargeBinary(), nullable=False),
        *(sa.Column(one, sa.Text(), nullable=True) for one in UNIQUE),
        sa.Column("bought_on", sa.Date(), nullable=True),
        sa.Column("policy_id", sa.Text(), nullable=True),
        sa.Column("subsidy_fen", sa.BigInteger(), nullable=True),
        json("decision", nullable=True),
        json("corrections", empty=True),
        words("reason"),
        instant("filed_at", nullable=True),
        instant("submitted_at", nullable=True),
        instant("prechecked_at", nullable=True),
        sa.Column("prechecked_by", sa.Uuid(), nullable=True),
        instant("decided_at", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint(
            "status IN ('draft', 'withdrawn') OR num_nulls(new_vin, old_vin, invoice, paper,"
            " bought_on, policy_id, subsidy_fen, decision, filed_at, submitted_at) = 0",
            name=op.f(f"ck_{NAME}_whole"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('prechecked', 'approved') OR prechecked_by IS NOT NULL",
            name=op.f(f"ck_{NAME}_checked"),
        ),
        sa.CheckConstraint("subsidy_fen > 0", name=op.f(f"ck_{NAME}_subsidy")),
        refers(NAME, "resident_id", "resident"),
        refers(NAME, "prechecked_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{NAME}")),
    )


def _indexes() -> None:
    for one in UNIQUE:
        op.create_index(
            f"uq_{NAME}_{one}", NAME, [one], unique=True, postgresql_where=sa.text(HOLDS)
        )
    op.create_index(
        f"uq_{NAME}_draft",
        NAME,
        ["resident_id", "scheme"],
        unique=True,
        postgresql_where=sa.text("status = 'draft'"),
    )
    op.create_index(
        op.f(f"ix_{NAME}_status_submitted_at_id"), NAME, ["status", "submitted_at", "id"]
    )
    op.create_index(op.f(f"ix_{NAME}_resident_id_id"), NAME, ["resident_id", "id"])
    op.create_index(
        f"ix_{NAME}_noticed",
        NAME,
        [sa.text("decided_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("status = 'approved'"),
    )


def _evidence() -> None:
    name = f"{NAME}_evidence"
    op.create_table(
        name,
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        refers(name, "application_id", NAME),
        refers(name, "file_id", "stored_file"),
        sa.PrimaryKeyConstraint("application_id", "kind", name=op.f(f"pk_{name}")),
    )


def downgrade() -> None:
    op.drop_table(f"{NAME}_evidence")
    op.drop_table(NAME)
