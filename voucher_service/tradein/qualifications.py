"""Qualifications (补贴资格), each the right to one subsidy in one category; and their pools.

Money is whole fen, days are days in Asia/Shanghai, both ends included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.campaigns.model import Campaign, Offer, ReleasePlan
from voucher_service.kernel.actor import ActorKind
from voucher_service.kernel.clock import SHANGHAI, end_of
from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money

from .policy import Category, Policy, Scheme

QualificationId = NewType("QualificationId", UUID)
# What is claimed and then shown at a till; a car is applied for with evidence.
AT_THE_TILL = frozenset({Scheme.APPLIANCE, Scheme.DIGITAL})
MOST_OVERBOOK_BPS = 100_000
MOST_RECLAIMS = 10
# So many must have ended before the next ones are foretold from them.
TELLING = 30
_WHOLE_BPS = 10_000


class Status(StrEnum):
    """Where a qualification stands."""

    CLAIMED = "claimed"
    FROZEN = "frozen"
    USED = "used"
    LAPSED = "lapsed"
    GIVEN_UP = "given_up"


class Event(StrEnum):
    """What happens to a qualification after its claim."""

    FROZEN = "qualification.frozen"
    RELEASED = "qualification.released"
    USED = "qualification.used"
    RESTORED = "qualification.restored"
    LAPSED = "qualification.lapsed"
    GIVEN_UP = "qualification.given_up"


LIFECYCLE: Machine[Status, Event] = Machine(
    "qualification",
    Status.CLAIMED,
    {
        Status.CLAIMED: {
            Event.FROZEN: Status.FROZEN,
            Event.LAPSED: Status.LAPSED,
            Event.GIVEN_UP: Status.GIVEN_UP,
        },
        Status.FROZEN: {Event.RELEASED: Status.CLAIMED, Event.USED: Status.USED},
        Status.USED: {Event.RESTORED: Status.CLAIMED},
        Status.LAPSED: {},
        Status.GIVEN_UP: {},
    },
)
# Who has one of these holds a slot.
HOLDING = (Status.CLAIMED, Status.FROZEN, Status.USED)
PUBLIC: Mapping[Status, str] = {
    Status.CLAIMED: "可用",
    Status.FROZEN: "使用中",
    Status.USED: "已使用",
    Status.LAPSED: "已失效",
    Status.GIVEN_UP: "已放弃",
}
OWNER: Mapping[Status, frozenset[ActorKind]] = {
    Status.CLAIMED: frozenset({ActorKind.RESIDENT, ActorKind.CASHIER, ActorKind.SYSTEM}),
    Status.FROZEN: frozenset({ActorKind.CASHIER, ActorKind.SYSTEM}),
    Status.USED: frozenset(),
    Status.LAPSED: frozenset(),
    Status.GIVEN_UP: frozenset(),
}


class Every(StrEnum):
    """How often a pool releases qualifications."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class NoPool(Conflict):
    """There is no pool for this category now."""

    code = "no_pool"


class PoolFull(Conflict):
    """What is out may need all the money that is left; `waiting` says that a line can be joined."""

    code = "pool_full"


class QualificationLimit(Conflict):
    """The resident has as many of the category this year as one person may; `extra` names them."""

    code = "qualification_limit"


class ReclaimsUsed(Conflict):
    """Lapsed, given up or not: the resident claimed as often as the pool allows."""

    code = "reclaims_used"


class QualificationOver(Conflict):
    """The qualification was used or given up, or its last day is over."""

    code = "qualification_over"
    gone = True


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """A pool as it is planned.

    Every period releases `release_quota`, from `opens` on its first day: a day's until `closes`, a
    week's and a month's until the end of the period. `overbook_bps`: how many more are given out
    than the money pays at the most that one may cost. `reclaims`: claims beyond the units that a
    person may have, after a lapse or a give-up.
    """

    title: str
    policy: str
    categories: tuple[Category, ...]
    every: Every
    release_quota: int
    valid_days: int
    overbook_bps: int = 0
    reclaims: int = 1
    opens: time = time(10)
    closes: time = time(23)


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool (资格池): an offer whose slots are qualifications, and the policy that they are of.

    `ends_on` is the last day on which one can be used.
    """

    offer: Offer
    policy: Policy
    categories: tuple[Category, ...]
    overbook_bps: int
    reclaims: int
    ends_on: date

    @property
    def most(self) -> Money:
        """The most that one qualification can cost."""
        return self.policy.most()

    def valid_until(self, claimed_at: datetime) -> datetime:
        """When one claimed then stops: the claim day is the first of its days."""
        return min(self.offer.valid_until(claimed_at), end_of(self.ends_on))

    def attempts(self, category: Category) -> int:
        """How often one person may claim."""
        return self.policy.units_of(category) + self.reclaims


@dataclass(frozen=True, slots=True)
class Qualification:
    """One resident's right to one subsidy."""

    id: QualificationId
    resident_id: ResidentId
    pool: Pool
    category: Category
    status: Status
    claimed_at: datetime
    valid_until: datetime
    code_ref: int

    def shown_status(self, now: datetime) -> Status:
        """The status to show: one past its end has lapsed, swept or not."""
        if self.status is Status.CLAIMED and now >= self.valid_until:
            return Status.LAPSED
        return self.status

    def check_usable(self, now: datetime) -> None:
        """Raises QualificationOver when it can't be used any more."""
        if self.shown_status(now) not in (Status.CLAIMED, Status.FROZEN):
            raise QualificationOver


