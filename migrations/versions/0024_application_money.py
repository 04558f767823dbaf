"""Places and money of applications, deadlines and retention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

APPLICATION = "voucher_app"
POOL, PLACE = "application_pool", "application_place"
HOLDS = sa.text("holds_slot")
NAME, FILE = "application", "stored_file"
UNIQUE = ("new_vin", "old_vin", "invoice", "paper")
BEFORE = "status IN ('submitted', 'prechecked', 'sent_back', 'approved')"
GRANTED = "'approved', 'payout_refused', 'card_given', 'paid'"
AFTER = f"status IN ('submitted', 'prechecked', 'sent_back', {GRANTED})"


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
    _columns()
    _indexes(AFTER, f"status IN ({GRANTED})")
    _checks(
        checked=f"NOT (status = 'prechecked' OR status IN ({GRANTED}))"
        " OR prechecked_by IS NOT NULL",
        correct_until="status <> 'sent_back' OR correct_until IS NOT NULL",
        paid="(status = 'paid') = (paid_at IS NOT NULL)",
    )
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


def _columns() -> None:
    for name in ("correct_until", "reminded_at", "paid_at", "forgotten_at"):
        op.add_column(NAME, instant(name, nullable=True))
    # who was sent back before there was a last day has ten days from now
    op.execute(
        f"UPDATE {NAME} SET correct_until = now() + interval '10 days' WHERE status = 'sent_back'"
    )
    op.create_index(
        "ix_application_correct_until",
        NAME,
        ["correct_until"],
        postgresql_where=sa.text("status = 'sent_back'"),
    )
    op.create_index(
        "ix_application_kept",
        NAME,
        ["decided_at"],
        postgresql_where=sa.text("forgotten_at IS NULL"),
    )
    op.alter_column(FILE, "cipher", nullable=True)
    op.add_column(FILE, instant("taken_at", nullable=True))
    for name in ("latitude", "longitude"):
        op.add_column(FILE, sa.Column(name, sa.Float(), nullable=True))
    op.add_column(FILE, sa.Column("likeness", sa.BigInteger(), nullable=True))


def _indexes(holds: str, noticed: str) -> None:
    """What depends on how an application stands, made anew."""
    for one in UNIQUE:
        op.drop_index(f"uq_{NAME}_{one}", NAME)
        op.create_index(
            f"uq_{NAME}_{one}", NAME, [one], unique=True, postgresql_where=sa.text(holds)
        )
    op.drop_index(f"ix_{NAME}_noticed", NAME)
    op.create_index(
        f"ix_{NAME}_noticed",
        NAME,
        [sa.text("decided_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text(noticed),
    )


def _checks(**rules: str) -> None:
    op.drop_constraint(op.f(f"ck_{NAME}_checked"), NAME)
    for name, rule in rules.items():
        op.create_check_constraint(op.f(f"ck_{NAME}_{name}"), NAME, rule)


def downgrade() -> None:
    for name in ("correct_until", "paid"):
        op.drop_constraint(op.f(f"ck_{NAME}_{name}"), NAME)
    _indexes(BEFORE, "status = 'approved'")
    _checks(checked="status NOT IN ('prechecked', 'approved') OR prechecked_by IS NOT NULL")
    for name in ("taken_at", "latitude", "longitude", "likeness"):
        op.drop_column(FILE, name)
    op.alter_column(FILE, "cipher", nullable=False)
    for name in ("correct_until", "kept"):
        op.drop_index(f"ix_{NAME}_{name}", NAME)
    for name in ("correct_until", "reminded_at", "paid_at", "forgotten_at"):
        op.drop_column(NAME, name)
    op.drop_table(PLACE)
    op.drop_table(POOL)
