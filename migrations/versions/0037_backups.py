"""Backups taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

APPLICATION = "voucher_app"


def upgrade() -> None:
    op.create_table(
        "backup",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_backup")),
    )
    op.execute(f"GRANT SELECT, INSERT ON backup TO {APPLICATION}")
    # A backup says which schema it has.
    op.execute(f"GRANT SELECT ON alembic_version TO {APPLICATION}")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ON alembic_version FROM {APPLICATION}")
    op.drop_table("backup")
