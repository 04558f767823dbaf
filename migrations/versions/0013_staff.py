"""Sessions, passkeys, recovery codes, roles that don't go together, and who read personal data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

APPLICATION = "voucher_app"
ROLES = "'planner', 'approver', 'reviewer', 'finance', 'auditor'"
READS = "'resident.looked_up', 'resident.revealed'"
SEPARATE = (
    "NOT roles @> ARRAY['planner', 'approver']"
    " AND NOT roles @> ARRAY['planner', 'finance']"
    " AND NOT roles @> ARRAY['approver', 'finance']"
    " AND (cardinality(roles) = 1 OR NOT roles && ARRAY['auditor', 'administrator'])"
)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )


def upgrade() -> None:
    _staff()
    _sessions()
    _factors()
    for table in ("sign_in_session", "recovery_code", "passkey", "spent_challenge"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APPLICATION}")
    op.add_column("resident", instant("signed_out_at", nullable=True))
    # Partial and by ranges, so that claims and payments pay nothing for the search.
    op.execute("CREATE INDEX ix_event_staff ON audit.event (actor, id) WHERE actor LIKE 'staff:%'")
    op.execute(
        f"CREATE INDEX ix_event_reads ON audit.event (object_id, id) WHERE action IN ({READS})"
    )
    op.execute("CREATE INDEX ix_event_occurred_at ON audit.event USING brin (occurred_at)")


def _staff() -> None:
    op.add_column("staff", sa.Column("otp_pending_cipher", sa.LargeBinary(), nullable=True))
    op.add_column("staff", sa.Column("next_password_hash", sa.Text(), nullable=True))
    op.add_column(
        "staff",
        sa.Column(
            "temporary_password", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column("staff", instant("signed_in_at", nullable=True))
    _checks(f"{ROLES}, 'administrator'", "'proposed', 'active', 'closed'")
    op.create_check_constraint(op.f("ck_staff_separate_roles"), "staff", SEPARATE)


def _checks(roles: str, states: str) -> None:
    op.drop_constraint(op.f("ck_staff_roles"), "staff")
    op.create_check_constraint(
        op.f("ck_staff_roles"), "staff", f"cardinality(roles) > 0 AND roles <@ ARRAY[{roles}]"
    )
    op.drop_constraint(op.f("ck_staff_status"), "staff")
    op.create_check_constraint(op.f("ck_staff_status"), "staff", f"status IN ({states})")


def _sessions() -> None:
    op.create_table(
        "sign_in_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("face", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("address_prefix", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=False),
        instant("opened_at"),
        instant("seen_at"),
        instant("expires_at"),
        instant("factor_at", nullable=True),
        instant("ended_at", nullable=True),
        recorded_at(),
        sa.CheckConstraint("expires_at > opened_at", name=op.f("ck_sign_in_session_expiry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_session")),
    )
    op.create_index(
        op.f("ix_sign_in_session_subject_id_opened_at"),
        "sign_in_session",
        ["subject_id", "opened_at"],
    )
    op.create_index(op.f("ix_sign_in_session_expires_at"), "sign_in_session", ["expires_at"])


def _factors() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        instant("made_at"),
        instant("used_at", nullable=True),
        recorded_at(),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_recovery_code_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "code_hash", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        instant("made_at"),
        instant("used_at", nullable=True),
        instant("suspended_at", nullable=True),
        recorded_at(),
        sa.CheckConstraint("sign_count >= 0", name=op.f("ck_passkey_sign_count")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_passkey_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )
    op.create_index(op.f("ix_passkey_staff_id"), "passkey", ["staff_id"])
    op.create_table(
        "spent_challenge",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        instant("expires_at"),
        recorded_at(),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_challenge")),
    )


def downgrade() -> None:
    for index in ("occurred_at", "reads", "staff"):
        op.execute(f"DROP INDEX audit.ix_event_{index}")
    op.drop_column("resident", "signed_out_at")
    for table in ("spent_challenge", "passkey", "recovery_code", "sign_in_session"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_staff_separate_roles"), "staff")
    op.execute("DELETE FROM staff WHERE status = 'proposed' OR 'administrator' = ANY(roles)")
    _checks(ROLES, "'active', 'closed'")
    for column in ("signed_in_at", "temporary_password", "next_password_hash"):
        op.drop_column("staff", column)
    op.drop_column("staff", "otp_pending_cipher")
