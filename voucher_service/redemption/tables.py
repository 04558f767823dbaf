"""Redemptions and refused attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .model import Phase, Status


class RedemptionRow(Recorded, Base):
    """One voucher on one order. The order reference is the shop's own and is never reused."""

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
            postgresql_where=text("status IN ('frozen', 'committed')"),
        ),
        Index("ix_redemption_shop_time", "shop_id", "occurred_at"),
        Index("ix_redemption_offer", "offer_id", "occurred_at"),
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
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("voucher.id"))
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"))
    part: Mapped[int]
    order_reference: Mapped[str]
    payment_reference: Mapped[str | None]
    key_hash: Mapped[bytes]
    body_hash: Mapped[bytes]
    nonce: Mapped[bytes]
    code_window: Mapped[int] = mapped_column(BigInteger)
    order_amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    discount_fen: Mapped[Money] = mapped_column(MoneyFen)
    refunded_fen: Mapped[Money] = mapped_column(MoneyFen)
    refunded_discount_fen: Mapped[Money] = mapped_column(MoneyFen)
    items: Mapped[list[Any] | None] = mapped_column(JSONB)
    status: Mapped[Status] = mapped_column(status_type(Status))
    phase: Mapped[Phase] = mapped_column(status_type(Phase))
    occurred_at: Mapped[datetime]
    address_prefix: Mapped[str | None]
    device_id: Mapped[str | None]
    agent_hash: Mapped[str | None]


class RefusalRow(Recorded, Base):
    """A refused attempt at a till: evidence, and what the lock against guessing counts."""

    __tablename__ = "redemption_refusal"
    __table_args__ = (Index("ix_redemption_refusal_shop", "shop_id", "occurred_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    shop_id: Mapped[UUID]
    cashier_id: Mapped[UUID]
    voucher_id: Mapped[UUID | None]
    code: Mapped[str]
    order_reference: Mapped[str]
    order_amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    occurred_at: Mapped[datetime]
    address_prefix: Mapped[str | None]
    device_id: Mapped[str | None]
    agent_hash: Mapped[str | None]
