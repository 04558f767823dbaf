"""Accounts, transfers and their entries, append only by privilege and by trigger; balance marks."""

from __future__ import annotations

from datetime import datetime
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
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, Sealable
from voucher_service.kernel.money import Money


class AccountRow(Recorded, Base):
    """A place where money stands: a stage of a fund, allotment, budget line or offer's pool."""

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
    __table_args__ = (
        UniqueConstraint("code", "key"),
        Index(
            "uq_transfer_resolution",
            "key",
            unique=True,
            postgresql_where=text("code IN ('freeze_committed', 'freeze_cancelled')"),
        ),
        Index("ix_transfer_xid_brin", "xid", postgresql_using="brin"),
        {"schema": "ledger"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    code: Mapped[str]
    key: Mapped[str]
    occurred_at: Mapped[datetime]


class EntryRow(Sealable, Base):
    """One leg of a transfer; the legs of a transfer add up to nothing (deferred trigger).

    `occurred_at` is the transfer's. `seal` shows a change of the entry, its account's name or its
    transfer: see `seals`.
    """

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount_not_zero"),
        Index(
            "ix_entry_account_time",
            "account_id",
            "occurred_at",
            postgresql_include=["amount_fen"],
        ),
        Index(
            "ix_entry_xid", "xid", postgresql_include=["account_id", "occurred_at", "amount_fen"]
        ),
        {"schema": "ledger"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger.transfer.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger.account.id"))
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    occurred_at: Mapped[datetime]
    seal: Mapped[bytes]


class MarkRow(Base):
    """What an account held at an instant, by the entries below the horizon. Made by a job."""

    __tablename__ = "balance_mark"

    account_id: Mapped[int] = mapped_column(ForeignKey("ledger.account.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    balance_fen: Mapped[Money] = mapped_column(MoneyFen)


class HorizonRow(Base):
    """One row: marks count every entry written by a transaction below this number."""

    __tablename__ = "balance_horizon"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    xid: Mapped[int] = mapped_column(BigInteger)
