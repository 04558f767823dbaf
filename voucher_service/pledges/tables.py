"""Pledges."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money
from voucher_service.redemption.model import Payer

from .model import Status


class PledgeRow(Recorded, Base):
    """What somebody promised to add to a programme. Nothing is posted for it."""

    __tablename__ = "pledge"
    __table_args__ = (
        Index(None, "programme_id", "id"),
        CheckConstraint("amount_fen >= 0", "amount"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    payer: Mapped[Payer] = mapped_column(status_type(Payer))
    name: Mapped[str]
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    pledged_on: Mapped[date]
    document: Mapped[str]
    status: Mapped[Status] = mapped_column(status_type(Status))
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval.id"))
    occurred_at: Mapped[datetime]
