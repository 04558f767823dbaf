"""Channels' files without a line: of two days they are the same bytes."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0038"

NAME, TABLE = "uq_channel_file_sha256", "channel_file"


def upgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
    op.create_index(NAME, TABLE, ["sha256", "scope", "first_day"], unique=True)


def downgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
    op.create_index(NAME, TABLE, ["sha256", "scope"], unique=True)
