"""Funders and their funds, budgets and allotments, lines (funder × campaign) with what they set
aside for each offer, caps with what is planned against them.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import ZERO, Money

from .model import Action, Level, MoveStatus, Span


class FunderRow(Recorded, Base):
    """Who pays a share: a treasury of some level, a merchant, a bank."""

    __tablename__ = "funder"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    level: Mapped[Level] = mapped_column(status_type(Level))
    area: Mapped[str]


class FundRow(Recorded, Base):
    """A funder's money of one document. `available_fen` is the ledger's balance, locked and
    changed with each posting, so that the database itself refuses an overdraft.
    """

    __tablename__ = "fund"
    __table_args__ = (
        UniqueConstraint("funder_id", "year", "purpose_code", "document"),
        CheckConstraint("available_fen >= 0", name="available"),
        CheckConstraint("year BETWEEN 2000 AND 2100", name="year"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    funder_id: Mapped[UUID] = mapped_column(ForeignKey("funder.id"))
    year: Mapped[int]
    purpose_code: Mapped[str]
    document: Mapped[str]
    available_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)


class BudgetRow(Recorded, Base):
    """A programme's budget for one area. The frame has no parent; there is one in a programme."""

    __tablename__ = "budget"
    __table_args__ = (
        UniqueConstraint("programme_id", "area"),
        Index(
            "uq_budget_one_frame",
            "programme_id",
            unique=True,
            postgresql_where=text("parent_id IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("budget.id"), index=True)
    name: Mapped[str]
    area: Mapped[str]


class AllotmentRow(Recorded, Base):
    """What a budget was given of a fund. `available_fen` as in FundRow."""

    __tablename__ = "allotment"
    __table_args__ = (
        UniqueConstraint("budget_id", "fund_id"),
        CheckConstraint("available_fen >= 0", name="available"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    budget_id: Mapped[UUID] = mapped_column(ForeignKey("budget.id"))
    fund_id: Mapped[UUID] = mapped_column(ForeignKey("fund.id"), index=True)
    available_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)


class MoveRow(Recorded, Base):
    """A proposed movement above the lines; its id is the key of the ledger's transfer."""

    __tablename__ = "budget_move"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount_positive"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[Action] = mapped_column(status_type(Action))
    fund_id: Mapped[UUID] = mapped_column(ForeignKey("fund.id"), index=True)
    budget_id: Mapped[UUID | None] = mapped_column(ForeignKey("budget.id"), index=True)
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    status: Mapped[MoveStatus] = mapped_column(status_type(MoveStatus))
    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval.id"))
    created_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]


class BudgetLineRow(Recorded, Base):
    """Money that one funder puts into one campaign, and the share of each voucher it bears."""

    __tablename__ = "budget_line"
    __table_args__ = (
        UniqueConstraint("campaign_id", "funder_id", "purpose_code"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("share_bps BETWEEN 0 AND 10000", name="share_range"),
        CheckConstraint("NOT fallback OR shop_area = ''", name="fallback_everywhere"),
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
    shop_area: Mapped[str] = mapped_column(server_default="")
    allotment_id: Mapped[UUID | None] = mapped_column(ForeignKey("allotment.id"), index=True)


class ReservationRow(Recorded, Base):
    """What a line set aside for an offer, and how much of it was committed or given back since.

    `redeemed_fen`: what was folded of the redemptions in the line's shop area, whoever bore it;
    less what was refunded there, which may be of a shop that moved in since.
    """

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
    redeemed_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO, server_default="0")


class CapRow(Recorded, Base):
    """The most that a budget (with its parts) or a campaign may issue in each period of a span."""

    __tablename__ = "budget_cap"
    __table_args__ = (
        UniqueConstraint("id", "amount_fen"),
        UniqueConstraint("budget_id", "span"),
        UniqueConstraint("campaign_id", "span"),
        CheckConstraint("num_nonnulls(budget_id, campaign_id) = 1", name="one_owner"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    budget_id: Mapped[UUID | None] = mapped_column(ForeignKey("budget.id"))
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaign.id"))
    span: Mapped[Span] = mapped_column(status_type(Span))
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)


class CapUseRow(Recorded, Base):
    """What is planned in one period of a cap. It carries the cap's amount, held true by the
    foreign key, so that the limit is a plain check on the row, and lowering a cap is checked too.
    """

    __tablename__ = "budget_cap_use"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cap_id", "amount_fen"],
            ["budget_cap.id", "budget_cap.amount_fen"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        CheckConstraint("planned_fen BETWEEN 0 AND amount_fen", name="within_cap"),
    )

    cap_id: Mapped[UUID] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    planned_fen: Mapped[Money] = mapped_column(MoneyFen)
