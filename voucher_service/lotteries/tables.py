"""Lotteries, the parties' commitments, and the entries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .model import Party, Status


class LotteryRow(Recorded, Base):
    """One lottery of one offer. Hashes are in hex, as they are published."""

    __tablename__ = "lottery"
    __table_args__ = (
        CheckConstraint("seats > 0 AND waiting >= 0", name="places"),
        CheckConstraint("opens_at < closes_at", name="window"),
        CheckConstraint("(waiting > 0) = (waiting_from IS NOT NULL)", name="waiting"),
        CheckConstraint("attempt >= 1", name="attempt"),
        CheckConstraint(
            "(status IN ('closed', 'drawn')) = (list_sha256 IS NOT NULL)"
            " AND (status = 'drawn') = (seed IS NOT NULL)",
            name="published",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"), unique=True)
    seats: Mapped[int]
    waiting: Mapped[int]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    waiting_from: Mapped[datetime | None]
    status: Mapped[Status] = mapped_column(status_type(Status))
    attempt: Mapped[int]
    closed_at: Mapped[datetime | None]
    entries: Mapped[int | None]
    list_sha256: Mapped[str | None]
    reveal_by: Mapped[datetime | None]
    seed: Mapped[str | None]
    result_sha256: Mapped[str | None]
    drawn_at: Mapped[datetime | None]


class CommitmentRow(Recorded, Base):
    """A party's promise in one attempt. No person speaks for two parties, no hash stands twice."""

    __tablename__ = "lottery_commitment"
    __table_args__ = (
        UniqueConstraint("lottery_id", "attempt", "staff_id"),
        UniqueConstraint("lottery_id", "sha256"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("(secret IS NULL) = (revealed_at IS NULL)", name="revealed"),
        CheckConstraint(
            "secret IS NULL OR encode(sha256(secret::bytea), 'hex') = sha256", name="secret"
        ),
    )

    lottery_id: Mapped[UUID] = mapped_column(ForeignKey("lottery.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    party: Mapped[Party] = mapped_column(status_type(Party), primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    sha256: Mapped[str]
    committed_at: Mapped[datetime]
    secret: Mapped[str | None]
    revealed_at: Mapped[datetime | None]


class EntryRow(Recorded, Base):
    """One resident's entry. 90 days after the draw the resident is forgotten; the leaf stays."""

    __tablename__ = "lottery_entry"
    __table_args__ = (
        UniqueConstraint("lottery_id", "resident_id"),
        CheckConstraint("octet_length(leaf) = 32", name="leaf"),
        CheckConstraint("rank >= 1", name="rank"),
        Index(
            "uq_lottery_entry_rank",
            "lottery_id",
            "rank",
            unique=True,
            postgresql_where=text("rank IS NOT NULL"),
        ),
    )

    lottery_id: Mapped[UUID] = mapped_column(ForeignKey("lottery.id"), primary_key=True)
    leaf: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    resident_id: Mapped[UUID | None] = mapped_column(ForeignKey("resident.id"))
    entered_at: Mapped[datetime]
    rank: Mapped[int | None]
    address_prefix: Mapped[str | None]
    device_id: Mapped[str | None]
    agent_hash: Mapped[str | None]
