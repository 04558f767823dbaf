"""Offers may have a waiting room and ask for a proof of work; both are off unless planned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

SWITCHES = ("waiting_room", "proof_of_work")


def upgrade() -> None:
    for name in SWITCHES:
        op.add_column(
            "offer", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        op.alter_column("offer", name, server_default=None)


def downgrade() -> None:
    for name in SWITCHES:
        op.drop_column("offer", name)
