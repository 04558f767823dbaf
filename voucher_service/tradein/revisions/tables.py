"""Revisions, the decisions that they change, and what each budget line pays of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import ZERO, Money

from ..policy import Category, Scheme
from .model import OPEN, Kind, Status

_OPEN = f"status IN ({', '.join(repr(str(one)) for one in OPEN)})"


class RevisionRow(Recorded, Base):
    """One revision. `policies` are the ids that it decides by.

    The last decision seen is `cursor_id`, made at `cursor_at`: they are looked at newest first,
    those made until `created_at`. `list_sha256` covers its lines once they are complete.
    """

    __tablename__ = "revision"
    __table_args__ = (
        Index("uq_revision_open", "scheme", "area", unique=True, postgresql_where=text(_OPEN)),
        CheckConstraint("seen >= changed AND changed >= 0", "counts"),
        CheckConstraint("more_fen >= 0 AND less_fen >= 0", "sums"),
        CheckConstraint(
            "status IN ('computing', 'cancelled', 'superseded') OR list_sha256 IS NOT NULL", "list"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_id: Mapped[str]
    policies: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scheme: Mapped[Scheme] = mapped_column(status_type(Scheme))
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaign.id"))
    area: Mapped[str]
    known_until: Mapped[date]
    status: Mapped[Status] = mapped_column(status_type(Status))
    cursor_at: Mapped[datetime]
    cursor_id: Mapped[UUID]
    seen: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    more_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
    less_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
    list_sha256: Mapped[str | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class RevisionLineRow(Recorded, Base):
    """One decision that a revision changes. `card_cipher`: the card its resident named for it.

    `kept_fen` is what refunds and returns left of the difference, NULL for all of it. It is at the
    bank from `sent_at`, until it is paid or comes back.
    """

    __tablename__ = "revision_line"
    __table_args__ = (
        CheckConstraint("before_fen >= 0 AND after_fen >= 0", "amounts"),
        CheckConstraint("before_fen <> after_fen", "changes"),
        CheckConstraint("paid_at IS NULL OR after_fen > before_fen", "paid"),
        CheckConstraint("kept_fen BETWEEN 0 AND after_fen - before_fen", "kept"),
        Index("ix_revision_line_subject", "subject_id"),
        Index("ix_revision_line_resident", "resident_id", "revision_id"),
        Index(
            "ix_revision_line_due",
            "revision_id",
            "subject_id",
            postgresql_where=text("after_fen > before_fen AND paid_at IS NULL"),
        ),
    )

    revision_id: Mapped[UUID] = mapped_column(ForeignKey("revision.id"), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(status_type(Kind))
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"))
    category: Mapped[Category] = mapped_column(status_type(Category))
    area: Mapped[str]
    before_fen: Mapped[Money] = mapped_column(MoneyFen)
    after_fen: Mapped[Money] = mapped_column(MoneyFen)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    card_cipher: Mapped[bytes | None]
    paid_at: Mapped[datetime | None]
    kept_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    sent_at: Mapped[datetime | None]


class RevisionReturnRow(Recorded, Base):
    """What a resident gave back of a difference that was paid; `reference`: the bank's."""

    __tablename__ = "revision_return"
    __table_args__ = (
        ForeignKeyConstraint(
            ["revision_id", "subject_id"],
            ["revision_line.revision_id", "revision_line.subject_id"],
        ),
        UniqueConstraint("reference"),
        Index(None, "revision_id", "subject_id"),
        CheckConstraint("amount_fen > 0", "amount"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    revision_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    reference: Mapped[str]
    occurred_at: Mapped[datetime]


class RevisionShareRow(Recorded, Base):
    """What a budget line pays of an approved revision, less what refunds and returns freed."""

    __tablename__ = "revision_share"
    __table_args__ = (CheckConstraint("amount_fen >= 0", "amount"),)

    revision_id: Mapped[UUID] = mapped_column(ForeignKey("revision.id"), primary_key=True)
    line_id: Mapped[UUID] = mapped_column(ForeignKey("budget_line.id"), primary_key=True)
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)


class TrialRow(Recorded, Base):
    """A draft that is tried on past decisions; kept for a day.

    As for a revision, `cursor_id` made at `cursor_at` is the last decision seen; `sums` are those
    of `effects.Tally` so far.
    """

    __tablename__ = "policy_trial"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    draft: Mapped[str]
    first: Mapped[date]
    last: Mapped[date]
    area: Mapped[str]
    done: Mapped[bool] = mapped_column(default=False)
    cursor_at: Mapped[datetime]
    cursor_id: Mapped[UUID]
    seen: Mapped[int] = mapped_column(default=0)
    sums: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
