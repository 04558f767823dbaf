"""Sales of subsidised units, and the numbers by which no unit is subsidised twice."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from ..policy import Category
from .model import NumberKind, SaleStatus


class SaleRow(Recorded, Base):
    """One unit on one order. Prices, `subsidy_fen`, `case` and `steps` are what stands after
    refunds; `case` and `policy_id` are enough to decide it again. `links`: keyed hashes of what it
    may share with other purchases.
    """

    __tablename__ = "trade_in_sale"
    __table_args__ = (
        Index(None, "qualification_id"),
        Index(None, "resident_id", "occurred_at"),
        Index(None, "merchant_id", "occurred_at"),
        Index(None, "gtin", "occurred_at"),
        Index(None, "occurred_at", "redemption_id"),
        CheckConstraint("price_fen > 0", name="price"),
        CheckConstraint("subsidy_fen BETWEEN 0 AND price_fen", name="subsidy"),
        CheckConstraint("list_price_fen >= price_fen", name="list_price"),
        CheckConstraint("imei2 IS NULL OR imei1 <> imei2", name="imeis"),
        CheckConstraint("grade BETWEEN 1 AND 5", name="grade"),
    )

    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemption.id"), primary_key=True)
    qualification_id: Mapped[UUID] = mapped_column(ForeignKey("qualification.id"))
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("qualification_pool.offer_id"))
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    category: Mapped[Category] = mapped_column(status_type(Category))
    gtin: Mapped[str]
    serial: Mapped[str]
    imei1: Mapped[str | None]
    imei2: Mapped[str | None]
    brand: Mapped[str]
    model: Mapped[str]
    grade: Mapped[int | None]
    list_price_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    price_fen: Mapped[Money] = mapped_column(MoneyFen)
    filed_price_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    subsidy_fen: Mapped[Money] = mapped_column(MoneyFen)
    policy_id: Mapped[str]
    case: Mapped[dict[str, Any]] = mapped_column(JSONB)
    steps: Mapped[list[Any]] = mapped_column(JSONB)
    payer_matches: Mapped[bool | None]
    receiver_matches: Mapped[bool | None]
    activated_on: Mapped[date | None]
    links: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    status: Mapped[SaleStatus] = mapped_column(status_type(SaleStatus))
    occurred_at: Mapped[datetime]


class SoldUnitRow(Recorded, Base):
    """A number of a sale's unit. `holds`: no other sale may have it, in any campaign or year."""

    __tablename__ = "sold_unit"
    __table_args__ = (
        Index(
            "uq_sold_unit_number",
            "kind",
            "number",
            unique=True,
            postgresql_where=text("holds"),
        ),
    )

    sale_id: Mapped[UUID] = mapped_column(
        ForeignKey("trade_in_sale.redemption_id"), primary_key=True
    )
    kind: Mapped[NumberKind] = mapped_column(status_type(NumberKind), primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    holds: Mapped[bool]
