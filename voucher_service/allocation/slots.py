"""The columns and constraints that make over-issuing impossible, shared by whatever is allocated.

One slot of a release is held by one row at most, a slot never lies above the release's quota, and a
resident holds one row per ordinal. Nothing here depends on Redis being right.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column


class Slotted:
    """A row that holds one slot of a release."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID]
    release_id: Mapped[UUID]
    release_quota: Mapped[int]
    slot: Mapped[int]
    resident_id: Mapped[UUID]
    ordinal: Mapped[int]
    generation: Mapped[int]
    epoch: Mapped[int]
    holds_slot: Mapped[bool]
    claim_key_hash: Mapped[bytes]
    occurred_at: Mapped[datetime]


def constraints(table: str) -> tuple[Any, ...]:
    """What PostgreSQL enforces for a table of slotted rows.

    `release_quota` copies the release's quota through a foreign key, so that the ceiling is a plain
    check on the row. A release's quota never changes once vouchers exist; more quota is one more
    release.
    """
    holds = text("holds_slot")
    return (
        ForeignKeyConstraint(["offer_id"], ["offer.id"]),
        ForeignKeyConstraint(["release_id", "release_quota"], ["release.id", "release.quota"]),
        ForeignKeyConstraint(["resident_id"], ["resident.id"]),
        CheckConstraint("slot BETWEEN 1 AND release_quota", name="slot_within_quota"),
        CheckConstraint("ordinal >= 1 AND generation >= 1 AND epoch >= 1", name="counts"),
        UniqueConstraint("resident_id", "claim_key_hash"),
        Index(f"uq_{table}_slot", "release_id", "slot", unique=True, postgresql_where=holds),
        Index(
            f"uq_{table}_ordinal",
            "offer_id",
            "resident_id",
            "ordinal",
            unique=True,
            postgresql_where=holds,
        ),
        Index(f"ix_{table}_offer", "offer_id", "occurred_at"),
    )
