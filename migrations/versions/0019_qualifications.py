"""Pools of qualifications, qualifications, and the lines of full pools."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"

APPLICATION = "voucher_app"
TABLES = ("qualification_pool", "qualification", "qualification_waiting")
HOLDS = sa.text("holds_slot")
IN_LINE = sa.text("ended_at IS NULL")


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def whole(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def upgrade() -> None:
    _pools()
    _qualifications()
    _indexes()
    _waiting()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(TABLES)} TO {APPLICATION}")


def _pools() -> None:
    op.create_table(
        "qualification_pool",
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("categories", postgresql.ARRAY(sa.Text()), nullable=False),
        *whole("overbook_bps", "reclaims"),
        sa.Column("ends_on", sa.Date(), nullable=False),
        recorded_at(),
        sa.CheckConstraint(
            "cardinality(categories) > 0", name=op.f("ck_qualification_pool_categories")
        ),
        sa.CheckConstraint(
            "overbook_bps BETWEEN 0 AND 100000", name=op.f("ck_qualification_pool_overbook")
        ),
        sa.CheckConstraint(
            "reclaims BETWEEN 0 AND 10", name=op.f("ck_qualification_pool_reclaims")
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offer.id"], name=op.f("fk_qualification_pool_offer_id")
        ),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_qualification_pool")),
    )


def _qualifications() -> None:
    def check(name: str, rule: str) -> sa.CheckConstraint:
        return sa.CheckConstraint(rule, name=op.f(f"ck_qualification_{name}"))

    op.create_table(
        "qualification",
        sa.Column("category", sa.String(40), nullable=False),
        *whole("year", "unit", "units_most", "attempt", "attempts_most"),
        sa.Column("status", sa.String(40), nullable=False),
        instant("valid_until"),
        sa.Column("code_ref", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_fen", sa.BigInteger(), nullable=True),
        instant("reminded_at", nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        *whole("release_quota", "slot"),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        *whole("ordinal", "generation", "epoch"),
        sa.Column("holds_slot", sa.Boolean(), nullable=False),
        sa.Column("claim_key_hash", sa.LargeBinary(), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        check("unit_within_units", "unit BETWEEN 1 AND units_most"),
        check("attempt_within_attempts", "attempt BETWEEN 1 AND attempts_most"),
        check(
            "subsidy",
            "(status IN ('frozen', 'used')) = (subsidy_fen IS NOT NULL) AND subsidy_fen > 0",
        ),
        check("holds_while_it_counts", "holds_slot = (status IN ('claimed', 'frozen', 'used'))"),
        check("validity", "occurred_at < valid_until"),
        check("slot_within_quota", "slot BETWEEN 1 AND release_quota"),
        check("counts", "ordinal >= 1 AND generation >= 1 AND epoch >= 1"),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_qualification_offer_id")),
        sa.ForeignKeyConstraint(
            ["release_id", "release_quota"],
            ["release.id", "release.quota"],
            name=op.f("fk_qualification_release_id_release_quota"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_qualification_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification")),
        sa.UniqueConstraint("code_ref", name=op.f("uq_qualification_code_ref")),
        sa.UniqueConstraint(
            "offer_id",
            "resident_id",
            "category",
            "attempt",
            name=op.f("uq_qualification_offer_id_resident_id_category_attempt"),
        ),
        sa.UniqueConstraint(
            "resident_id",
            "claim_key_hash",
            name=op.f("uq_qualification_resident_id_claim_key_hash"),
        ),
    )


def _indexes() -> None:
    def unique(name: str, *columns: str) -> None:
        op.create_index(
            f"uq_qualification_{name}",
            "qualification",
            list(columns),
            unique=True,
            postgresql_where=HOLDS,
        )

    unique("slot", "release_id", "slot")
    unique("ordinal", "offer_id", "resident_id", "ordinal")
    unique("unit", "resident_id", "category", "year", "unit")
    op.create_index("ix_qualification_offer", "qualification", ["offer_id", "occurred_at"])
    op.create_index("ix_qualification_resident", "qualification", ["resident_id", "occurred_at"])
    op.create_index("ix_qualification_ended", "qualification", ["offer_id", "valid_until"])
    op.create_index(
        "ix_qualification_held",
        "qualification",
        ["offer_id"],
        postgresql_where=sa.text("status = 'claimed'"),
    )
    op.create_index(
        "ix_qualification_due",
        "qualification",
        ["valid_until"],
        postgresql_where=sa.text("status = 'claimed'"),
    )


def _waiting() -> None:
    op.create_table(
        "qualification_waiting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        instant("occurred_at"),
        instant("ended_at", nullable=True),
        recorded_at(),
        sa.ForeignKeyConstraint(
            ["offer_id"],
            ["qualification_pool.offer_id"],
            name=op.f("fk_qualification_waiting_offer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_qualification_waiting_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification_waiting")),
    )
    op.create_index(
        "uq_qualification_waiting",
        "qualification_waiting",
        ["offer_id", "resident_id", "category"],
        unique=True,
        postgresql_where=IN_LINE,
    )
    op.create_index(
        "ix_qualification_waiting_line",
        "qualification_waiting",
        ["offer_id", "occurred_at", "id"],
        postgresql_where=IN_LINE,
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
