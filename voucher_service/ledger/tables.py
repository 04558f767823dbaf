"""Accounts, transfers and their entries. Append only, by privilege and by trigger."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, Sealable
from voucher_service.kernel.money import Money


class AccountRow(Recorded, Base):
    """A place where money stands: a stage of a budget line or of an offer's pool."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("owner_type", "owner_id", "stage"),
        {"schema": "ledger"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    owner_type: Mapped[str]
    owner_id: Mapped[UUID]
    stage: Mapped[str]


class TransferRow(Sealable, Recorded, Base):
    """One movement of money. The code says what happened, the key that it happens once."""

    __tablename__ = "transfer"
    __table_args__ = (UniqueConstraint("code", "key"), {"schema": "ledger"})

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    code: Mapped[str]
    key: Mapped[str]
    occurred_at: Mapped[datetime]


class EntryRow(Base):
    """One leg of a transfer; the legs of a transfer add up to nothing (deferred trigger)."""

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount_not_zero"),
        Index("ix_entry_account_id", "account_id", postgresql_include=["amount_fen"]),
        {"schema": "ledger"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger.transfer.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger.account.id"))
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
