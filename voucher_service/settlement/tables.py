"""Batches, their lines and items, the rows of bank files, files, answers, holds and advances."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from voucher_service.infra.database import Base, MoneyFen, Recorded, status_type
from voucher_service.kernel.money import ZERO, Money

from .lifecycles import AdvanceStatus, BatchStatus, LineStatus, PaymentStatus
from .model import Form, HoldReason, LeftOut, LineKind, PayoutKind


class SettlementRow(Recorded, Base):
    """One batch; of a day there is one, unless it was dropped. Four eyes and more: who drafts,
    reviews and pays it are different people.
    """

    __tablename__ = "settlement"
    __table_args__ = (
        Index(
            "uq_settlement_day",
            "day",
            "programme_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("status <> 'dropped'"),
        ),
        UniqueConstraint("number"),
        Index(None, "status", "day"),
        CheckConstraint("sent_by <> reviewed_by", "payer"),
        CheckConstraint("drafted_by <> reviewed_by AND drafted_by <> sent_by", "drafter"),
        CheckConstraint(
            "status NOT IN ('sent', 'closed') OR payments = 0"
            " OR num_nulls(sent_by, sent_at, approval_id) = 0",
            "sent",
        ),
        CheckConstraint(
            "due_fen >= deducted_fen AND deducted_fen >= 0"
            " AND total_fen = due_fen - deducted_fen + retried_fen",
            "total",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True))
    day: Mapped[date]
    programme_id: Mapped[UUID | None] = mapped_column(ForeignKey("programme.id"))
    status: Mapped[BatchStatus] = mapped_column(status_type(BatchStatus))
    lines: Mapped[int] = mapped_column(default=0)
    items: Mapped[int] = mapped_column(default=0)
    due_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
    deducted_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
    retried_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
    payments: Mapped[int] = mapped_column(default=0)
    total_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
    statement_until: Mapped[datetime | None]
    drafted_at: Mapped[datetime]
    drafted_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    reviewed_at: Mapped[datetime | None]
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval.id"))
    approved_at: Mapped[datetime | None]
    sent_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    sent_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class SettlementLineRow(Recorded, Base):
    """What a batch owes one merchant or one resident. `name` is the merchant's, or masked."""

    __tablename__ = "settlement_line"
    __table_args__ = (
        Index(
            "uq_settlement_line_merchant",
            "batch_id",
            "merchant_id",
            unique=True,
            postgresql_where=text("kind = 'merchant'"),
        ),
        # A payout to a resident, or an advance, stands in one line that pays it.
        Index(
            "uq_settlement_line_payout",
            "payout_id",
            "subject_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("kind <> 'merchant' AND status NOT IN ('left_out', 'ended')"),
        ),
        Index(None, "batch_id", "id"),
        Index(None, "merchant_id", "id"),
        Index(None, "resident_id", "id"),
        Index(
            "ix_settlement_line_due",
            "batch_id",
            "id",
            postgresql_where=text("status = 'due'"),
        ),
        CheckConstraint("due_fen > 0 AND deducted_fen BETWEEN 0 AND due_fen", "amounts"),
        CheckConstraint("(status = 'left_out') = (left_out IS NOT NULL)", "left_out"),
        CheckConstraint("(status = 'paid') = (paid_at IS NOT NULL)", "paid"),
        CheckConstraint(
            "CASE kind WHEN 'person' THEN num_nulls(resident_id, payout_kind, payout_id,"
            " campaign_id) = 0 AND merchant_id IS NULL AND deducted_fen = 0"
            " ELSE merchant_id IS NOT NULL AND resident_id IS NULL END",
            "payee",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("settlement.id"))
    kind: Mapped[LineKind] = mapped_column(status_type(LineKind))
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchant.id"))
    resident_id: Mapped[UUID | None] = mapped_column(ForeignKey("resident.id"))
    payout_kind: Mapped[PayoutKind | None] = mapped_column(status_type(PayoutKind))
    payout_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaign.id"))
    name: Mapped[str]
    items: Mapped[int] = mapped_column(default=0)
    due_fen: Mapped[Money] = mapped_column(MoneyFen)
    deducted_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)
    status: Mapped[LineStatus] = mapped_column(status_type(LineStatus))
    left_out: Mapped[LeftOut | None] = mapped_column(status_type(LeftOut))
    paid_at: Mapped[datetime | None]


