"""How far the watch has compared the log; facts of sales that risk work reads; pledges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"

APPLICATION = "voucher_app"


def upgrade() -> None:
    """Nothing is compared yet."""
    _looked()


def downgrade() -> None:
    """Back to before."""
    op.drop_table("log_looked")


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
