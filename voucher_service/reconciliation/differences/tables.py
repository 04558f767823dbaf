"""Channels' files, their lines beside ours, and the differences with what was said of them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from ..model import Finding
from .layout import LineKind
from .model import Status


class ChannelFileRow(Recorded, Base):
    """A file that was imported, once. `scope` is the shop, the merchant, or empty for the city;
    `with_others`: it also has orders without a voucher, which our books don't know.
    """

    __tablename__ = "channel_file"
    __table_args__ = (
        Index("uq_channel_file_sha256", "sha256", "scope", "first_day", unique=True),
        Index("ix_channel_file_occurred_at", "occurred_at", "id"),
        CheckConstraint("num_nonnulls(merchant_id, shop_id) <= 1", name="scope"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    format: Mapped[str]
    channel: Mapped[str]
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchant.id"))
    shop_id: Mapped[UUID | None] = mapped_column(ForeignKey("shop.id"))
    scope: Mapped[str]
    with_others: Mapped[bool]
    file_name: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    first_day: Mapped[date]
    last_day: Mapped[date]
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)
    ours_fen: Mapped[Money] = mapped_column(MoneyFen)
    theirs_fen: Mapped[Money] = mapped_column(MoneyFen)
    replaces: Mapped[UUID | None] = mapped_column(ForeignKey("channel_file.id"))
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    occurred_at: Mapped[datetime]


class ChannelLineRow(Base):
    """A line of either side with what was found on the other. Never changed.

    `refund_id` stands beside the redemption where the line is a refund; `ordinal` counts the lines
    of a reference. No foreign keys: the rows are made from the tables they name, a million at once.
    """

    __tablename__ = "channel_line"
    __table_args__ = (
        Index(
            "ix_channel_line_unmatched",
            "file_id",
            "place",
            postgresql_where=text("finding <> 'matched'"),
        ),
    )

    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[LineKind] = mapped_column(status_type(LineKind))
    reference: Mapped[str]
    ordinal: Mapped[int]
    finding: Mapped[Finding] = mapped_column(status_type(Finding))
    differs: Mapped[list[str]] = mapped_column(ARRAY(Text))
    redemption_id: Mapped[UUID | None]
    refund_id: Mapped[UUID | None]
    our_at: Mapped[datetime | None]
    our_order_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    our_discount_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    our_paid_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    file_line: Mapped[int | None]
    their_at: Mapped[datetime | None]
    their_day: Mapped[date | None]
    their_order_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    their_discount_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    their_paid_fen: Mapped[Money | None] = mapped_column(MoneyFen)


class DifferenceRow(Recorded, Base):
    """A line that did not match. The same one is under way once, however many files show it."""

    __tablename__ = "difference"
    __table_args__ = (
        ForeignKeyConstraint(["file_id", "place"], ["channel_line.file_id", "channel_line.place"]),
        Index(
            "uq_difference_under_way",
            "channel",
            "scope",
            "kind",
            "reference",
            "ordinal",
            "finding",
            unique=True,
            postgresql_where=text("status IN ('open', 'proposed')"),
        ),
        Index("ix_difference_file", "file_id", "place", unique=True),
        Index("ix_difference_status", "status", "due_at", "id"),
        Index(
            "ix_difference_redemption",
            "redemption_id",
            postgresql_where=text("status IN ('open', 'proposed')"),
        ),
        CheckConstraint("correction_fen > 0", name="correction"),
        CheckConstraint("(closed_at IS NULL) = (status IN ('open', 'proposed'))", name="closed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_id: Mapped[UUID]
    place: Mapped[int]
    channel: Mapped[str]
    scope: Mapped[str]
    kind: Mapped[LineKind] = mapped_column(status_type(LineKind))
    reference: Mapped[str]
    ordinal: Mapped[int]
    finding: Mapped[Finding] = mapped_column(status_type(Finding))
    redemption_id: Mapped[UUID | None] = mapped_column(ForeignKey("redemption.id"))
    shop_id: Mapped[UUID | None] = mapped_column(ForeignKey("shop.id"))
    area: Mapped[str]
    holds: Mapped[bool]
    status: Mapped[Status] = mapped_column(status_type(Status))
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    due_at: Mapped[datetime]
    correction_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    closed_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]


class DifferenceNoteRow(Recorded, Base):
    """What somebody said or did about a difference; without `by_staff` the system did."""

    __tablename__ = "difference_note"
    __table_args__ = (Index("ix_difference_note_difference", "difference_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    difference_id: Mapped[UUID] = mapped_column(ForeignKey("difference.id"))
    by_staff: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    event: Mapped[str]
    body: Mapped[str]
    occurred_at: Mapped[datetime]
