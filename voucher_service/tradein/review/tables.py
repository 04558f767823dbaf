"""Reviews of sales, their papers, and the batches in which sales and applications are looked at."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from ..policy import Category
from .model import BatchStatus, ProofKind, ReviewStatus, Subject, Way


class BatchRow(Recorded, Base):
    """A batch as it was made; a merchant has one of each way in a period and a division."""

    __tablename__ = "review_batch"
    __table_args__ = (
        UniqueConstraint("merchant_id", "area", "way", "period_on"),
        Index(None, "subject", "status", "weight", "occurred_at", "id"),
        CheckConstraint("(subject = 'sale') = (merchant_id IS NOT NULL)", name="merchant"),
        CheckConstraint("(way = 'sample') = (seed IS NOT NULL)", name="seed"),
        CheckConstraint("num_nulls(seed, seed_committed_at) IN (0, 2)", name="committed"),
        CheckConstraint("seed_committed_at <= occurred_at", name="before"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[Subject] = mapped_column(status_type(Subject))
    way: Mapped[Way] = mapped_column(status_type(Way))
    status: Mapped[BatchStatus] = mapped_column(status_type(BatchStatus))
    area: Mapped[str]
    title: Mapped[str]
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchant.id"))
    period_on: Mapped[date]
    weight: Mapped[int]
    tolerated_bps: Mapped[int]
    confidence_bps: Mapped[int]
    widenings: Mapped[int]
    count: Mapped[int]
    total_fen: Mapped[Money] = mapped_column(MoneyFen)
    list_sha256: Mapped[str]
    seed: Mapped[str | None]
    seed_committed_at: Mapped[datetime | None]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    occurred_at: Mapped[datetime]


class LineRow(Recorded, Base):
    """A sale or an application of a batch, and what was said of it. `place` is the drawn order."""

    __tablename__ = "review_line"
    __table_args__ = (
        UniqueConstraint("batch_id", "place"),
        Index(None, "subject_id"),
        CheckConstraint("num_nulls(good, reviewed_by, reviewed_at) IN (0, 3)", name="reviewed"),
        CheckConstraint("NOT released OR good IS DISTINCT FROM false", name="released"),
    )

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("review_batch.id"), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int]
    weight: Mapped[int]
    good: Mapped[bool | None]
    reason: Mapped[str] = mapped_column(server_default="")
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    reviewed_at: Mapped[datetime | None]
    released: Mapped[bool] = mapped_column(server_default=text("false"))


class SeedRow(Recorded, Base):
    """A seed for the next draw of a merchant in a division, or of a division's applications.

    `sha256` goes on record when the row is made, the seed itself with the batch that it draws.
    """

    __tablename__ = "review_seed"
    __table_args__ = (
        Index(
            "uq_review_seed_next",
            "merchant_id",
            "area",
            unique=True,
            postgresql_where=text("batch_id IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchant.id"))
    area: Mapped[str]
    seed: Mapped[str]
    sha256: Mapped[str]
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("review_batch.id"))
    occurred_at: Mapped[datetime]


class ReviewRow(Recorded, Base):
    """How far a sale is on the way to its money; its id is the sale's.

    `answers`: how often a refusal was answered.
    """

    __tablename__ = "sale_review"
    __table_args__ = (
        Index(None, "shop_id", "sold_at", "id"),
        Index(
            "ix_sale_review_complete",
            "merchant_id",
            "area",
            "completed_at",
            postgresql_where=text("status = 'complete'"),
        ),
        Index(
            "ix_sale_review_released",
            "released_at",
            postgresql_where=text("status = 'released'"),
        ),
        CheckConstraint("(status = 'released') = (released_at IS NOT NULL)", name="released"),
        CheckConstraint(
            "status NOT IN ('batched', 'released', 'refused') OR batch_id IS NOT NULL",
            name="batch",
        ),
        CheckConstraint(
            "status <> 'refused' OR num_nulls(refused_at, answer_until) = 0", name="refused"
        ),
        CheckConstraint(
            "status IN ('collecting', 'undone') OR completed_at IS NOT NULL", name="completed"
        ),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("trade_in_sale.redemption_id"), primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    area: Mapped[str]
    category: Mapped[Category] = mapped_column(status_type(Category))
    status: Mapped[ReviewStatus] = mapped_column(status_type(ReviewStatus))
    sold_at: Mapped[datetime]
    due_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("review_batch.id"))
    reason: Mapped[str] = mapped_column(server_default="")
    refused_at: Mapped[datetime | None]
    answer_until: Mapped[datetime | None]
    answers: Mapped[int] = mapped_column(server_default="0")
    released_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]


class ProofRow(Recorded, Base):
    """A paper of a sale, by what it shows. An invoice's number stands with one sale, for ever.

    `facts`: what the camera noted (`taken_at`, `latitude`, `longitude`, `likeness`).
    """

    __tablename__ = "sale_evidence"
    __table_args__ = (
        Index("uq_sale_evidence_number", "number", unique=True),
        CheckConstraint("(kind = 'invoice') = (number IS NOT NULL)", name="number"),
    )

    sale_id: Mapped[UUID] = mapped_column(
        ForeignKey("trade_in_sale.redemption_id"), primary_key=True
    )
    kind: Mapped[ProofKind] = mapped_column(status_type(ProofKind), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id"))
    number: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[datetime]
