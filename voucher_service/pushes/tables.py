"""Pushes and the lines of their lists. No mobile and no document number is kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .model import Result, Status, Unit


class PushRow(Recorded, Base):
    """One list for one offer. `count` is how many of its lines are to be given."""

    __tablename__ = "push"
    __table_args__ = (
        Index(
            "uq_push_list",
            "offer_id",
            "list_sha256",
            unique=True,
            postgresql_where=text("status <> 'rejected'"),
        ),
        CheckConstraint("lines >= count AND count > 0", name="count"),
        CheckConstraint("list_sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("(status = 'done') = (done_at IS NOT NULL)", name="done"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"), index=True)
    unit: Mapped[Unit] = mapped_column(status_type(Unit))
    list_sha256: Mapped[str]
    lines: Mapped[int]
    count: Mapped[int]
    reserved: Mapped[bool]
    status: Mapped[Status] = mapped_column(status_type(Status))
    created_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class PushLineRow(Recorded, Base):
    """One line. `chosen` lines are to be given: one a resident, one a household."""

    __tablename__ = "push_line"
    __table_args__ = (
        UniqueConstraint("push_id", "resident_id"),
        CheckConstraint("chosen OR result IS NOT NULL", name="result"),
        CheckConstraint("NOT chosen OR resident_id IS NOT NULL", name="chosen"),
        Index(
            "uq_push_line_household",
            "push_id",
            "household",
            unique=True,
            postgresql_where=text("chosen"),
        ),
        Index(
            "ix_push_line_waiting",
            "push_id",
            "number",
            postgresql_where=text("result IS NULL"),
        ),
    )

    push_id: Mapped[UUID] = mapped_column(ForeignKey("push.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    household: Mapped[int | None]
    shown: Mapped[str]
    resident_id: Mapped[UUID | None] = mapped_column(ForeignKey("resident.id"))
    chosen: Mapped[bool]
    result: Mapped[Result | None] = mapped_column(status_type(Result))
