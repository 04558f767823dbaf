"""Redemptions of vouchers and of qualifications, refunds and refused attempts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money
from voucher_service.tradein.qualifications import Status as QualificationStatus
from voucher_service.vouchers.model import Status as VoucherStatus

from .model import Phase, Recovery, Source, Status
from .refunds import Fate


class RedemptionRow(Recorded, Base):
    """One voucher, or one qualification, on one order. The order reference is the shop's own and is
    never reused.
    """

    __tablename__ = "redemption"
    __table_args__ = (
        UniqueConstraint("shop_id", "order_reference"),
        UniqueConstraint("shop_id", "key_hash"),
        UniqueConstraint("nonce"),
        Index(
            "uq_redemption_live",
            "voucher_id",
            "part",
            unique=True,
            postgresql_where=text(
                "status IN ('frozen', 'committed') AND refunded_fen < order_amount_fen"
            ),
        ),
        Index(
            "uq_redemption_live_qualification",
            "qualification_id",
            unique=True,
            postgresql_where=text(
                "status IN ('frozen', 'committed') AND refunded_fen < order_amount_fen"
            ),
        ),
        Index("ix_redemption_shop_time", "shop_id", "occurred_at"),
        Index("ix_redemption_offer", "offer_id", "occurred_at"),
        Index("ix_redemption_occurred_at", "occurred_at", postgresql_using="brin"),
        Index(
            "ix_redemption_payment_reference",
            "payment_reference",
            "merchant_id",
            postgresql_where=text("payment_reference IS NOT NULL"),
        ),
        Index("ix_redemption_voucher", "voucher_id", "occurred_at"),
        Index(
            "ix_redemption_qualification",
            "qualification_id",
            "occurred_at",
            postgresql_where=text("qualification_id IS NOT NULL"),
        ),
        Index(
            "ix_redemption_ticket",
            "shop_id",
            "ticket_reference",
            postgresql_where=text("ticket_reference IS NOT NULL"),
        ),
        Index(
            "ix_redemption_frozen",
            "freeze_expires_at",
            postgresql_where=text("status = 'frozen'"),
        ),
        # What can be paid and no batch has: small, however large the history grows.
        Index(
            "ix_redemption_unpaid",
            "merchant_id",
            "id",
            postgresql_where=text(
                "status = 'committed' AND phase = 'none' AND refunded_discount_fen < discount_fen"
            ),
        ),
        CheckConstraint(
            "status = 'refused' OR num_nulls(voucher_id, qualification_id) = 1 AND num_nulls("
            "offer_id, part, nonce, code_window, order_amount_fen, discount_fen, refunded_fen,"
            " refunded_discount_fen) = 0",
            name="whole",
        ),
        CheckConstraint("voucher_id IS NULL OR claimed_on IS NOT NULL", name="claimed_on"),
        CheckConstraint("paid_fen BETWEEN 0 AND order_amount_fen - discount_fen", name="paid"),
        CheckConstraint("status <> 'frozen' OR freeze_expires_at IS NOT NULL", name="freeze"),
        CheckConstraint("order_amount_fen > 0", name="order_amount"),
        CheckConstraint("discount_fen BETWEEN 1 AND order_amount_fen", name="discount"),
        CheckConstraint("refunded_fen BETWEEN 0 AND order_amount_fen", name="refunded"),
        CheckConstraint(
            "refunded_discount_fen BETWEEN 0 AND discount_fen", name="refunded_discount"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    cashier_id: Mapped[UUID] = mapped_column(ForeignKey("cashier.id"))
    voucher_id: Mapped[UUID | None] = mapped_column(ForeignKey("voucher.id"))
    qualification_id: Mapped[UUID | None] = mapped_column(ForeignKey("qualification.id"))
    offer_id: Mapped[UUID | None] = mapped_column(ForeignKey("offer.id"))
    part: Mapped[int | None]
    order_reference: Mapped[str]
    payment_reference: Mapped[str | None]
    key_hash: Mapped[bytes]
    body_hash: Mapped[bytes]
    nonce: Mapped[bytes | None]
    code_window: Mapped[int | None] = mapped_column(BigInteger)
    order_amount_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    discount_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    refunded_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    refunded_discount_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    paid_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    discounts: Mapped[list[Any] | None] = mapped_column(JSONB)
    items: Mapped[list[Any] | None] = mapped_column(JSONB)
    ticket_reference: Mapped[str | None]
    freeze_expires_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    status: Mapped[Status] = mapped_column(status_type(Status))
    phase: Mapped[Phase] = mapped_column(status_type(Phase))
    occurred_at: Mapped[datetime]
    # The business day of the voucher's claim, so that no count has to read the voucher for it.
    claimed_on: Mapped[date | None]
    address_prefix: Mapped[str | None]
    device_id: Mapped[str | None]
    agent_hash: Mapped[str | None]
    source: Mapped[Source] = mapped_column(status_type(Source), server_default="api")
    point_id: Mapped[UUID | None]
    position: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    distance_m: Mapped[int | None]
    outside_hours: Mapped[bool] = mapped_column(server_default=false())


class RefundRow(Recorded, Base):
    """Part or all of a redeemed order given back. Its parts add up to `amount_fen`.

    `others`: what bank and platform take back, by payer. `value_back_fen`: how much of the voucher
    can be spent again, or was given up with it. One of the two statuses says where the voucher or
    the qualification stood afterwards.
    """

    __tablename__ = "redemption_refund"
    __table_args__ = (
        UniqueConstraint("shop_id", "key_hash"),
        Index(
            "uq_redemption_refund_reference",
            "shop_id",
            "refund_reference",
            unique=True,
            postgresql_where=text("refund_reference IS NOT NULL"),
        ),
        Index("ix_redemption_refund_redemption", "redemption_id", "occurred_at"),
        Index("ix_redemption_refund_shop", "shop_id", "occurred_at"),
        Index("ix_redemption_refund_time", "occurred_at", postgresql_using="brin"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint(
            "subsidy_part_fen >= 0 AND cash_part_fen >= 0 AND other_part_fen >= 0"
            " AND subsidy_part_fen + cash_part_fen + other_part_fen = amount_fen",
            name="parts",
        ),
        CheckConstraint("value_back_fen >= 0", name="value_back"),
        CheckConstraint("num_nulls(voucher_status, qualification_status) = 1", name="after"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemption.id"))
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    cashier_id: Mapped[UUID] = mapped_column(ForeignKey("cashier.id"))
    refund_reference: Mapped[str | None]
    key_hash: Mapped[bytes]
    body_hash: Mapped[bytes]
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    subsidy_part_fen: Mapped[Money] = mapped_column(MoneyFen)
    cash_part_fen: Mapped[Money] = mapped_column(MoneyFen)
    other_part_fen: Mapped[Money] = mapped_column(MoneyFen, server_default="0")
    others: Mapped[list[Any] | None] = mapped_column(JSONB)
    reason: Mapped[str]
    phase: Mapped[Phase] = mapped_column(status_type(Phase))
    recovery: Mapped[Recovery] = mapped_column(status_type(Recovery))
    voucher_status: Mapped[VoucherStatus | None] = mapped_column(status_type(VoucherStatus))
    qualification_status: Mapped[QualificationStatus | None] = mapped_column(
        status_type(QualificationStatus)
    )
    fate: Mapped[Fate] = mapped_column(status_type(Fate))
    value_back_fen: Mapped[Money] = mapped_column(MoneyFen)
    occurred_at: Mapped[datetime]


class RefusalRow(Recorded, Base):
    """A refused attempt at a till: evidence, and what the lock against guessing counts."""

    __tablename__ = "redemption_refusal"
    __table_args__ = (Index("ix_redemption_refusal_shop", "shop_id", "occurred_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    shop_id: Mapped[UUID]
    cashier_id: Mapped[UUID]
    voucher_id: Mapped[UUID | None]
    qualification_id: Mapped[UUID | None]
    code: Mapped[str]
    order_reference: Mapped[str]
    order_amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    occurred_at: Mapped[datetime]
    address_prefix: Mapped[str | None]
    device_id: Mapped[str | None]
    agent_hash: Mapped[str | None]
