"""Pledges; channels' files without a line, which of two days are the same bytes; settlement lines
that ended.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0038"

NAME, TABLE = "uq_channel_file_sha256", "channel_file"
APPLICATION, PLEDGE = "voucher_app", "pledge"
PAYOUT, LINE = "uq_settlement_line_payout", "settlement_line"


def upgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
    op.create_index(NAME, TABLE, ["sha256", "scope", "first_day"], unique=True)
    _one_line("status NOT IN ('left_out', 'ended')")
    _pledges()


def downgrade() -> None:
    op.drop_table(PLEDGE)
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


def _pledges() -> None:
    op.create_table(
        PLEDGE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("payer", sa.String(40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("pledged_on", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount_fen >= 0", name=op.f(f"ck_{PLEDGE}_amount")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f(f"fk_{PLEDGE}_approval_id_approval")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f(f"fk_{PLEDGE}_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["staff.id"], name=op.f(f"fk_{PLEDGE}_proposed_by_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{PLEDGE}")),
    )
    op.create_index(op.f(f"ix_{PLEDGE}_programme_id_id"), PLEDGE, ["programme_id", "id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {PLEDGE} TO {APPLICATION}")
