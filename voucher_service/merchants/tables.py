"""Merchants, shops and cashiers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.identity.documents import Document
from voucher_service.infra.database import Base, Recorded, status_type
from voucher_service.kernel.actor import Role

from .model import CashierStatus, MerchantStatus, ShopStatus, SizeClass, Trade


class MerchantRow(Recorded, Base):
    """A legal person, known by its unified social credit code."""

    __tablename__ = "merchant"
    __table_args__ = (
        UniqueConstraint("uscc"),
        CheckConstraint("length(uscc) = 18", "uscc"),
        CheckConstraint("size_class IN ('above_quota', 'below_quota', 'small')", "size_class"),
        CheckConstraint("status IN ('active', 'suspended')", "status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    uscc: Mapped[str]
    size_class: Mapped[SizeClass] = mapped_column(status_type(SizeClass))
    status: Mapped[MerchantStatus] = mapped_column(status_type(MerchantStatus))
    synthetic: Mapped[bool] = mapped_column(server_default=false())
    occurred_at: Mapped[datetime]


class ShopRow(Recorded, Base):
    """A merchant's place of business. `area` is a division code."""

    __tablename__ = "shop"
    __table_args__ = (
        Index(None, "merchant_id"),
        Index(None, "trade", "area"),
        Index(None, "name", "id"),
        CheckConstraint("area ~ '^[0-9]{6}([0-9]{3})?$'", "area"),
        CheckConstraint("status IN ('active', 'closed')", "status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    name: Mapped[str]
    area: Mapped[str]
    trade: Mapped[Trade] = mapped_column(status_type(Trade))
    address: Mapped[str] = mapped_column(server_default="")
    status: Mapped[ShopStatus] = mapped_column(status_type(ShopStatus))
    synthetic: Mapped[bool] = mapped_column(server_default=false())
    occurred_at: Mapped[datetime]


class CashierRow(Recorded, Base):
    """A person who scans at a shop. Without a password hash nobody can sign in as them.

    `identity_hashes` are the keyed hashes of their identity document, one for each key in use,
    numbered by `identity_key_ids` and made as those of residents are, so that nobody redeems their
    own voucher; `identity_cipher` lets a key rotation make them anew.
    """

    __tablename__ = "cashier"
    __table_args__ = (
        UniqueConstraint("username"),
        Index(None, "shop_id"),
        CheckConstraint("username = lower(username)", "username"),
        CheckConstraint("role IN ('manager', 'cashier')", "role"),
        CheckConstraint("status IN ('active', 'closed')", "status"),
        CheckConstraint("num_nonnulls(identity_document, identity_cipher) IN (0, 2)", "identity"),
        CheckConstraint("cardinality(identity_hashes) = cardinality(identity_key_ids)", "keys"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    username: Mapped[str]
    password_hash: Mapped[str | None]
    display_name: Mapped[str]
    role: Mapped[Role] = mapped_column(status_type(Role))
    identity_document: Mapped[Document | None] = mapped_column(status_type(Document))
    identity_cipher: Mapped[bytes | None]
    identity_hashes: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), server_default="{}")
    identity_key_ids: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default="{}")
    status: Mapped[CashierStatus] = mapped_column(status_type(CashierStatus))
    demo: Mapped[bool] = mapped_column(server_default=false())
    synthetic: Mapped[bool] = mapped_column(server_default=false())
    occurred_at: Mapped[datetime]
