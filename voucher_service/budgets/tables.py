"""Funders, budget lines (funder × campaign), and reservations (line × offer)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import ZERO, Money

from .model import Level


class FunderRow(Recorded, Base):
    """Who pays a share: a treasury of some level, a merchant, a bank."""

    __tablename__ = "funder"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    level: Mapped[Level] = mapped_column(status_type(Level))
    area: Mapped[str]


class BudgetLineRow(Recorded, Base):
    """Money that one funder puts into one campaign, and the share of each voucher it bears."""

    __tablename__ = "budget_line"
    __table_args__ = (
        UniqueConstraint("campaign_id", "funder_id", "purpose_code"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("share_bps BETWEEN 0 AND 10000", name="share_range"),
        Index(
            "uq_budget_line_one_fallback",
            "campaign_id",
            unique=True,
            postgresql_where=text("fallback"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaign.id"), index=True)
    funder_id: Mapped[UUID] = mapped_column(ForeignKey("funder.id"))
    position: Mapped[int]
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    share_bps: Mapped[int]
    purpose_code: Mapped[str]
    fallback: Mapped[bool]


class ReservationRow(Recorded, Base):
    """What a line set aside for an offer, and how much of it was committed or given back since."""

    __tablename__ = "budget_reservation"
    __table_args__ = (
        CheckConstraint("reserved_fen >= 0", name="reserved"),
        CheckConstraint(
            "folded_fen >= 0 AND freed_fen >= 0 AND folded_fen + freed_fen <= reserved_fen",
            name="within_reserved",
        ),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("budget_line.id"), primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"), primary_key=True, index=True)
    reserved_fen: Mapped[Money] = mapped_column(MoneyFen)
    folded_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
    freed_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
