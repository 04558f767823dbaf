"""Stops. The few that are in force have an index of their own: every claim and till asks it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .model import Scope, Status, What


class StopRow(Recorded, Base):
    """What was stopped, by whom and why."""

    __tablename__ = "stop"
    __table_args__ = (
        Index(
            "uq_stop_in_force",
            "what",
            "subject_id",
            unique=True,
            postgresql_where=text("status = 'in_force'"),
        ),
        Index("ix_stop_stopped_at", "stopped_at", "id"),
        CheckConstraint("(status = 'lifted') = (lifted_at IS NOT NULL)", name="lifted"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[Scope] = mapped_column(status_type(Scope))
    subject_id: Mapped[UUID]
    what: Mapped[What] = mapped_column(status_type(What))
    area: Mapped[str]
    title: Mapped[str]
    reason: Mapped[str]
    status: Mapped[Status] = mapped_column(status_type(Status))
    stopped_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    stopped_at: Mapped[datetime]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    lifted_at: Mapped[datetime | None]
