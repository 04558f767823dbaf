"""Vouchers. The row is its own idempotency record; its constraints have the last word on quota."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.allocation.slots import Slotted, constraints
from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import Money

from .model import Status


class VoucherRow(Slotted, Recorded, Base):
    """One resident's claimed right to a discount. `occurred_at` is the claim's instant."""

    __tablename__ = "voucher"
    __table_args__ = (
        *constraints("voucher"),
        UniqueConstraint("code_ref"),
        CheckConstraint("face_value_fen > 0", name="face_value"),
        CheckConstraint("spent_fen BETWEEN 0 AND face_value_fen", name="spent_within_value"),
        CheckConstraint("valid_from < valid_until", name="validity"),
        Index("ix_voucher_resident", "resident_id", "occurred_at"),
        Index("ix_voucher_due", "valid_until", postgresql_where=text("status = 'claimed'")),
        Index(
            "ix_voucher_lapsed",
            "offer_id",
            "valid_until",
            postgresql_where=text("status = 'expired' AND holds_slot"),
        ),
    )

    face_value_fen: Mapped[Money] = mapped_column(MoneyFen)
    spent_fen: Mapped[Money] = mapped_column(MoneyFen)
    status: Mapped[Status] = mapped_column(status_type(Status))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    code_ref: Mapped[int] = mapped_column(BigInteger)
    address_prefix: Mapped[str | None]
    device_id: Mapped[str | None]
    agent_hash: Mapped[str | None]


class PaperPrintRow(Recorded, Base):
    """A voucher's newest print on paper: those with a lower number are void."""

    __tablename__ = "paper_print"
    __table_args__ = (CheckConstraint("serial BETWEEN 1 AND 65535", name="serial"),)

    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("voucher.id"), primary_key=True)
    serial: Mapped[int]
    occurred_at: Mapped[datetime]
