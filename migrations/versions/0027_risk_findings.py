"""Findings of risk, and the keys by which sales and applications find each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"

APPLICATION = "voucher_app"
TABLES = ("risk_subject", "risk_finding", "risk_tie", "risk_picture", "risk_watermark")


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def subject() -> list[sa.Column[object]]:
    return [
        sa.Column("subject_kind", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
    ]


def upgrade() -> None:
    _subjects()
    _findings()
    _ties()
    op.create_table(
        "risk_picture",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("tiny", sa.LargeBinary(), nullable=False),
        recorded_at(),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["stored_file.id"],
            name=op.f("fk_risk_picture_file_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_risk_picture")),
    )
    op.create_table(
        "risk_watermark",
        sa.Column("subject_kind", sa.String(40), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        sa.PrimaryKeyConstraint("subject_kind", name=op.f("pk_risk_watermark")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {APPLICATION}")


def _subjects() -> None:
    op.create_table(
        "risk_subject",
        *subject(),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        instant("assessed_at", nullable=True),
        instant("occurred_at", nullable=True),
        recorded_at(),
        sa.CheckConstraint(
            "subject_kind IN ('sale', 'application')", name=op.f("ck_risk_subject_kind")
        ),
        sa.CheckConstraint("weight BETWEEN 0 AND 100", name=op.f("ck_risk_subject_weight")),
        sa.CheckConstraint("due OR assessed_at IS NOT NULL", name=op.f("ck_risk_subject_assessed")),
        sa.PrimaryKeyConstraint("subject_kind", "subject_id", name=op.f("pk_risk_subject")),
    )
    op.create_index(
        "ix_risk_subject_due",
        "risk_subject",
        ["subject_kind", "subject_id"],
        postgresql_where=sa.text("due"),
    )


def _findings() -> None:
    op.create_table(
        "risk_finding",
        *subject(),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        instant("found_at"),
        recorded_at(),
        sa.CheckConstraint("weight BETWEEN 1 AND 100", name=op.f("ck_risk_finding_weight")),
        sa.ForeignKeyConstraint(
            ["subject_kind", "subject_id"],
            ["risk_subject.subject_kind", "risk_subject.subject_id"],
            name=op.f("fk_risk_finding_subject_kind_subject_id"),
        ),
        sa.PrimaryKeyConstraint("subject_kind", "subject_id", "kind", name=op.f("pk_risk_finding")),
    )


def _ties() -> None:
    op.create_table(
        "risk_tie",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tie", sa.String(40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("likeness", sa.BigInteger(), nullable=True),
        *subject(),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint(
            "(tie = 'photo') = (likeness IS NOT NULL)", name=op.f("ck_risk_tie_likeness")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_tie")),
    )
    op.create_index("ix_risk_tie_key", "risk_tie", ["tie", "key", sa.text("occurred_at DESC")])
    op.create_index(
        op.f("ix_risk_tie_subject_kind_subject_id"), "risk_tie", ["subject_kind", "subject_id"]
    )


def downgrade() -> None:
    for table in ("risk_finding", *(one for one in reversed(TABLES) if one != "risk_finding")):
        op.drop_table(table)
