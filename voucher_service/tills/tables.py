"""Public keys of tills, and the nonces that they used lately."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded


class TillKeyRow(Recorded, Base):
    """A key of a till, which is a cashier who is a machine; `name` is what the till is called."""

    __tablename__ = "till_key"
    __table_args__ = (
        UniqueConstraint("public_key"),
        CheckConstraint("length(public_key) = 32", "public_key"),
        Index(None, "shop_id"),
        Index(None, "cashier_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    cashier_id: Mapped[UUID] = mapped_column(ForeignKey("cashier.id"))
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shop.id"))
    name: Mapped[str]
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey("cashier.id"))
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]


class TillNonceRow(Base):
    """A nonce that a key used; deleted when it may be used again."""

    __tablename__ = "till_nonce"
    __table_args__ = (Index(None, "used_at"),)

    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime]
