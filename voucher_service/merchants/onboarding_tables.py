"""Applications of merchants, their settlement accounts, and holds on their payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, Recorded, status_type

from .accounts import AccountKind, AccountStatus, HoldStatus
from .onboarding import DocumentKind, MerchantApplicationStatus


class MerchantApplicationRow(Recorded, Base):
    """What somebody hands in to become a merchant.

    `content` is what may be read by whoever may see the application; `person_cipher` holds the
    personal data: the legal person, the mobile, the account's number. `area` is the
    first shop's once it was handed in.
    """

    __tablename__ = "merchant_application"
    __table_args__ = (
        UniqueConstraint("applicant_id"),
        UniqueConstraint("merchant_id"),
        Index(None, "status", "submitted_at", "id"),
        CheckConstraint("(status = 'admitted') = (merchant_id IS NOT NULL)", "merchant"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    applicant_id: Mapped[UUID] = mapped_column(ForeignKey("cashier.id"))
    status: Mapped[MerchantApplicationStatus] = mapped_column(
        status_type(MerchantApplicationStatus)
    )
    area: Mapped[str] = mapped_column(server_default="")
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    person_cipher: Mapped[bytes]
    findings: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    reason: Mapped[str] = mapped_column(server_default="")
    commitment: Mapped[str | None]
    agreed_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    prechecked_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchant.id"))
    occurred_at: Mapped[datetime]


class DocumentRow(Recorded, Base):
    """A file of an application, by what it shows."""

    __tablename__ = "merchant_document"

    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("merchant_application.id"), primary_key=True
    )
    kind: Mapped[DocumentKind] = mapped_column(status_type(DocumentKind), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_file.id"))
    occurred_at: Mapped[datetime]


class SettlementAccountRow(Recorded, Base):
    """An account at a bank, one row for each that a merchant ever named.

    The one in force at an instant is the approved one with the newest `effective_from` before it.
    """

    __tablename__ = "settlement_account"
    __table_args__ = (
        Index(
            "ix_settlement_account_in_force",
            "merchant_id",
            text("effective_from DESC"),
            postgresql_where=text("status = 'approved'"),
        ),
        Index(
            "uq_settlement_account_waiting",
            "merchant_id",
            unique=True,
            postgresql_where=text("status IN ('requested', 'proposed')"),
        ),
        CheckConstraint("status <> 'approved' OR effective_from IS NOT NULL", "effective"),
        CheckConstraint("kind IN ('corporate', 'personal')", "kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    kind: Mapped[AccountKind] = mapped_column(status_type(AccountKind))
    name: Mapped[str]
    last4: Mapped[str]
    bank: Mapped[str]
    cnaps: Mapped[str]
    number_cipher: Mapped[bytes]
    status: Mapped[AccountStatus] = mapped_column(status_type(AccountStatus))
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("cashier.id"))
    requested_at: Mapped[datetime]
    checked_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str] = mapped_column(server_default="")
    effective_from: Mapped[datetime | None]


class PaymentHoldRow(Recorded, Base):
    """A merchant's payments wait while such a row has no end."""

    __tablename__ = "payment_hold"
    __table_args__ = (
        Index(
            "uq_payment_hold_in_force",
            "merchant_id",
            "suspension",
            unique=True,
            postgresql_where=text("status = 'in_force'"),
        ),
        CheckConstraint("(status = 'lifted') = (until IS NOT NULL)", "until"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    reason: Mapped[str]
    suspension: Mapped[bool]
    status: Mapped[HoldStatus] = mapped_column(status_type(HoldStatus))
    placed_by: Mapped[UUID | None]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]
