"""Decisions made again by a later policy; applications without an old car."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"

WHOLE = "ck_application_whole"


def upgrade() -> None:
    _whole(
        "status IN ('draft', 'withdrawn') OR num_nulls(new_vin, invoice, bought_on, policy_id,"
        " subsidy_fen, decision, filed_at, submitted_at) = 0"
        " AND num_nulls(old_vin, paper) = CASE scheme WHEN 'car_purchase' THEN 2 ELSE 0 END"
    )


def downgrade() -> None:
    _whole(
        "status IN ('draft', 'withdrawn') OR num_nulls(new_vin, old_vin, invoice, paper,"
        " bought_on, policy_id, subsidy_fen, decision, filed_at, submitted_at) = 0"
    )


def _whole(condition: str) -> None:
    """What an application holds once it was handed in."""
    op.drop_constraint(op.f(WHOLE), "application", type_="check")
    op.create_check_constraint(op.f(WHOLE), "application", condition)
