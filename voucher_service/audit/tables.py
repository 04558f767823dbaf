"""The audit trail: append only, by privilege and by trigger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, Sealable


class EventRow(Sealable, Recorded, Base):
    """One act: the actor, the action, the object, and what changed. No personal data."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_object", "object_type", "object_id"),
        # For searches; partial and by ranges, so that claims and payments pay nothing for them.
        Index("ix_event_staff", "actor", "id", postgresql_where=text("actor LIKE 'staff:%'")),
        Index(
            "ix_event_reads",
            "object_id",
            "id",
            postgresql_where=text("action IN ('resident.looked_up', 'resident.revealed')"),
        ),
        Index("ix_event_occurred_at", "occurred_at", postgresql_using="brin"),
        Index("ix_event_xid_brin", "xid", postgresql_using="brin"),
        {"schema": "audit"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    actor: Mapped[str]
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    from_status: Mapped[str | None]
    to_status: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    occurred_at: Mapped[datetime]
