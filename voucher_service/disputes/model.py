"""What a merchant may dispute, the lifecycle of a dispute, and who has the next word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money

DisputeId = NewType("DisputeId", UUID)


class Subject(StrEnum):
    """What is disputed: a redemption, a difference found in a till's file, or the money owed."""

    REDEMPTION = "redemption"
    DIFFERENCE = "difference"
    SETTLEMENT = "settlement"


class Reason(StrEnum):
    """What the merchant says is wrong."""

    NOT_OURS = "not_ours"
    MISSING = "missing"
    AMOUNT = "amount"
    REFUND = "refund"
    UNPAID = "unpaid"
    OTHER = "other"


class Status(StrEnum):
    """Where a dispute stands. In `open` the office has the next word, in `answered` the shop."""

    OPEN = "open"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CLOSED = "closed"


class Event(StrEnum):
    """What happens to a dispute."""

    ANSWERED = "dispute.answered"
    REPLIED = "dispute.replied"
    ACCEPTED = "dispute.accepted"
    REJECTED = "dispute.rejected"
    CLOSED = "dispute.closed"
    WITHDRAWN = "dispute.withdrawn"


LIFECYCLE: Machine[Status, Event] = Machine(
    "dispute",
    Status.OPEN,
    {
        Status.OPEN: {
            Event.ANSWERED: Status.ANSWERED,
            Event.REPLIED: Status.OPEN,
            Event.ACCEPTED: Status.ACCEPTED,
            Event.REJECTED: Status.REJECTED,
            Event.WITHDRAWN: Status.CLOSED,
        },
        Status.ANSWERED: {
            Event.ANSWERED: Status.ANSWERED,
            Event.REPLIED: Status.OPEN,
            Event.ACCEPTED: Status.ACCEPTED,
            Event.REJECTED: Status.REJECTED,
            Event.WITHDRAWN: Status.CLOSED,
        },
        Status.ACCEPTED: {Event.CLOSED: Status.CLOSED},
        Status.REJECTED: {Event.CLOSED: Status.CLOSED, Event.REPLIED: Status.OPEN},
        Status.CLOSED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.OPEN: mark("等平台答复"),
    Status.ANSWERED: mark("等门店回复"),
    Status.ACCEPTED: mark("平台认可"),
    Status.REJECTED: mark("平台不认可"),
    Status.CLOSED: mark("已结案"),
}
DECIDERS = frozenset({Role.REVIEWER, Role.FINANCE})
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.OPEN: DECIDERS,
    Status.ANSWERED: DECIDERS | {Role.MANAGER},
    Status.ACCEPTED: DECIDERS | {Role.MANAGER},
    Status.REJECTED: DECIDERS | {Role.MANAGER},
    Status.CLOSED: frozenset(),
}
REASONS: Mapping[Reason, str] = {
    Reason.NOT_OURS: mark("这一笔不是本店核销的"),
    Reason.MISSING: mark("本店核销了，平台没有"),
    Reason.AMOUNT: mark("金额不对"),
    Reason.REFUND: mark("退款没有算或算错"),
    Reason.UNPAID: mark("该付的钱没有收到"),
    Reason.OTHER: mark("其他"),
}
SUBJECTS: Mapping[Subject, str] = {
    Subject.REDEMPTION: mark("一笔核销"),
    Subject.DIFFERENCE: mark("对账差异"),
    Subject.SETTLEMENT: mark("应付的钱"),
}


class AlreadyDisputed(Conflict):
    """The same thing is disputed already, and that is not closed."""

    code = "already_disputed"


@dataclass(frozen=True, slots=True)
class Message:
    """A word of either side. `by` is a cashier's or a colleague's id; `ours`: the office's."""

    ours: bool
    by: UUID
    event: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Dispute:
    """An objection with its thread, oldest word first; empty in lists.

    `about` names the thing as people do: an order reference, a span of days. `wanted`: what the
    shop says the discount should be. `area` is the shop's. `due_at`: until when the office has to
    answer or decide.
    """

    id: DisputeId
    shop_id: ShopId
    shop_name: str
    merchant_id: MerchantId
    merchant_name: str
    area: str
    subject: Subject
    subject_id: UUID
    about: str
    reason: Reason
    wanted: Money | None
    status: Status
    opened_at: datetime
    due_at: datetime
    thread: tuple[Message, ...] = ()

    def late(self, now: datetime) -> bool:
        """Whether the office let its day go by."""
        return self.status is Status.OPEN and now >= self.due_at
