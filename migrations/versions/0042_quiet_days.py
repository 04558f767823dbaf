"""Channels' files without a line, which of two days are the same bytes; lines that ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0038"

NAME, TABLE = "uq_channel_file_sha256", "channel_file"
PAYOUT, LINE = "uq_settlement_line_payout", "settlement_line"


def upgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
    op.create_index(NAME, TABLE, ["sha256", "scope", "first_day"], unique=True)
    _one_line("status NOT IN ('left_out', 'ended')")


def downgrade() -> None:
    _one_line("status <> 'left_out'")
    op.drop_index(NAME, table_name=TABLE)
    op.create_index(NAME, TABLE, ["sha256", "scope"], unique=True)


def _one_line(stands: str) -> None:
    op.drop_index(PAYOUT, table_name=LINE)
    op.create_index(
        PAYOUT,
        LINE,
        ["payout_id", "subject_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text(f"kind <> 'merchant' AND {stands}"),
    )
