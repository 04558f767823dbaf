"""Places and money of applications, deadlines and retention."""

from __future__ import annotations

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
