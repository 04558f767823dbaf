"""What the board and the year-end report keep: retail sales that finance staff entered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Published retail sales, append only."""
    op.create_table(
        "retail_figure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("first_day", "last_day")),
        sa.Column("sales_fen", sa.BigInteger(), nullable=False),
        sa.Column("growth_bps", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_retail_figure_days")),
        sa.CheckConstraint(
            "sales_fen > 0 AND growth_bps > -10000", name=op.f("ck_retail_figure_positive")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_retail_figure_{column}_{table}")
            )
            for column, table in (("programme_id", "programme"), ("entered_by", "staff"))
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retail_figure")),
    )
    op.create_index("ix_retail_figure_programme", "retail_figure", ["programme_id", "occurred_at"])
    op.execute("GRANT SELECT, INSERT ON retail_figure TO voucher_app")


def downgrade() -> None:
    """Back to before."""
    op.drop_table("retail_figure")
