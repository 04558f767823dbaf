"""Lapses apart from claims, and which cells a full recount found wrong."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0043"

APPLICATION = "voucher_app"
WRONG, LAPSED = "rollup_wrong_cell", "ix_voucher_lapsed"


def upgrade() -> None:
    """Every programme is counted whole next, without a comparison: no cell has the new side."""
    op.create_index(
        LAPSED,
        "voucher",
        ["offer_id", "valid_until"],
        postgresql_where=sa.text("status = 'expired' AND holds_slot"),
    )
    op.create_table(
        WRONG,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("of_table", sa.Text(), nullable=False),
        sa.Column("cell", JSONB(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("stood", sa.BigInteger(), nullable=False),
        sa.Column("again", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{WRONG}")),
    )
    op.create_index(f"ix_{WRONG}_programme", WRONG, ["programme_id"])
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {WRONG} TO {APPLICATION}")
    _count_whole()


def downgrade() -> None:
    """Back to before; counted whole again."""
    op.drop_table(WRONG)
    op.drop_index(LAPSED, "voucher")
    _count_whole()


def _count_whole() -> None:
    for table in ("rollup_draft", "rollup_draft_repeat", "rollup_task"):
        op.execute(f"DELETE FROM {table}")
    op.execute("UPDATE rollup_run SET xid = NULL")
