"""Packs that were handed out, each with the hash of its zip."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded


class FinancePackRow(Recorded, Base):
    """A pack. Append only: one that says otherwise has a number of its own.

    `facts`: how the books stood at `occurred_at`, from which every copy is made.
    """

    __tablename__ = "finance_pack"
    __table_args__ = (
        UniqueConstraint("batch_id", "number"),
        CheckConstraint("number > 0 AND size > 0", "positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("settlement.id"))
    number: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[str]
    occurred_at: Mapped[datetime]
