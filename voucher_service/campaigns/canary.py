"""A canary: the small first slice of an offer, and what must look right before the rest. Pure.

The slice is a release of its own, since a release's quota never changes. The rest stays shut until
somebody who looked says that all is well: nobody looking means shut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money
from voucher_service.settings import Canary as Rules

from .model import WHOLE_BPS, Offer, OfferKind, OfferPlan, ReleasePlan, discount_bps

CanaryId = NewType("CanaryId", UUID)
# What a release that is kept shut is said to open in, again and again until it may.
_SOON = timedelta(minutes=1)
# Of these an order takes off up to the face value, of all others exactly that.
_UP_TO_FACE = frozenset({OfferKind.PERCENT_CAPPED, OfferKind.BALANCE})


class Status(StrEnum):
    """Where a canary stands."""

    WAITING = "waiting"
    PASSED = "passed"
    STOPPED = "stopped"


class Event(StrEnum):
    """What happens to a canary. Two people who resume a stopped campaign let the rest open."""

    PASSED = "canary.passed"
    STOPPED = "canary.stopped"
    OVERRULED = "canary.overruled"


LIFECYCLE: Machine[Status, Event] = Machine(
    "canary",
    Status.WAITING,
    {
        Status.WAITING: {Event.PASSED: Status.PASSED, Event.STOPPED: Status.STOPPED},
        Status.STOPPED: {Event.OVERRULED: Status.PASSED},
        Status.PASSED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.WAITING: mark("试发中"),
    Status.PASSED: mark("试发通过"),
    Status.STOPPED: mark("试发叫停"),
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.WAITING: frozenset(),
    Status.STOPPED: frozenset({Role.APPROVER}),
    Status.PASSED: frozenset(),
}


class Signal(StrEnum):
    """What can look wrong."""

    WRONG_DISCOUNT = "wrong_discount"
    DEEP_DISCOUNT = "deep_discount"
    REFUSED_AT_TILLS = "refused_at_tills"
    SPENT_TOO_FAST = "spent_too_fast"
    ONE_DEVICE = "one_device"
    ONE_NETWORK = "one_network"
    NEW_ACCOUNTS = "new_accounts"


SIGNALS: Mapping[str, str] = {
    Signal.WRONG_DISCOUNT: mark("减的钱和券面不一样"),
    Signal.DEEP_DISCOUNT: mark("减的钱占订单太多"),
    Signal.REFUSED_AT_TILLS: mark("在收银台被拒太多"),
    Signal.SPENT_TOO_FAST: mark("刚领就用掉的太多"),
    Signal.ONE_DEVICE: mark("太多出自同一台设备"),
    Signal.ONE_NETWORK: mark("太多出自同一段网络"),
    Signal.NEW_ACCOUNTS: mark("太多出自刚注册的账号"),
}
# These give money away at the till, so what was claimed already is stopped there as well.
COSTLY = frozenset({Signal.WRONG_DISCOUNT, Signal.DEEP_DISCOUNT, Signal.SPENT_TOO_FAST})


@dataclass(frozen=True, slots=True)
class Canary:
    """The canary of an offer. `quota` is its slice; `started_at` None until it is published."""

    id: CanaryId
    offer_id: OfferId
    quota: int
    seconds: int
    status: Status
    started_at: datetime | None
    judged_at: datetime | None
    findings: tuple[Finding, ...]

    def due_at(self) -> datetime | None:
        """When the rest may open at the earliest."""
        return self.started_at and self.started_at + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen of an offer since its canary began: vouchers, and sums at the tills.

    `device`, `network`: the most claims of one; `new`: claims of accounts that were `new_minutes`
    old at most; `spent`: vouchers used at least once, `orders`: how often.
    """

    claims: int
    spent: int
    device: int
    network: int
    new: int
    orders: int
    ordered: Money
    discounted: Money
    refused: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks wrong: what it is and the most it may be, in basis points."""

    signal: Signal
    seen_bps: int
    most_bps: int


def planned(worst_case: Money, rules: Rules) -> bool:
    """Whether an offer that can cost so much gets a canary when its planner says nothing."""
    return worst_case.fen >= rules.from_fen


def split(plan: OfferPlan, rules: Rules) -> tuple[OfferPlan, int]:
    """The plan with the first release in two, and the slice's quota.

    As it is, with 0, for a plan that wants none or whose first release is too small or too short.
    """
    first, *others = plan.releases
    rest_at = first.opens_at + timedelta(seconds=rules.seconds)
    share = first.quota * rules.share_bps // 10_000
    quota = min(max(share, rules.least), first.quota // 2)
    if not plan.canary or quota < 1 or (first.closes_at is not None and rest_at >= first.closes_at):
        return plan, 0
    rest = ReleasePlan(rest_at, first.quota - quota, first.closes_at)
    return replace(plan, releases=(replace(first, quota=quota), rest, *others)), quota


def kept_shut(offer: Offer, now: datetime) -> Offer:
    """The offer with the releases that a canary holds back opening soon, never now."""
    if not any(one.held for one in offer.releases):
        return offer
    soon = now + _SOON
    return replace(
        offer,
        releases=tuple(
            replace(one, opens_at=max(one.opens_at, soon)) if one.held else one
            for one in offer.releases
        ),
    )


def judge(offer: Offer, facts: Facts, rules: Rules) -> tuple[Finding, ...]:
    """Everything that looks wrong by now; most of it only once there is enough to go by."""
    return tuple(one for one in _looked(offer, facts, rules) if one.seen_bps > one.most_bps)


def _looked(offer: Offer, facts: Facts, rules: Rules) -> Iterator[Finding]:
    faces, exact = offer.face_value * facts.orders, offer.kind not in _UP_TO_FACE
    if facts.discounted > faces or (exact and facts.discounted != faces):
        yield Finding(Signal.WRONG_DISCOUNT, 1, 0)
    if facts.orders >= rules.orders and discount_bps(offer) < WHOLE_BPS:
        share = facts.discounted.fen * 10_000 // facts.ordered.fen
        yield Finding(Signal.DEEP_DISCOUNT, share, rules.discount_bps)
    tried = facts.orders + facts.refused
    if tried >= rules.orders:
        yield _share(Signal.REFUSED_AT_TILLS, facts.refused, tried, rules.refused_bps)
    if facts.claims >= rules.claims:
        for signal, part, most in (
            (Signal.SPENT_TOO_FAST, facts.spent, rules.spent_bps),
            (Signal.ONE_DEVICE, facts.device, rules.device_bps),
            (Signal.ONE_NETWORK, facts.network, rules.network_bps),
            (Signal.NEW_ACCOUNTS, facts.new, rules.new_bps),
        ):
            yield _share(signal, part, facts.claims, most)


def _share(signal: Signal, part: int, whole: int, most: int) -> Finding:
    return Finding(signal, part * 10_000 // whole, most)
