"""The sealed log: leaves, checkpoints, keys."""

from __future__ import annotations

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
