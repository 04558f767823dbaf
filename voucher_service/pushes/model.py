"""A push: its lifecycle, what became of each line of its list, and its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from voucher_service.campaigns.model import Offer, max_liability
from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money

PushId = NewType("PushId", UUID)

MOST_LINES = 100_000
ADULT_YEARS = 18


class Status(StrEnum):
    """Where a push stands."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    DONE = "done"


class Event(StrEnum):
    """What happens to a push."""

    APPROVED = "push.approved"
    REJECTED = "push.rejected"
    DONE = "push.done"


LIFECYCLE: Machine[Status, Event] = Machine(
    "push",
    Status.SUBMITTED,
    {
        Status.SUBMITTED: {Event.APPROVED: Status.APPROVED, Event.REJECTED: Status.REJECTED},
        Status.APPROVED: {Event.DONE: Status.DONE},
        Status.REJECTED: {},
        Status.DONE: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.SUBMITTED: mark("等待批准"),
    Status.APPROVED: mark("正在发"),
    Status.REJECTED: mark("已退回"),
    Status.DONE: mark("发完了"),
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.SUBMITTED: frozenset({Role.APPROVER}),
    Status.APPROVED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.DONE: frozenset(),
}


class Unit(StrEnum):
    """Who gets one voucher."""

    PERSON = "person"
    HOUSEHOLD = "household"


class Result(StrEnum):
    """What became of a line. The first six are known when the list is uploaded."""

    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    REPEATED = "repeated"
    NOT_VERIFIED = "not_verified"
    MINOR = "minor"
    NOT_CHOSEN = "not_chosen"
    GIVEN = "given"
    ALREADY_HAS = "already_has"
    BLOCKED = "blocked"
    NOT_ELIGIBLE = "not_eligible"
    NO_SLOT = "no_slot"
    CLOSED = "closed"


RESULTS: Mapping[Result, str] = {
    Result.UNREADABLE: mark("号码读不懂"),
    Result.UNKNOWN: mark("没有这个居民"),
    Result.REPEATED: mark("前面已经有这个人"),
    Result.NOT_VERIFIED: mark("还没实名"),
    Result.MINOR: mark("未满 18 岁"),
    Result.NOT_CHOSEN: mark("同户已选别人"),
    Result.GIVEN: mark("已发"),
    Result.ALREADY_HAS: mark("已领满"),
    Result.BLOCKED: mark("账号已停用"),
    Result.NOT_ELIGIBLE: mark("不在发放对象里"),
    Result.NO_SLOT: mark("名额已经发完"),
    Result.CLOSED: mark("活动已经结束"),
}


class NotEligible(Forbidden):
    """The offer is for others: for those whom its lottery drew, or for those on its list."""

    code = "not_eligible"


class PushListInvalid(Unprocessable):
    """The list can't be read as a whole, or nobody on it can be given anything."""

    code = "push_list_invalid"


class PushRepeated(Conflict):
    """The same list was uploaded for the same offer before, and was not rejected."""

    code = "push_repeated"


class PushTooLarge(Unprocessable):
    """The list names more than the offer has vouchers for."""

    code = "push_too_large"


@dataclass(frozen=True, slots=True)
class Push:
    """One list for one offer. `count` is how many would be given at most; `results` counts the
    lines by what became of them so far, None those that wait. `reserved`: planned with the offer,
    which only those on its lists may claim.
    """

    id: PushId
    offer: Offer
    unit: Unit
    list_sha256: str
    lines: int
    count: int
    reserved: bool
    status: Status
    created_by: UUID
    created_at: datetime
    done_at: datetime | None
    results: Mapping[Result | None, int]

    @property
    def worst_case(self) -> Money:
        """What it can cost at most."""
        return max_liability(self.offer) * self.count


def frozen(push: Push) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON."""
    return {
        "push": str(push.id),
        "offer": str(push.offer.id),
        "title": push.offer.title,
        "unit": str(push.unit),
        "list_sha256": push.list_sha256,
        "lines": push.lines,
        "count": push.count,
        "worst_case_fen": push.worst_case.fen,
    }