class SettlementItemRow(Base):
    """One redemption in a line; in one that is `live` it stands once. `due_fen`: as it was when the
    batch was made.
    """

    __tablename__ = "settlement_item"
    __table_args__ = (
        Index(
            "uq_settlement_item_live",
            "redemption_id",
            unique=True,
            postgresql_where=text("live"),
        ),
        CheckConstraint("due_fen > 0", "due"),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("settlement_line.id"), primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemption.id"), primary_key=True)
    offer_id: Mapped[UUID]
    due_fen: Mapped[Money] = mapped_column(MoneyFen)
    live: Mapped[bool] = mapped_column(server_default=true())


class SettlementShareRow(Recorded, Base):
    """What a budget line is to bear of a batch, and has borne of what was paid."""

    __tablename__ = "settlement_share"
    __table_args__ = (CheckConstraint("due_fen >= 0 AND settled_fen >= 0", "amounts"),)

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("settlement.id"), primary_key=True)
    line_id: Mapped[UUID] = mapped_column(ForeignKey("budget_line.id"), primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaign.id"))
    due_fen: Mapped[Money] = mapped_column(MoneyFen)
    settled_fen: Mapped[Money] = mapped_column(MoneyFen, default=ZERO)


class SettlementPaymentRow(Recorded, Base):
    """One row of a bank file. A line has one payment that is not over or paid, whatever happens.

    `account_id`: the merchant's settlement account. What the bank said stands in `answer` before it
    is booked; that it sent back later what it had paid, in `returned_at`, with its `reason`.
    """

    __tablename__ = "settlement_payment"
    __table_args__ = (
        UniqueConstraint("flow_number"),
        Index(
            "uq_settlement_payment_live",
            "line_id",
            unique=True,
            postgresql_where=text("status IN ('due', 'sent', 'paid')"),
        ),
        Index(None, "batch_id", "place"),
        Index(
            "ix_settlement_payment_bounced",
            "line_id",
            postgresql_where=text("status IN ('bounced', 'returned')"),
        ),
        Index(
            "ix_settlement_payment_answered",
            "batch_id",
            "place",
            postgresql_where=text("status = 'sent' AND answer IS NOT NULL"),
        ),
        Index(
            "ix_settlement_payment_returned",
            "batch_id",
            "place",
            postgresql_where=text("status = 'paid' AND returned_at IS NOT NULL"),
        ),
        Index("ix_settlement_payment_waits", "line_id", postgresql_where=text("retry_waits")),
        CheckConstraint("amount_fen > 0", "amount"),
        CheckConstraint("answer IN ('paid', 'bounced')", "answer"),
        CheckConstraint("returned_at IS NULL OR answer = 'paid'", "returned"),
        CheckConstraint("status <> 'returned' OR returned_at IS NOT NULL", "returned_at"),
        CheckConstraint("status NOT IN ('paid', 'bounced') OR status = answer", "answered"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", "answered_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("settlement.id"))
    line_id: Mapped[UUID] = mapped_column(ForeignKey("settlement_line.id"))
    place: Mapped[int]
    flow_number: Mapped[str]
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    status: Mapped[PaymentStatus] = mapped_column(status_type(PaymentStatus))
    personal: Mapped[bool]
    account_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(server_default="")
    last4: Mapped[str] = mapped_column(server_default="")
    bank: Mapped[str] = mapped_column(server_default="")
    answer: Mapped[str | None]
    reason: Mapped[str] = mapped_column(server_default="")
    bank_reference: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    return_reference: Mapped[str] = mapped_column(server_default="")
    retry_at: Mapped[datetime | None]
    # It came back by our books alone: until that is looked into, no other payment follows it.
    retry_waits: Mapped[bool] = mapped_column(server_default=false())


class SettlementFileRow(Recorded, Base):
    """A bank file as it was handed out; `cipher` is bound to batch and form."""

    __tablename__ = "settlement_file"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("settlement.id"), primary_key=True)
    form: Mapped[Form] = mapped_column(status_type(Form), primary_key=True)
    sha256: Mapped[str]
    size: Mapped[int]
    cipher: Mapped[bytes]


class SettlementReturnRow(Recorded, Base):
    """A file that the bank gave back and that was taken, once."""

    __tablename__ = "settlement_return"
    __table_args__ = (UniqueConstraint("batch_id", "sha256"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("settlement.id"))
    sha256: Mapped[str]
    rows: Mapped[int]
    paid: Mapped[int]
    bounced: Mapped[int]
    returned: Mapped[int] = mapped_column(server_default="0")
    taken_by: Mapped[str]
    taken_at: Mapped[datetime]


class SettlementHoldRow(Recorded, Base):
    """A redemption is not paid while such a row has no end; one for each reason."""

    __tablename__ = "settlement_hold"
    __table_args__ = (
        Index(
            "uq_settlement_hold_in_force",
            "redemption_id",
            "reason",
            unique=True,
            postgresql_where=text("until IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemption.id"))
    reason: Mapped[HoldReason] = mapped_column(status_type(HoldReason))
    placed_by: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class SettlementAdvanceRow(Recorded, Base):
    """Money that a merchant is paid ahead, and owes until its redemptions net it off."""

    __tablename__ = "settlement_advance"
    __table_args__ = (
        Index(
            "ix_settlement_advance_approved",
            "id",
            postgresql_where=text("status = 'approved'"),
        ),
        CheckConstraint("amount_fen > 0", "amount"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchant.id"))
    amount_fen: Mapped[Money] = mapped_column(MoneyFen)
    status: Mapped[AdvanceStatus] = mapped_column(status_type(AdvanceStatus))
    reason: Mapped[str]
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval.id"))
    occurred_at: Mapped[datetime]
