"""Channels' files, their lines beside ours, and the differences with what was said of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
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
from .uploads import UploadStatus


class ChannelFileRow(Recorded, Base):
    """A file that was imported, once. `scope` is the shop, the merchant, or empty for the city;
    `with_others`: it also has orders without a voucher, which our books don't know.
    """

    __tablename__ = "channel_file"
    __table_args__ = (
        Index("uq_channel_file_sha256", "sha256", "scope", "first_day", "last_day", unique=True),
        Index("ix_channel_file_occurred_at", "occurred_at", "id"),
        Index("ix_channel_file_days", "channel", "scope", "first_day", "last_day"),
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

    `refund_id` stands beside the redemption where the line is a refund; `payment_id` instead of it
    where the file is a bank's; `ordinal` counts the lines of a reference. No foreign keys: the rows
    are made from the tables they name, a million at once.
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
    payment_id: Mapped[UUID | None]
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
        Index("ix_difference_reference", "channel", "scope", "reference"),
        Index("ix_difference_status", "status", "due_at", "id"),
        Index(
            "ix_difference_redemption",
            "redemption_id",
            postgresql_where=text("status IN ('open', 'proposed')"),
        ),
        Index(
            "ix_difference_payment",
            "payment_id",
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
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("settlement_payment.id"))
    shop_id: Mapped[UUID | None] = mapped_column(ForeignKey("shop.id"))
    area: Mapped[str]
    holds: Mapped[bool]
    status: Mapped[Status] = mapped_column(status_type(Status))
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    due_at: Mapped[datetime]
    correction_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    closed_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]


class DifferenceRefundRow(Recorded, Base):
    """A refund that corrected a difference: nobody was given money, so no channel knows of it."""

    __tablename__ = "difference_refund"

    refund_id: Mapped[UUID] = mapped_column(ForeignKey("redemption_refund.id"), primary_key=True)
    difference_id: Mapped[UUID] = mapped_column(ForeignKey("difference.id"))


class ExpectedFileRow(Recorded, Base):
    """A file that is to come of every day from `first_day` on, by `hour` of the day after.

    `missing`: the days without one, as of `looked_at`: to find them takes a look at all orders.
    """

    __tablename__ = "expected_file"
    __table_args__ = (
        Index(
            "uq_expected_file_stands",
            "channel",
            "scope",
            unique=True,
            postgresql_where=text("last_day IS NULL"),
        ),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        CheckConstraint("num_nonnulls(merchant_id, shop_id) <= 1", name="scope"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str]
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchant.id"))
    shop_id: Mapped[UUID | None] = mapped_column(ForeignKey("shop.id"))
    scope: Mapped[str]
    hour: Mapped[int]
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    missing: Mapped[list[date]] = mapped_column(ARRAY(Date), server_default="{}")
    looked_at: Mapped[datetime | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    occurred_at: Mapped[datetime]


class UploadRow(Recorded, Base):
    """A file that was sent and waits to be read, or what became of it. The bytes stand in the
    folder of uploads under the id; they are gone once it is taken or refused.
    """

    __tablename__ = "channel_upload"
    __table_args__ = (
        Index("ix_channel_upload_occurred_at", "occurred_at", "id"),
        CheckConstraint("num_nonnulls(merchant_id, shop_id) <= 1", name="scope"),
        CheckConstraint(
            "(status = 'waiting') = (ended_at IS NULL) AND (status = 'taken') ="
            " (file_id IS NOT NULL) AND (status = 'refused') = (refusal IS NOT NULL)",
            name="ended",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    format: Mapped[str]
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchant.id"))
    shop_id: Mapped[UUID | None] = mapped_column(ForeignKey("shop.id"))
    with_others: Mapped[bool]
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]
    file_name: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    read_bytes: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int]
    status: Mapped[UploadStatus] = mapped_column(status_type(UploadStatus))
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("channel_file.id"))
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    ended_at: Mapped[datetime | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
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
