"""Places and money of applications, deadlines and retention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

APPLICATION = "voucher_app"
POOL, PLACE = "application_pool", "application_place"
HOLDS = sa.text("holds_slot")


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


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
    _pools()
    _places()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {POOL}, {PLACE} TO {APPLICATION}")


def _pools() -> None:
    op.create_table(
        POOL,
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.String(40), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        recorded_at(),
        refers(POOL, "offer_id", "offer"),
        sa.PrimaryKeyConstraint("offer_id", name=op.f(f"pk_{POOL}")),
    )


def _places() -> None:
    def check(name: str, rule: str) -> sa.CheckConstraint:
        return sa.CheckConstraint(rule, name=op.f(f"ck_{PLACE}_{name}"))

    whole = ("release_quota", "slot", "ordinal", "generation", "epoch")
    op.create_table(
        PLACE,
        *(sa.Column(one, sa.Uuid(), nullable=False) for one in ("id", "offer_id", "release_id")),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        *(sa.Column(one, sa.Integer(), nullable=False) for one in whole),
        sa.Column("holds_slot", sa.Boolean(), nullable=False),
        sa.Column("claim_key_hash", sa.LargeBinary(), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        check("slot_within_quota", "slot BETWEEN 1 AND release_quota"),
        check("counts", "ordinal >= 1 AND generation >= 1 AND epoch >= 1"),
        refers(PLACE, "id", "application"),
        refers(PLACE, "offer_id", "offer"),
        refers(PLACE, "resident_id", "resident"),
        sa.ForeignKeyConstraint(
            ["release_id", "release_quota"],
            ["release.id", "release.quota"],
            name=op.f(f"fk_{PLACE}_release_id_release_quota"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{PLACE}")),
        sa.UniqueConstraint(
            "resident_id", "claim_key_hash", name=op.f(f"uq_{PLACE}_resident_id_claim_key_hash")
        ),
    )
    for name, columns in (
        ("slot", ["release_id", "slot"]),
        ("ordinal", ["offer_id", "resident_id", "ordinal"]),
    ):
        op.create_index(f"uq_{PLACE}_{name}", PLACE, columns, unique=True, postgresql_where=HOLDS)
    op.create_index(f"ix_{PLACE}_offer", PLACE, ["offer_id", "occurred_at"])


def downgrade() -> None:
    op.drop_table(PLACE)
    op.drop_table(POOL)
