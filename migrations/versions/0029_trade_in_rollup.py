"""Rollups of trade-in: what sales at tills and approved applications add up to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

APPLICATION = "voucher_app"
NAME = "trade_in_rollup"
AMOUNTS = ("subsidy", "turnover", "refunded", "invoiced", "merchant", "bank", "platform")


def upgrade() -> None:
    """The table of trade-in cells, which only reconciliation writes."""
    op.create_table(
        NAME,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(sa.Column(f"{of}_id", sa.Uuid(), nullable=False) for of in ("programme", "campaign")),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("claim_day", sa.Date(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=True),
        sa.Column("merchant_size", sa.Text(), nullable=True),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("applications", sa.Integer(), nullable=False),
        *(sa.Column(f"{of}_fen", sa.BigInteger(), nullable=False) for of in AMOUNTS),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trade_in_rollup")),
    )
    op.create_index("ix_trade_in_rollup_programme", NAME, ["programme_id"])
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {NAME} TO {APPLICATION}")


def downgrade() -> None:
    """Back to before."""
    op.drop_table(NAME)
