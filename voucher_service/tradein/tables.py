"""Pools, qualifications and the lines of full pools. Constraints have the last word on quotas."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.allocation.slots import Slotted, constraints
from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .policy import Category
from .qualifications import Status


class PoolRow(Recorded, Base):
    """What an offer of qualifications is, beyond an offer. It never changes once published."""

    __tablename__ = "qualification_pool"
    __table_args__ = (
        CheckConstraint("cardinality(categories) > 0", name="categories"),
        CheckConstraint("overbook_bps BETWEEN 0 AND 100000", name="overbook"),
        CheckConstraint("reclaims BETWEEN 0 AND 10", name="reclaims"),
    )

    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"), primary_key=True)
    policy_id: Mapped[str]
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text))
    overbook_bps: Mapped[int]
    reclaims: Mapped[int]
    ends_on: Mapped[date]


class QualificationRow(Slotted, Recorded, Base):
    """One resident's right to a subsidy. `occurred_at` is the claim's instant.

    A resident holds each unit of a category once a year, over all pools; and claims of one pool
    count, whatever became of them. `subsidy_fen`: what a till froze or paid. `device_id`: on which
    it was claimed, by the device's word.
    """

    __tablename__ = "qualification"
    __table_args__ = (
        *constraints("qualification"),
        UniqueConstraint("code_ref"),
        UniqueConstraint("offer_id", "resident_id", "category", "attempt"),
        CheckConstraint("unit BETWEEN 1 AND units_most", name="unit_within_units"),
        CheckConstraint("attempt BETWEEN 1 AND attempts_most", name="attempt_within_attempts"),
        CheckConstraint(
            "(status IN ('frozen', 'used')) = (subsidy_fen IS NOT NULL) AND subsidy_fen >= 0",
            name="subsidy",
        ),
        CheckConstraint(
            "holds_slot = (status IN ('claimed', 'frozen', 'used'))", name="holds_while_it_counts"
        ),
        CheckConstraint("occurred_at < valid_until", name="validity"),
        Index(
            "uq_qualification_unit",
            "resident_id",
            "category",
            "year",
            "unit",
            unique=True,
            postgresql_where=text("holds_slot"),
        ),
        Index("ix_qualification_resident", "resident_id", "occurred_at"),
        Index("ix_qualification_held", "offer_id", postgresql_where=text("status = 'claimed'")),
        Index("ix_qualification_ended", "offer_id", "valid_until"),
        Index("ix_qualification_due", "valid_until", postgresql_where=text("status = 'claimed'")),
    )

    category: Mapped[Category] = mapped_column(status_type(Category))
    year: Mapped[int]
    unit: Mapped[int]
    units_most: Mapped[int]
    attempt: Mapped[int]
    attempts_most: Mapped[int]
    status: Mapped[Status] = mapped_column(status_type(Status))
    valid_until: Mapped[datetime]
    code_ref: Mapped[int] = mapped_column(BigInteger)
    subsidy_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    reminded_at: Mapped[datetime | None]
    device_id: Mapped[str | None]


class WaitingRow(Recorded, Base):
    """A resident in the line of a full pool, until one comes free or they leave.

    `qualification_id`: of a holder whom a till refused, since the pool's money was short. Holders
    stand in front.
    """

    __tablename__ = "qualification_waiting"
    __table_args__ = (
        Index(
            "uq_qualification_waiting",
            "offer_id",
            "resident_id",
            "category",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_qualification_waiting_line",
            "offer_id",
            "occurred_at",
            "id",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("qualification_pool.offer_id"))
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"))
    category: Mapped[Category] = mapped_column(status_type(Category))
    qualification_id: Mapped[UUID | None] = mapped_column(ForeignKey("qualification.id"))
    occurred_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
