"""Batches, lines, payments and holds as their readers see them; netting; refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable
from voucher_service.kernel.ids import (
    BudgetLineId,
    CampaignId,
    MerchantId,
    ProgrammeId,
    RedemptionId,
)
from voucher_service.kernel.money import ZERO, Money

from .lifecycles import BatchStatus, LineStatus, PaymentStatus

BatchId = NewType("BatchId", UUID)
BatchLineId = NewType("BatchLineId", UUID)
PaymentId = NewType("PaymentId", UUID)
AdvanceId = NewType("AdvanceId", UUID)


class LineKind(StrEnum):
    """Whom a line pays and for what: a merchant for redemptions, or ahead of them; a resident."""

    MERCHANT = "merchant"
    ADVANCE = "advance"
    PERSON = "person"


class PayoutKind(StrEnum):
    """What a resident is paid for: an application for a car, a difference found by a revision."""

    APPLICATION = "application"
    REVISION = "revision"


class Form(StrEnum):
    """In which form a bank file is written."""

    CSV = "csv"
    XLSX = "xlsx"


class HoldReason(StrEnum):
    """Why one redemption is not paid for the time being."""

    DIFFERENCE = "difference"
    DISPUTE = "dispute"
    RISK = "risk"


class LeftOut(StrEnum):
    """Why a line is not paid by its batch."""

    PAYMENT_HOLD = "payment_hold"
    REDEMPTION_HOLD = "redemption_hold"
    NO_ACCOUNT = "no_account"
    UNDONE = "undone"
    STATEMENT = "statement"
    DROPPED = "dropped"


# Why subsidised sales wait that no reviewer released; payments that the bank sent back and nobody
# may try again yet; and what the next batch takes.
UNRELEASED, SENT_BACK, NEXT = "review", "sent_back", "next"
HOLD_REASONS: Mapping[HoldReason, str] = {
    HoldReason.DIFFERENCE: mark("对账有差异"),
    HoldReason.DISPUTE: mark("门店提出异议"),
    HoldReason.RISK: mark("风险核查"),
}
LEFT_OUT: Mapping[LeftOut, str] = {
    LeftOut.PAYMENT_HOLD: mark("商户暂缓付款"),
    LeftOut.REDEMPTION_HOLD: mark("有一笔核销暂缓付款"),
    LeftOut.NO_ACCOUNT: mark("没有收款账户"),
    LeftOut.UNDONE: mark("应付的事由已不成立"),
    LeftOut.STATEMENT: mark("银行流水说以前那笔已经付了"),
    LeftOut.DROPPED: mark("批次已作废"),
}


class DayNotOver(Unprocessable):
    """A day is settled once it is over."""

    code = "settlement_day_not_over"


class SyntheticNotNamed(Unprocessable):
    """A replayed programme is settled only when it is asked for by name with the flag for it."""

    code = "settlement_synthetic"


class StatementRunning(Conflict):
    """Merchants may still look at their statements; `until` says how long."""

    code = "settlement_statement_running"


class SameHands(Forbidden):
    """Who drafts, who reviews, who signs and who pays a batch are different people."""

    code = "settlement_same_hands"


class NothingToSettle(Conflict):
    """No line of the batch is left to pay."""

    code = "settlement_empty"


class ReturnInvalid(Unprocessable):
    """The bank's file can't be taken; `extra.lines` says where and why. Nothing was taken."""

    code = "bank_return_invalid"


class AnswerDiffers(Conflict):
    """The bank answered this payment before, and otherwise; `extra.lines` says where. That it sent
    back later what it had paid is no other answer.
    """

    code = "bank_answer_differs"


class AdvanceTooLarge(Unprocessable):
    """With what is asked for already and what the merchant owes it would be ahead by more than
    `most`; `left` is how much more it may get.
    """

    code = "settlement_advance_too_large"


class NotBounced(Conflict):
    """Only a payment that the bank sent back is tried again."""

    code = "settlement_not_bounced"


class BatchResult(StrEnum):
    """What became of a batch once all was answered. What came back is due again; this stays."""

    PAID = "paid"
    PART_BACK = "part_back"
    ALL_BACK = "all_back"
    NOTHING = "nothing"


RESULTS: Mapping[BatchResult, str] = {
    BatchResult.PAID: mark("已结清"),
    BatchResult.PART_BACK: mark("部分退回"),
    BatchResult.ALL_BACK: mark("全部退回"),
    BatchResult.NOTHING: mark("没有付款"),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """What is paid together. `day`: the last day included. `programme_id`: of a replayed programme
    that was asked for; None is every real one.

    `due` is what the funders bear, `deducted` what merchants owed and gave back so, `total` what
    the file pays: `payments` rows, bounced ones of earlier batches among them, so that `total` is
    `due - deducted + retried`. What was `returned` had been paid; neither `paid` nor `bounced`
    counts it. `statement_until`: until when merchants may object. The SHA-256 are
    those of the files, in hex.
    """

    id: BatchId
    number: str
    day: date
    programme_id: ProgrammeId | None
    status: BatchStatus
    lines: int
    items: int
    due: Money
    deducted: Money
    retried: Money
    payments: int
    total: Money
    paid: int
    paid_amount: Money
    bounced: int
    bounced_amount: Money
    returned: int
    returned_amount: Money
    statement_until: datetime | None
    drafted_at: datetime
    drafted_by: UUID | None
    reviewed_by: UUID | None
    reviewed_at: datetime | None
    approval_id: UUID | None
    approved_at: datetime | None
    sent_by: UUID | None
    sent_at: datetime | None
    closed_at: datetime | None
    csv_sha256: str | None
    xlsx_sha256: str | None

    @property
    def open(self) -> int:
        """How many payments have no answer of the bank yet."""
        return self.payments - self.paid - self.bounced - self.returned

    @property
    def open_amount(self) -> Money:
        """What these come to."""
        return self.total - self.paid_amount - self.bounced_amount - self.returned_amount

    @property
    def result(self) -> BatchResult | None:
        """What became of it; None before it is closed."""
        if self.status is not BatchStatus.CLOSED:
            return None
        back = self.bounced + self.returned
        if back:
            return BatchResult.ALL_BACK if back == self.payments else BatchResult.PART_BACK
        return BatchResult.PAID if self.lines or self.payments else BatchResult.NOTHING


@dataclass(frozen=True, slots=True)
class Payment:
    """One row of a bank file, to find again by `flow_number`. `name` is masked for a person;
    `last4` and `bank` are known once it was sent.

    `answered_at` and `returned_at` are the bank's own times, of its answer and of the day it sent
    back what it had paid; `reason` why it came back. `retry_at`: when finance said that the same
    account is tried again.
    """

    id: PaymentId
    batch_id: BatchId
    line_id: BatchLineId
    flow_number: str
    personal: bool
    name: str
    last4: str
    bank: str
    amount: Money
    status: PaymentStatus
    reason: str
    bank_reference: str
    answered_at: datetime | None
    returned_at: datetime | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One merchant's redemptions in a batch, one advance, or one resident's payout.

    `amount` = `due` - `deducted`; `left_out` says why it is not paid. `payment` is the newest one.
    """

    id: BatchLineId
    batch_id: BatchId
    batch_number: str
    day: date
    kind: LineKind
    merchant_id: MerchantId | None
    resident_id: UUID | None
    payout_kind: PayoutKind | None
    payout_id: UUID | None
    name: str
    items: int
    due: Money
    deducted: Money
    status: LineStatus
    left_out: LeftOut | None
    statement_until: datetime | None
    paid_at: datetime | None
    payment: Payment | None = None

    @property
    def amount(self) -> Money:
        """What is paid."""
        return self.due - self.deducted


