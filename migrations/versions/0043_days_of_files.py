"""The days that a large file was said to be of; which refunds are corrections of differences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"

APPLICATION = "voucher_app"
FILE, UPLOAD, REFUND = "channel_file", "channel_upload", "difference_refund"
KNOWN, DAYS = "uq_channel_file_sha256", "ix_channel_file_days"
SAME = "ix_difference_reference"


def upgrade() -> None:
    """Corrections that were made are found by their instant, which is that of the closing."""
    for column in ("first_day", "last_day"):
        op.add_column(UPLOAD, sa.Column(column, sa.Date()))
    op.drop_index(KNOWN, table_name=FILE)
    op.create_index(KNOWN, FILE, ["sha256", "scope", "first_day", "last_day"], unique=True)
    op.create_index(DAYS, FILE, ["channel", "scope", "first_day", "last_day"])
    op.create_index(SAME, "difference", ["channel", "scope", "reference"])
    op.create_table(
        REFUND,
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("difference_id", sa.Uuid(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["redemption_refund.id"], name=op.f(f"fk_{REFUND}_refund_id")
        ),
        sa.ForeignKeyConstraint(
            ["difference_id"], ["difference.id"], name=op.f(f"fk_{REFUND}_difference_id")
        ),
        sa.PrimaryKeyConstraint("refund_id", name=op.f(f"pk_{REFUND}")),
    )
    op.execute(f"GRANT SELECT, INSERT ON {REFUND} TO {APPLICATION}")
    op.execute(
        f"INSERT INTO {REFUND} (refund_id, difference_id)"
        " SELECT f.id, d.id FROM difference d JOIN redemption_refund f"
        " ON f.occurred_at = d.closed_at AND f.key_hash = sha256(convert_to("
        "'difference:' || d.id || ':' || f.redemption_id, 'UTF8'))"
        " WHERE d.status = 'corrected'"
    )


def downgrade() -> None:
    """Back to before."""
    op.drop_table(REFUND)
    op.drop_index(SAME, table_name="difference")
    op.drop_index(DAYS, table_name=FILE)
    op.drop_index(KNOWN, table_name=FILE)
    op.create_index(KNOWN, FILE, ["sha256", "scope", "first_day"], unique=True)
    for column in ("last_day", "first_day"):
        op.drop_column(UPLOAD, column)
