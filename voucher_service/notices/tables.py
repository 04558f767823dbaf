"""Notices that are to be sent, and when they were."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .model import Kind


class NoticeRow(Recorded, Base):
    """One message; a resident is told of the same subject once."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("subject_id", "resident_id"),
        Index("ix_notice_waiting", "occurred_at", postgresql_where=text("sent_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID]
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"))
    kind: Mapped[Kind] = mapped_column(status_type(Kind))
    title: Mapped[str]
    at: Mapped[datetime]
    occurred_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
