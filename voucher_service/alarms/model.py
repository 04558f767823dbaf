"""An alarm: its kinds, its lifecycle, and the refusals while one is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.machine import Machine

AlarmId = NewType("AlarmId", UUID)


class Kind(StrEnum):
    """What was noticed. `ledger`: money no longer adds up; `books`: another invariant is broken;
    `canary`: an opening that looked wrong stopped itself; `stop`: somebody stopped something;
    `privacy`: somebody reads personal data too often; `sign_in`: a passkey seems to be copied;
    `log`: the books are sealed late, or their witness refuses or keeps silent;
    `difference`: what differs from a channel's or a till's file was not closed in time;
    `file`: the file that a channel, a till or the bank sends of each day did not come;
    `returned`: the bank sent back what it had paid of a batch, and nothing was paid for it since;
    `backup`: no copy was made for too long, or what is written is not received elsewhere.
    """

    LEDGER = "ledger"
    BOOKS = "books"
    CANARY = "canary"
    STOP = "stop"
    PRIVACY = "privacy"
    SIGN_IN = "sign_in"
    LOG = "log"
    DIFFERENCE = "difference"
    FILE = "file"
    RETURNED = "returned"
    BACKUP = "backup"


# While one of these is open no money leaves, and it takes a second person to close it.
STOPS_PAYOUTS = frozenset({Kind.LEDGER})
# These say what somebody did: they end when an auditor has looked into it.
CLOSED_BY_HAND = frozenset({Kind.PRIVACY, Kind.SIGN_IN})
KINDS: Mapping[str, str] = {
    Kind.LEDGER: mark("账目不平"),
    Kind.BOOKS: mark("记录不符"),
    Kind.CANARY: mark("试发异常"),
    Kind.STOP: mark("紧急停止"),
    Kind.PRIVACY: mark("查阅个人信息过多"),
    Kind.SIGN_IN: mark("通行密钥疑被复制"),
    Kind.LOG: mark("账目封存"),
    Kind.DIFFERENCE: mark("对账差异过期"),
    Kind.FILE: mark("账单没到"),
    Kind.RETURNED: mark("到账后退汇"),
    Kind.BACKUP: mark("数据备份"),
}


class Status(StrEnum):
    """Where an alarm stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


class Event(StrEnum):
    """What happens to an alarm."""

    ACKNOWLEDGED = "alarm.acknowledged"
    CLEARED = "alarm.cleared"


LIFECYCLE: Machine[Status, Event] = Machine(
    "alarm",
    Status.RAISED,
    {
        Status.RAISED: {Event.ACKNOWLEDGED: Status.ACKNOWLEDGED, Event.CLEARED: Status.CLEARED},
        Status.ACKNOWLEDGED: {Event.CLEARED: Status.CLEARED},
        Status.CLEARED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.RAISED: mark("没人处理"),
    Status.ACKNOWLEDGED: mark("有人在处理"),
    Status.CLEARED: mark("已解除"),
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.RAISED: frozenset({Role.PLANNER, Role.APPROVER, Role.FINANCE, Role.AUDITOR}),
    Status.ACKNOWLEDGED: frozenset({Role.AUDITOR}),
    Status.CLEARED: frozenset(),
}


class PayoutsStopped(Conflict):
    """An invariant of the ledger is broken; no money leaves until it was looked into."""

    code = "payouts_stopped"


class PayoutsRunning(Conflict):
    """Nothing stops payouts, so there is nothing to resume."""

    code = "payouts_running"


class EndsByItself(Conflict):
    """The alarm ends when its cause does; nobody closes it by hand."""

    code = "alarm_ends_by_itself"


class BooksStillBroken(Conflict):
    """The books were not found clean since the alarm."""

    code = "books_still_broken"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as its readers see it. `subject` says what is wrong or which thing it is about;
    `clean_at` is when a later look found nothing wrong. An empty `area` is the whole city.
    """

    id: AlarmId
    kind: Kind
    subject: str
    area: str
    detail: Mapping[str, Any]
    status: Status
    raised_at: datetime
    clean_at: datetime | None
    acknowledged_by: UUID | None
    cleared_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether it still asks for somebody."""
        return self.status is not Status.CLEARED

    @property
    def by_hand(self) -> bool:
        """Whether somebody has to close it."""
        return self.open and self.kind in CLOSED_BY_HAND

    @property
    def stops_payouts(self) -> bool:
        """Whether no money leaves because of it."""
        return self.open and self.kind in STOPS_PAYOUTS


@dataclass(frozen=True, slots=True)
class Standing:
    """How many alarms of a reader's area are open, whether payouts are stopped, and when the books
    were last checked.
    """

    open: int
    payouts_stopped: bool
    checked_at: datetime | None
