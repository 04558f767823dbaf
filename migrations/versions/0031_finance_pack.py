"""The finance pack: what was handed out, with the hash of each zip."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"

APPLICATION = "voucher_app"
NAME = "finance_pack"


def upgrade() -> None:
    """Append only by privilege: a pack that was handed out stays."""
    op.create_table(
        NAME,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("number > 0 AND size > 0", name=op.f("ck_finance_pack_positive")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["settlement.id"], name=op.f("fk_finance_pack_batch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finance_pack")),
        sa.UniqueConstraint("batch_id", "number", name=op.f("uq_finance_pack_batch_id_number")),
    )
    op.execute(f"GRANT SELECT, INSERT ON {NAME} TO {APPLICATION}")


def downgrade() -> None:
    """Back to before."""
    op.drop_table(NAME)
