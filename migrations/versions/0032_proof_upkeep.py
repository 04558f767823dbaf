"""How far the watch has compared the log; facts of sales that risk work reads; pledges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"

APPLICATION = "voucher_app"
MOBILE = ("mobile_cipher", "mobile_hash", "mobile_key_id")
STATUS, WHOLE = "ck_resident_status", "ck_resident_forgotten_whole"
# A schema that knows nobody forgotten has them as blocked accounts of no mobile.
NOBODY = """
UPDATE resident SET status = 'blocked', mobile_cipher = '', mobile_key_id = 1,
    mobile_hash = sha256(id::text::bytea) WHERE status = 'forgotten'
"""


def upgrade() -> None:
    """Nothing is compared and nobody is forgotten yet; of earlier sales nothing more is known."""
    _looked()
    _forgotten()
    _trials()
    op.add_column("qualification", sa.Column("device_id", sa.Text(), nullable=True))
    op.add_column("trade_in_sale", sa.Column("activated_on", sa.Date(), nullable=True))
    op.add_column(
        "trade_in_sale",
        sa.Column("links", postgresql.JSONB(), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    """Back to before."""
    op.drop_table("policy_trial")
    for table, column in (
        ("trade_in_sale", "links"),
        ("trade_in_sale", "activated_on"),
        ("qualification", "device_id"),
    ):
        op.drop_column(table, column)
    op.drop_constraint(op.f(WHOLE), "resident")
    op.drop_constraint(op.f(STATUS), "resident")
    op.execute(NOBODY)
    for column in MOBILE:
        op.execute(f"ALTER TABLE resident ALTER {column} SET NOT NULL")
    op.create_check_constraint(op.f(STATUS), "resident", "status IN ('active', 'blocked')")
    op.drop_table("log_looked")


def _forgotten() -> None:
    for column in MOBILE:
        op.execute(f"ALTER TABLE resident ALTER {column} DROP NOT NULL")
    op.drop_constraint(op.f(STATUS), "resident")
    op.create_check_constraint(
        op.f(STATUS), "resident", "status IN ('active', 'blocked', 'forgotten')"
    )
    op.create_check_constraint(
        op.f(WHOLE),
        "resident",
        "num_nulls(mobile_cipher, mobile_hash, mobile_key_id)"
        " = CASE status WHEN 'forgotten' THEN 3 ELSE 0 END"
        " AND (status <> 'forgotten' OR verified_at IS NULL)",
    )


def _looked() -> None:
    op.create_table(
        "log_looked",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("old_size", sa.BigInteger(), nullable=False),
        sa.Column("old_peaks", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("suspected", sa.Boolean(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_looked_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_looked")),
    )
    op.execute(
        "INSERT INTO log_looked (id, size, peaks, xid, old_size, old_peaks, suspected)"
        " VALUES (1, 0, '{}', 0, 0, '{}', false)"
    )
    op.execute(f"GRANT SELECT, UPDATE ON log_looked TO {APPLICATION}")


def _trials() -> None:
    op.create_table(
        "policy_trial",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "cursor_id", "created_by")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("draft", "area")),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("first", "last")),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False)
            for name in ("cursor_at", "created_at")
        ),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("sums", postgresql.JSONB(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["staff.id"], name=op.f("fk_policy_trial_created_by_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_trial")),
    )
    op.create_index(op.f("ix_policy_trial_created_at"), "policy_trial", ["created_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON policy_trial TO {APPLICATION}")
