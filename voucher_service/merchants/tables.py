"""Merchants, shops and cashiers."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.identity.documents import Document
from voucher_service.infra.database import Base, Recorded, status_type
from voucher_service.kernel.actor import Role

from .model import CashierStatus, MerchantStatus, ShopStatus, SizeClass, Trade

_POSITION = "num_nonnulls(latitude, longitude) IN (0, 2)"


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
    devices_only: Mapped[bool] = mapped_column(server_default=false())
    synthetic: Mapped[bool] = mapped_column(server_default=false())
    occurred_at: Mapped[datetime]


class ShopRow(Recorded, Base):
    """A merchant's place of business. `area` is a division code; `opening_hours` as in `place`."""

    __tablename__ = "shop"
    __table_args__ = (
        Index(None, "merchant_id"),
        Index(None, "trade", "area"),
        Index(None, "name", "id"),
        CheckConstraint("area ~ '^[0-9]{6}([0-9]{3})?$'", "area"),
        CheckConstraint("status IN ('active', 'closed')", "status"),
        CheckConstraint(_POSITION, "position"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    name: Mapped[str]
    area: Mapped[str]
    trade: Mapped[Trade] = mapped_column(status_type(Trade))
    address: Mapped[str] = mapped_column(server_default="")
    opening_hours: Mapped[list[list[list[str]]] | None] = mapped_column(JSONB(none_as_null=True))
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
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
        CheckConstraint("status IN ('applying', 'active', 'closed')", "status"),
        CheckConstraint("shop_id IS NOT NULL OR status = 'applying'", "shop"),
        CheckConstraint("num_nonnulls(identity_document, identity_cipher) IN (0, 2)", "identity"),
        CheckConstraint("cardinality(identity_hashes) = cardinality(identity_key_ids)", "keys"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # NULL only of who applies to become a merchant, whom no till and no list of cashiers knows.
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"), nullable=True)
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


class DeviceRow(Recorded, Base):
    """A phone or browser that a manager enrolled. It proves itself by a token, kept as its hash."""

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "merchant_id", "enrolled_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    name: Mapped[str]
    agent: Mapped[str]
    token_hash: Mapped[bytes]
    enrolled_by: Mapped[UUID] = mapped_column(ForeignKey("cashier.id"))
    enrolled_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class EnrolmentCodeRow(Recorded, Base):
    """A code that enrols one device of a shop within minutes; kept as a keyed hash."""

    __tablename__ = "enrolment_code"
    __table_args__ = (Index(None, "expires_at"),)

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    made_by: Mapped[UUID] = mapped_column(ForeignKey("cashier.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PointRow(Recorded, Base):
    """A place of a shop where a till stands: a stall, a booth. Its area is the shop's."""

    __tablename__ = "point"
    __table_args__ = (
        Index(None, "shop_id", "name"),
        CheckConstraint(_POSITION, "position"),
        CheckConstraint("opens_on <= closes_on", "season"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    name: Mapped[str]
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    opens_on: Mapped[date | None]
    closes_on: Mapped[date | None]
    made_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class StandRow(Recorded, Base):
    """What a session of the merchant face stands at: an enrolled device, a point."""

    __tablename__ = "stand"
    __table_args__ = (Index(None, "device_id"),)

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("sign_in_session.id", ondelete="CASCADE"), primary_key=True
    )
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))
    point_id: Mapped[UUID | None] = mapped_column(ForeignKey("point.id"))
