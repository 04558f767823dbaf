"""Disputes and their threads."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .model import Reason, Status, Subject


class DisputeRow(Recorded, Base):
    """An objection of a shop. The same thing is disputed once at a time."""

    __tablename__ = "dispute"
    __table_args__ = (
        Index(
            "uq_dispute_open",
            "shop_id",
            "subject_id",
            unique=True,
            postgresql_where=text("status <> 'closed'"),
        ),
        Index("ix_dispute_shop", "shop_id", "occurred_at", "id"),
        Index("ix_dispute_queue", "occurred_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    area: Mapped[str]
    subject: Mapped[Subject] = mapped_column(status_type(Subject))
    subject_id: Mapped[UUID]
    about: Mapped[str]
    reason: Mapped[Reason] = mapped_column(status_type(Reason))
    wanted_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    status: Mapped[Status] = mapped_column(status_type(Status))
    due_at: Mapped[datetime]
    occurred_at: Mapped[datetime]


class DisputeMessageRow(Recorded, Base):
    """A word of either side, appended. `by_staff` or `by_cashier` said it."""

    __tablename__ = "dispute_message"
    __table_args__ = (Index("ix_dispute_message_dispute", "dispute_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    dispute_id: Mapped[UUID] = mapped_column(ForeignKey("dispute.id"))
    by_staff: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    by_cashier: Mapped[UUID | None] = mapped_column(ForeignKey("cashier.id"))
    event: Mapped[str]
    body: Mapped[str]
    occurred_at: Mapped[datetime]
