"""Differences after a refund: what is kept of them, what is at the bank, what came back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

APPLICATION = "voucher_app"
LINE, SHARE, RETURN = "revision_line", "revision_share", "revision_return"


def upgrade() -> None:
    op.add_column(LINE, sa.Column("kept_fen", sa.BigInteger()))
    op.add_column(LINE, sa.Column("sent_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f(f"ck_{LINE}_kept"), LINE, "kept_fen BETWEEN 0 AND after_fen - before_fen"
    )
    # What is at the bank when this is rolled out.
    op.execute(
        f"UPDATE {LINE} l SET sent_at = b.sent_at FROM settlement_line s"
        " JOIN settlement_payment p ON p.line_id = s.id AND p.status = 'sent'"
        " JOIN settlement b ON b.id = p.batch_id"
        " WHERE s.payout_id = l.revision_id AND s.subject_id = l.subject_id"
        " AND l.paid_at IS NULL"
    )
    _shares("amount_fen >= 0")
    op.create_table(
        RETURN,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f(f"ck_{RETURN}_amount")),
        sa.ForeignKeyConstraint(
            ["revision_id", "subject_id"],
            [f"{LINE}.revision_id", f"{LINE}.subject_id"],
            name=op.f(f"fk_{RETURN}_revision_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{RETURN}")),
        sa.UniqueConstraint("reference", name=op.f(f"uq_{RETURN}_reference")),
    )
    op.create_index(
        op.f(f"ix_{RETURN}_revision_id_subject_id"),
        RETURN,
        ["revision_id", "subject_id"],
        unique=False,
    )
    op.execute(f"GRANT SELECT, INSERT ON {RETURN} TO {APPLICATION}")
    op.execute(f"GRANT UPDATE ON {SHARE} TO {APPLICATION}")


def downgrade() -> None:
    op.execute(f"REVOKE UPDATE ON {SHARE} FROM {APPLICATION}")
    op.drop_table(RETURN)
    op.execute(f"DELETE FROM {SHARE} WHERE amount_fen = 0")
    _shares("amount_fen > 0")
    op.drop_constraint(op.f(f"ck_{LINE}_kept"), LINE, type_="check")
    op.drop_column(LINE, "sent_at")
    op.drop_column(LINE, "kept_fen")


def _shares(rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{SHARE}_amount"), SHARE, type_="check")
    op.create_check_constraint(op.f(f"ck_{SHARE}_amount"), SHARE, rule)
