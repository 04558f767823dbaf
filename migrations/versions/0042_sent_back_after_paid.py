"""Payments that the bank sent back days after it had paid them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"

PAYMENT, RETURN = "settlement_payment", "settlement_return"
RULES = (
    ("returned", "returned_at IS NULL OR answer = 'paid'"),
    ("returned_at", "status <> 'returned' OR returned_at IS NOT NULL"),
)


def upgrade() -> None:
    """Nothing of what stands is changed."""
    op.add_column(PAYMENT, sa.Column("returned_at", sa.DateTime(timezone=True)))
    op.add_column(
        PAYMENT, sa.Column("return_reference", sa.Text(), server_default="", nullable=False)
    )
    op.add_column(RETURN, sa.Column("returned", sa.Integer(), server_default="0", nullable=False))
    for name, rule in RULES:
        op.create_check_constraint(op.f(f"ck_{PAYMENT}_{name}"), PAYMENT, rule)
    _bounced("status IN ('bounced', 'returned')")
    op.create_index(
        "ix_settlement_payment_returned",
        PAYMENT,
        ["batch_id", "place"],
        postgresql_where=sa.text("status = 'paid' AND returned_at IS NOT NULL"),
    )
    op.create_index(
        "ix_settlement_payment_waits",
        PAYMENT,
        ["line_id"],
        postgresql_where=sa.text("retry_waits"),
    )


def _bounced(rule: str) -> None:
    op.drop_index("ix_settlement_payment_bounced", PAYMENT)
    op.create_index(
        "ix_settlement_payment_bounced", PAYMENT, ["line_id"], postgresql_where=sa.text(rule)
    )


def downgrade() -> None:
    """Back to before; nothing may have come back after it was paid."""
    op.drop_index("ix_settlement_payment_waits", PAYMENT)
    op.drop_index("ix_settlement_payment_returned", PAYMENT)
    _bounced("status = 'bounced'")
    for name, _ in reversed(RULES):
        op.drop_constraint(op.f(f"ck_{PAYMENT}_{name}"), PAYMENT, type_="check")
    op.drop_column(RETURN, "returned")
    op.drop_column(PAYMENT, "return_reference")
    op.drop_column(PAYMENT, "returned_at")
