"""Trade-in by brand and by days that moved; repeated payments apart for a full recount."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

APPLICATION = "voucher_app"
TRADE_IN, REPEAT = "trade_in_rollup", "rollup_draft_repeat"
RELEASES = "ix_rollup_cell_releases"
BY_PROGRAMME, BY_DAY = "ix_trade_in_rollup_programme", "ix_trade_in_rollup_day"


def upgrade() -> None:
    """Full recounts under way begin again; programmes of trade-in are counted whole next."""
    op.add_column(TRADE_IN, sa.Column("brand", sa.Text(), nullable=True))
    op.create_index(BY_DAY, TRADE_IN, ["programme_id", "day"])
    op.drop_index(BY_PROGRAMME, TRADE_IN)
    op.create_table(
        REPEAT,
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("redemption_id", name=op.f(f"pk_{REPEAT}")),
    )
    op.create_index(f"ix_{REPEAT}_programme", REPEAT, ["programme_id"])
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {REPEAT} TO {APPLICATION}")
    op.create_index(
        RELEASES, "rollup_cell", ["programme_id"], postgresql_where=sa.text("side = 'releases'")
    )
    op.execute("DELETE FROM rollup_draft")
    op.execute("DELETE FROM rollup_task")
    op.execute(
        "UPDATE rollup_run SET xid = NULL WHERE programme_id IN"
        " (SELECT programme_id FROM campaign WHERE kind = 'trade_in')"
    )


def downgrade() -> None:
    """Back to before."""
    op.execute("DELETE FROM rollup_draft")
    op.execute("DELETE FROM rollup_task")
    op.drop_index(RELEASES, "rollup_cell")
    op.drop_table(REPEAT)
    op.create_index(BY_PROGRAMME, TRADE_IN, ["programme_id"])
    op.drop_index(BY_DAY, TRADE_IN)
    op.drop_column(TRADE_IN, "brand")