@dataclass(frozen=True, slots=True)
class Item:
    """One redemption in a line. `discount` less `refunded` was due when the batch was made; what
    was refunded since is netted off a later line. `hold`: why it is kept back now, if it is.
    """

    redemption_id: RedemptionId
    order_reference: str
    shop: str
    occurred_at: datetime
    order_amount: Money
    discount: Money
    due: Money
    hold: HoldReason | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What one budget line bears of a batch; `settled` of it was paid."""

    budget_line_id: BudgetLineId
    campaign_id: CampaignId
    campaign: str
    funder: str
    funder_name: str
    level: str
    due: Money
    settled: Money


@dataclass(frozen=True, slots=True)
class Funding:
    """What a budget line, by its `share` of the batch, bears of one line of it."""

    line_id: BatchLineId
    payee: str
    share: Share
    due: Money


@dataclass(frozen=True, slots=True)
class Hold:
    """One redemption waits, since when and why; `placed_by` as records name an actor."""

    redemption_id: RedemptionId
    reason: HoldReason
    placed_by: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """The order of a redemption, and what holds it, if anything does. Nothing keeps back what is
    `paid`.
    """

    redemption_id: RedemptionId
    shop: str
    merchant: str
    order_reference: str
    occurred_at: datetime
    discount: Money
    paid: bool
    hold: Hold | None = None

    def because(self, hold: Hold) -> HeldOrder:
        """The same, held for this reason."""
        return replace(self, hold=hold)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a bank's file said; `replayed` when it had been taken before. `returned`: sent back
    after an earlier file had reported it paid.
    """

    batch_id: BatchId
    rows: int
    paid: int
    bounced: int
    returned: int
    replayed: bool


def net(due: Money, owed: Money) -> Money:
    """What of a merchant's debt comes off what is due to it: never more than either."""
    return max(ZERO, min(due, owed))


def batch_number(day: date, number: int) -> str:
    """What a bank file calls a batch: its day and its number."""
    return f"{day:%Y%m%d}-{number:06d}"


def flow_number(day: date, number: int, place: int) -> str:
    """What a bank file calls a payment, 22 digits: the batch's day and number, and its place."""
    return f"{day:%Y%m%d}{number:06d}{place:08d}"


def split_over(amount: Money, wanted: Mapping[BudgetLineId, Money]) -> dict[BudgetLineId, Money]:
    """An amount over what lines are still to bear, in proportion, none beyond its own.

    All of it once the amount is all that is left, so that parts taken one after the other end
    exactly. Raises ValueError when the amount is more than the lines are to bear.
    """
    if amount > Money.total(wanted.values()):
        raise ValueError("more than the lines are to bear")
    if not amount:
        return dict.fromkeys(wanted, ZERO)
    parts = amount.split([one.fen for one in wanted.values()])
    return dict(zip(wanted, parts, strict=True))
