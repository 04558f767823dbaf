"""Alarms: one open alarm of a kind about a subject; and when was last looked."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .model import Kind, Status


class AlarmRow(Recorded, Base):
    """Something that was noticed, until it is cleared."""

    __tablename__ = "alarm"
    __table_args__ = (
        Index(
            "uq_alarm_open",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("status <> 'cleared'"),
        ),
        Index("ix_alarm_raised_at", "raised_at", "id"),
        CheckConstraint("(status = 'cleared') = (cleared_at IS NOT NULL)", name="cleared"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(status_type(Kind))
    subject: Mapped[str]
    area: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    status: Mapped[Status] = mapped_column(status_type(Status))
    raised_at: Mapped[datetime]
    clean_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    cleared_at: Mapped[datetime | None]


class LookRow(Base):
    """When everything of a kind was last looked at: no alarm means something only since then."""

    __tablename__ = "alarm_look"

    kind: Mapped[Kind] = mapped_column(status_type(Kind), primary_key=True)
    at: Mapped[datetime]
