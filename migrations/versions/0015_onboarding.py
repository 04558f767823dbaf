"""Applications of merchants with their files, settlement accounts, payment holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"

APPLICATION = "voucher_app"
# A merchant that is suspended already has its payments held from now on.
SUSPENDED_BEFORE = """
INSERT INTO payment_hold (id, merchant_id, reason, suspension, status, since)
SELECT gen_random_uuid(), id, '', true, 'in_force', now() FROM merchant WHERE status = 'suspended'
"""
READS = "'resident.looked_up', 'resident.revealed'"


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def words(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="" if empty else None)


def reference(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    # Who applies has an account and no shop yet.
    op.alter_column("cashier", "shop_id", nullable=True)
    _cashier_states("'applying', 'active', 'closed'")
    op.create_check_constraint(
        op.f("ck_cashier_shop"), "cashier", "shop_id IS NOT NULL OR status = 'applying'"
    )
    _files()
    _applications()
    _accounts()
    _holds()
    op.execute(SUSPENDED_BEFORE)
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON stored_file, merchant_document TO {APPLICATION}"
    )
    op.execute(
        "GRANT SELECT, INSERT, UPDATE ON merchant_application, settlement_account, payment_hold"
        f" TO {APPLICATION}"
    )
    _reads(f"{READS}, 'merchant.revealed'")


def _cashier_states(states: str) -> None:
    op.drop_constraint(op.f("ck_cashier_status"), "cashier")
    op.create_check_constraint(op.f("ck_cashier_status"), "cashier", f"status IN ({states})")


def _reads(actions: str) -> None:
    op.execute("DROP INDEX audit.ix_event_reads")
    op.execute(
        f"CREATE INDEX ix_event_reads ON audit.event (object_id, id) WHERE action IN ({actions})"
    )


def _files() -> None:
    op.create_table(
        "stored_file",
        reference("id"),
        words("media_type"),
        sa.Column("size", sa.Integer(), nullable=False),
        words("sha256"),
        sa.Column("cipher", sa.LargeBinary(), nullable=False),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint(
            "media_type IN ('application/pdf', 'image/jpeg')",
            name=op.f("ck_stored_file_media_type"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
    )


def _applications() -> None:
    name = "merchant_application"
    op.create_table(
        name,
        reference("id"),
        reference("applicant_id"),
        sa.Column("status", sa.String(40), nullable=False),
        words("area", empty=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("person_cipher", sa.LargeBinary(), nullable=False),
        sa.Column(
            "findings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        words("reason", empty=True),
        sa.Column("commitment", sa.Text(), nullable=True),
        instant("agreed_at", nullable=True),
        instant("submitted_at", nullable=True),
        reference("prechecked_by", nullable=True),
        instant("decided_at", nullable=True),
        reference("merchant_id", nullable=True),
        instant("occurred_at"),
        recorded_at(),
        sa.CheckConstraint(
            "(status = 'admitted') = (merchant_id IS NOT NULL)", name=op.f(f"ck_{name}_merchant")
        ),
        foreign(name, "applicant_id", "cashier"),
        foreign(name, "prechecked_by", "staff"),
        foreign(name, "merchant_id", "merchant"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("applicant_id", name=op.f(f"uq_{name}_applicant_id")),
        sa.UniqueConstraint("merchant_id", name=op.f(f"uq_{name}_merchant_id")),
    )
    op.create_index(
        op.f(f"ix_{name}_status_submitted_at_id"), name, ["status", "submitted_at", "id"]
    )
    op.create_table(
        "merchant_document",
        reference("application_id"),
        sa.Column("kind", sa.String(40), nullable=False),
        reference("file_id"),
        instant("occurred_at"),
        recorded_at(),
        foreign("merchant_document", "application_id", name),
        foreign("merchant_document", "file_id", "stored_file"),
        sa.PrimaryKeyConstraint("application_id", "kind", name=op.f("pk_merchant_document")),
    )


def _accounts() -> None:
    name = "settlement_account"
    op.create_table(
        name,
        reference("id"),
        reference("merchant_id"),
        sa.Column("kind", sa.String(40), nullable=False),
        words("name"),
        words("last4"),
        words("bank"),
        words("cnaps"),
        sa.Column("number_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        reference("requested_by", nullable=True),
        instant("requested_at"),
        reference("checked_by", nullable=True),
        words("note", empty=True),
        instant("effective_from", nullable=True),
        recorded_at(),
        sa.CheckConstraint(
            "status <> 'approved' OR effective_from IS NOT NULL",
            name=op.f(f"ck_{name}_effective"),
        ),
        sa.CheckConstraint("kind IN ('corporate', 'personal')", name=op.f(f"ck_{name}_kind")),
        foreign(name, "merchant_id", "merchant"),
        foreign(name, "requested_by", "cashier"),
        foreign(name, "checked_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(
        "ix_settlement_account_in_force",
        name,
        ["merchant_id", sa.text("effective_from DESC")],
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.create_index(
        "uq_settlement_account_waiting",
        name,
        ["merchant_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('requested', 'proposed')"),
    )


def _holds() -> None:
    name = "payment_hold"
    op.create_table(
        name,
        reference("id"),
        reference("merchant_id"),
        words("reason"),
        sa.Column("suspension", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        reference("placed_by", nullable=True),
        instant("since"),
        instant("until", nullable=True),
        reference("lifted_by", nullable=True),
        recorded_at(),
        sa.CheckConstraint(
            "(status = 'lifted') = (until IS NOT NULL)", name=op.f(f"ck_{name}_until")
        ),
        foreign(name, "merchant_id", "merchant"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(
        "uq_payment_hold_in_force",
        name,
        ["merchant_id", "suspension"],
        unique=True,
        postgresql_where=sa.text("status = 'in_force'"),
    )


def downgrade() -> None:
    _reads(READS)
    for table in (
        "payment_hold",
        "settlement_account",
        "merchant_document",
        "merchant_application",
        "stored_file",
    ):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_cashier_shop"), "cashier")
    op.execute("DELETE FROM cashier WHERE status = 'applying'")
    _cashier_states("'active', 'closed'")
    op.alter_column("cashier", "shop_id", nullable=False)
