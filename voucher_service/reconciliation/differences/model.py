"""A channel's file, the differences found in it, what becomes of them, and the refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import MerchantId, RedemptionId, ShopId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import ZERO, Money
from voucher_service.settlement.model import PaymentId

from ..model import Finding, Part
from .layout import LineKind

ChannelFileId = NewType("ChannelFileId", UUID)
DifferenceId = NewType("DifferenceId", UUID)


class ChannelFileInvalid(Unprocessable):
    """A channel's file can't be read or doesn't add up; `extra["lines"]` says where, and how."""

    code = "channel_file_invalid"


class ChannelFileTooLarge(Unprocessable):
    """A channel's file is larger than `matching.file_limit_bytes`; it was not read."""

    code = "channel_file_too_large"


class ChannelFileKnown(Conflict):
    """The same file was imported before; nothing was counted twice."""

    code = "channel_file_known"


class ChannelFileUnlike(Unprocessable):
    """Too little of the file is found in our books, or the other way round: it is of another day,
    merchant or city.
    """

    code = "channel_file_unlike"


class DaysInvalid(Unprocessable):
    """The days that a file was said to be of lie ahead, are too many, or the wrong way round."""

    code = "channel_days_invalid"


class ChannelFormatUnknown(Unprocessable):
    """No file in `config/channels/` describes a format of that name."""

    code = "channel_format_unknown"


class ScopeInvalid(Unprocessable):
    """A till's file is of one shop; a payment channel's file of the city or of one merchant."""

    code = "channel_scope_invalid"


class CorrectionNeeded(Conflict):
    """The difference holds money back: to let it go takes a proposal and a second person."""

    code = "difference_holds_money"


class NothingToCorrect(Unprocessable):
    """The difference is about no order of ours that could be given back."""

    code = "difference_without_order"


class Status(StrEnum):
    """Where a difference stands. `open` and `proposed` hold the money they are about."""

    OPEN = "open"
    PROPOSED = "proposed"
    EXPLAINED = "explained"
    CORRECTED = "corrected"
    ACCEPTED = "accepted"


class Event(StrEnum):
    """What happens to a difference. `found`: a later file or our own books explain it."""

    EXPLAINED = "difference.explained"
    FOUND = "difference.found"
    PROPOSED = "difference.proposed"
    SENT_BACK = "difference.sent_back"
    CORRECTED = "difference.corrected"
    ACCEPTED = "difference.accepted"


