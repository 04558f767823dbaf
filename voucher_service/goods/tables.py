"""The library, filed prices and prices seen. What was in force is never changed, only followed."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .categories import Category
from .model import ChangeStatus

_GTIN = "gtin ~ '^[0-9]{14}$'"
_GRADE = "grade BETWEEN 1 AND 5"


class _Described:
    """What the library says of a product."""

    brand: Mapped[str]
    model: Mapped[str]
    name: Mapped[str]
    category: Mapped[Category] = mapped_column(status_type(Category))
    grade: Mapped[int | None]
    dual_imei: Mapped[bool]
    guide_price_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    origin_area: Mapped[str]
    valid_until: Mapped[date | None]


class LibraryChangeRow(Recorded, Base):
    """A table that was handed in."""

    __tablename__ = "library_change"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("fresh >= 0 AND changed >= 0 AND same >= 0", name="counts"),
        Index("ix_library_change_created_at", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    sha256: Mapped[str]
    fresh: Mapped[int]
    changed: Mapped[int]
    same: Mapped[int]
    status: Mapped[ChangeStatus] = mapped_column(status_type(ChangeStatus))
    created_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]


class LibraryChangeLineRow(_Described, Base):
    """One of its lines, as it was read."""

    __tablename__ = "library_change_line"
    __table_args__ = (
        CheckConstraint(_GTIN, name="gtin"),
        CheckConstraint(_GRADE, name="grade"),
        Index("ix_library_change_line_number", "change_id", "number"),
    )

    change_id: Mapped[UUID] = mapped_column(ForeignKey("library_change.id"), primary_key=True)
    gtin: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    valid_from: Mapped[date | None]


class ProductRow(_Described, Recorded, Base):
    """A version of a product. The next one begins later; only what has not begun is replaced."""

    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint(_GTIN, name="gtin"),
        CheckConstraint(_GRADE, name="grade"),
    )

    gtin: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    change_id: Mapped[UUID] = mapped_column(ForeignKey("library_change.id"))


class FiledPriceRow(Recorded, Base):
    """A price that a merchant filed. Rows are only added: of those begun, the last filed counts."""

    __tablename__ = "product_price_filed"
    __table_args__ = (
        CheckConstraint("price_fen > 0", name="price"),
        Index("ix_product_price_filed_counts", "merchant_id", "gtin", "filed_at"),
        Index("ix_product_price_filed_gtin", "gtin", "merchant_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    gtin: Mapped[str]
    price_fen: Mapped[Money] = mapped_column(MoneyFen)
    valid_from: Mapped[date]
    filed_by: Mapped[UUID | None]
    filed_at: Mapped[datetime]


class PriceSeenRow(Recorded, Base):
    """What a shop sold a product for on a day, over all units of that day.

    The lows are those of the days before, as `pricing.Lows` has them: they stand with the first
    unit, since a list that looked them up for each day again took minutes.
    """

    __tablename__ = "price_seen"
    __table_args__ = (
        CheckConstraint("0 < lowest_fen AND lowest_fen <= highest_fen", name="prices"),
        CheckConstraint("units > 0", name="units"),
        Index("ix_price_seen_merchant", "merchant_id", "gtin", "day", "lowest_fen"),
        Index("ix_price_seen_city", "gtin", "day", "lowest_fen"),
        Index("ix_price_seen_day", "day", "gtin", "shop_id"),
    )

    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"), primary_key=True)
    gtin: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    area: Mapped[str]
    lowest_fen: Mapped[Money] = mapped_column(MoneyFen)
    highest_fen: Mapped[Money] = mapped_column(MoneyFen)
    list_price_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    units: Mapped[int]
    month_low_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    quarter_low_fen: Mapped[Money | None] = mapped_column(MoneyFen)
    city_low_fen: Mapped[Money | None] = mapped_column(MoneyFen)