@dataclass(frozen=True, slots=True)
class Waiting:
    """A resident in the line of a full pool; `place` counts from 1."""

    id: UUID
    pool: Pool
    category: Category
    place: int


@dataclass
class Tally:
    """What some residents have of a pool's categories, as claims go on: the units of this year,
    from whichever pool they came, and how often they claimed from this one.
    """

    pool: Pool
    units: dict[tuple[ResidentId, Category], dict[int, QualificationId]]
    attempts: dict[tuple[ResidentId, Category], int]

    def next(self, resident: ResidentId, category: Category) -> tuple[int, int]:
        """The unit and the attempt that a claim would be.

        Raises QualificationLimit (naming what the resident has), ReclaimsUsed.
        """
        most = self.pool.policy.units_of(category)
        has = self.units.get((resident, category), {})
        unit = next((one for one in range(1, most + 1) if one not in has), None)
        if unit is None:
            ids = [str(id) for _, id in sorted(has.items())]
            raise QualificationLimit(extra={"qualification_ids": ids}, limit=most)
        attempt = self.attempts.get((resident, category), 0) + 1
        if attempt > self.pool.attempts(category):
            raise ReclaimsUsed(limit=self.pool.attempts(category))
        return unit, attempt

    def take(
        self, resident: ResidentId, category: Category, id: QualificationId
    ) -> tuple[int, int]:
        """Count a claim; its unit and its attempt. Raises as `next`."""
        unit, attempt = self.next(resident, category)
        self.units.setdefault((resident, category), {})[unit] = id
        self.attempts[resident, category] = attempt
        return unit, attempt


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of qualifications that ended: how many, how many of them used, at what cost."""

    ended: int
    used: int
    cost: Money

    def expected(self, count: int) -> Money | None:
        """What so many would cost if they ended alike, rounded up; None while too few have ended
        to say.
        """
        if self.ended < TELLING:
            return None
        return Money(-(-self.cost.fen * count // self.ended))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a pool stands: its qualifications by status, and how many more can be claimed now.

    `released`: slots of the releases that have begun. `left` is the money that nobody used yet.
    """

    pool: Pool
    counts: Mapping[Status, int]
    released: int
    places: int
    waiting: int
    left: Money


def set_aside(most: Money, overbook_bps: int) -> Money:
    """The money behind each qualification of a pool, of which one may cost `most`; rounded up."""
    return Money(-(-most.fen * _WHOLE_BPS // (_WHOLE_BPS + overbook_bps)))


def errors(plan: PoolPlan, policy: Policy | None, campaign: Campaign) -> Iterator[tuple[str, str]]:
    """What of a plan breaks a rule: the field, and the rule."""
    if policy is None or policy.scheme not in AT_THE_TILL:
        yield "policy", f"a policy of {', '.join(sorted(AT_THE_TILL))}"
        return
    if not policy.first <= campaign.opens_on <= campaign.closes_on <= policy.last:
        yield "policy", f"in force {policy.first}–{policy.last}"
    listed = {category for rule in policy.rules for category in rule.categories}
    if not plan.categories or len(set(plan.categories)) != len(plan.categories):
        yield "categories", "at least one, each once"
    elif unlisted := set(plan.categories) - listed:
        yield "categories", ", ".join(sorted(unlisted))
    if not 0 <= plan.overbook_bps <= MOST_OVERBOOK_BPS:
        yield "overbook_bps", f"0–{MOST_OVERBOOK_BPS}"
    if not 0 <= plan.reclaims <= MOST_RECLAIMS:
        yield "reclaims", f"0–{MOST_RECLAIMS}"
    if plan.every is Every.DAY and plan.opens >= plan.closes:
        yield "closes", "after opens"
    if not 1 <= plan.valid_days <= 366:
        yield "valid_days", "1–366"


def releases(plan: PoolPlan, campaign: Campaign) -> tuple[ReleasePlan, ...]:
    """The pool's releases, one a period of its campaign."""
    return tuple(
        ReleasePlan(
            datetime.combine(first, plan.opens, SHANGHAI),
            plan.release_quota,
            datetime.combine(last, plan.closes, SHANGHAI)
            if plan.every is Every.DAY
            else end_of(last),
        )
        for first, last in _periods(plan.every, campaign.opens_on, campaign.closes_on)
    )


def _periods(every: Every, first: date, last: date) -> Iterator[tuple[date, date]]:
    day = first
    while day <= last:
        following = {
            Every.DAY: day + timedelta(days=1),
            Every.WEEK: day + timedelta(days=7),
            Every.MONTH: (day.replace(day=1) + timedelta(days=32)).replace(day=1),
        }[every]
        yield day, min(last, following - timedelta(days=1))
        day = following