LIFECYCLE: Machine[Status, Event] = Machine(
    "difference",
    Status.OPEN,
    {
        Status.OPEN: {
            Event.EXPLAINED: Status.EXPLAINED,
            Event.FOUND: Status.EXPLAINED,
            Event.PROPOSED: Status.PROPOSED,
        },
        Status.PROPOSED: {
            Event.SENT_BACK: Status.OPEN,
            Event.CORRECTED: Status.CORRECTED,
            Event.ACCEPTED: Status.ACCEPTED,
        },
        Status.EXPLAINED: {},
        Status.CORRECTED: {},
        Status.ACCEPTED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.OPEN: mark("待查"),
    Status.PROPOSED: mark("等待批准"),
    Status.EXPLAINED: mark("已查清"),
    Status.CORRECTED: mark("已更正"),
    Status.ACCEPTED: mark("已认可"),
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.OPEN: frozenset({Role.FINANCE}),
    Status.PROPOSED: frozenset({Role.APPROVER}),
    Status.EXPLAINED: frozenset(),
    Status.CORRECTED: frozenset(),
    Status.ACCEPTED: frozenset(),
}
UNDER_WAY = (Status.OPEN, Status.PROPOSED)
KINDS: Mapping[LineKind, str] = {
    LineKind.PAYMENT: mark("付款"),
    LineKind.REFUND: mark("退款"),
}
# Of a bank's file, where nobody is refunded.
BANK_KINDS: Mapping[LineKind, str] = {
    LineKind.PAYMENT: mark("付款"),
    LineKind.REFUND: mark("银行退回"),
}
FINDINGS: Mapping[Finding, str] = {
    Finding.ONLY_OURS: mark("平台有，对方没有"),
    Finding.ONLY_THEIRS: mark("对方有，平台没有"),
    Finding.UNDONE: mark("对方有，平台已撤销"),
    Finding.AMOUNT_DIFFERS: mark("金额不一样"),
    Finding.DUPLICATE: mark("同一笔出现两次"),
    Finding.DATE_SHIFTED: mark("日期不一样"),
    Finding.MATCHED: mark("对上了"),
}
# What may have been paid without an order behind it, or for a smaller one.
_HOLDS = frozenset({Finding.ONLY_OURS, Finding.AMOUNT_DIFFERS, Finding.DUPLICATE})


@dataclass(frozen=True, slots=True)
class ChannelFile:
    """A file that was imported. `counts` has every finding; `ours` and `theirs` are what customers
    paid by either side's lines, refunds not taken off; `open` is how many differences are left.
    `with_others`: it also has orders without a voucher. `replaces`: an earlier file about the same
    days. `made_by` None is the command line.
    """

    id: ChannelFileId
    format: str
    merchant_id: MerchantId | None
    shop_id: ShopId | None
    with_others: bool
    file_name: str
    sha256: str
    size_bytes: int
    first: date
    last: date
    counts: Mapping[Finding, int]
    ours: Money
    theirs: Money
    replaces: ChannelFileId | None
    made_by: UUID | None
    made_at: datetime
    open: int = 0

    @property
    def lines(self) -> int:
        """How many lines there are, of either side."""
        return sum(self.counts.values())

    @property
    def different(self) -> int:
        """How many lines did not match at once."""
        return self.lines - self.counts[Finding.MATCHED]


@dataclass(frozen=True, slots=True)
class OurSide:
    """What our books say of a redemption, or of a payment that settlement gave to the bank. `paid`:
    what the customer or the bank paid; of a refund, what came back. A payment has no other sum.
    """

    redemption_id: RedemptionId | None
    payment_id: PaymentId | None
    at: datetime
    order: Money
    discount: Money
    paid: Money


@dataclass(frozen=True, slots=True)
class TheirSide:
    """What the file says; what it leaves out is None."""

    line: int
    at: datetime
    day: date
    order: Money | None
    discount: Money | None
    paid: Money | None


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A line as it was kept, and where the difference stands that it made, if any."""

    place: int
    kind: LineKind
    reference: str
    finding: Finding
    differs: tuple[Part, ...]
    ours: OurSide | None
    theirs: TheirSide | None
    status: Status | None = None
    difference_id: DifferenceId | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Somebody's word about a difference; `by` None is the system."""

    by: UUID | None
    event: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that did not match, and what becomes of it. An empty `area` is the whole city.

    `correction`: what of the order is given back, where that was proposed or done; `holds`: the
    redemption is kept out of settlement meanwhile, unless the merchant was `paid` before, or the
    payment is not tried again. Of a difference that was looked at by itself, `left` is what of our
    orders nobody gave back yet, and `corrected` what other differences took from them since.
    """

    id: DifferenceId
    file_id: ChannelFileId
    format: str
    line: ChannelLine
    area: str
    shop_id: ShopId | None
    status: Status
    owner: UUID | None
    due_at: datetime
    correction: Money | None
    holds: bool
    opened_at: datetime
    closed_at: datetime | None
    paid: bool = False
    left: Money | None = None
    corrected: Money = ZERO
    notes: tuple[Note, ...] = ()

    @property
    def kept_back(self) -> bool:
        """Whether the merchant waits for the money."""
        return self.holds and not self.paid and self.status in UNDER_WAY

    def late(self, now: datetime) -> bool:
        """Whether it is under way after its deadline."""
        return self.status in UNDER_WAY and now >= self.due_at


def holds(line: ChannelLine) -> bool:
    """Whether a difference holds money back: an order of ours that was perhaps not paid for, or
    with less than we were told; a payment that came back by our books alone, which would be
    made twice.
    """
    ours, theirs = line.ours, line.theirs
    if ours is None:
        return False
    if ours.payment_id is not None:
        return line.kind is LineKind.REFUND and line.finding is Finding.ONLY_OURS
    if line.kind is LineKind.REFUND or line.finding not in _HOLDS:
        return False
    if line.finding is not Finding.AMOUNT_DIFFERS or theirs is None or theirs.paid is None:
        return True
    return theirs.paid < ours.paid


def give_back(line: ChannelLine, left: Money, corrected: Money = ZERO) -> Money | None:
    """What of the order would be given back to agree with the other side, of what is `left` of it
    and without what was `corrected` since; None when nothing.

    All of it where they know of no payment; where less was paid, the part of the order that was
    not.
    """
    over = _over(line)
    if over is None or over <= corrected or not left:
        return None
    return min(over - corrected, left)


def _over(line: ChannelLine) -> Money | None:
    if line.ours is None or line.ours.redemption_id is None or line.kind is LineKind.REFUND:
        return None
    if line.finding in (Finding.ONLY_OURS, Finding.DUPLICATE):
        return line.ours.order
    if line.finding is not Finding.AMOUNT_DIFFERS or line.theirs is None:
        return None
    told = line.theirs.order, line.theirs.paid
    known = line.ours.order, line.ours.paid
    over = [here - there for here, there in zip(known, told, strict=True) if there is not None]
    most = max(over, default=Money(0))
    return most if most.fen > 0 else None
