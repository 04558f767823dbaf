"""Pools that applications take a place and their money from: offers of trade-in campaigns. Pure.

Money is whole fen, days are days in Asia/Shanghai, both ends included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from voucher_service.campaigns.model import Campaign, Offer, ReleasePlan
from voucher_service.infra import areas
from voucher_service.kernel.money import Money

from .. import qualifications
from ..policy import Category, Policy, Scheme
from ..qualifications import Every, PoolPlan
from .model import SCHEMES


@dataclass(frozen=True, slots=True)
class ApplicationPoolPlan:
    """A pool as it is planned: `release_quota` places every period, as `PoolPlan` has them."""

    title: str
    policy: str
    every: Every
    release_quota: int
    opens: time = time(0)
    closes: time = time(23, 59)


@dataclass(frozen=True, slots=True)
class ApplicationPool:
    """An offer whose slots are places for applications of one scheme; `face_value` is the most
    that one of them can get.
    """

    offer: Offer
    scheme: Scheme
    policy: Policy

    def serves(self, scheme: Scheme, area: str, on: date) -> bool:
        """Whether it is for that scheme, and for what was bought in that division on that day: the
        money of a year pays for the purchases of its policy, whichever version decides them.
        """
        bought = self.policy.first <= on <= self.policy.last
        return self.scheme is scheme and bought and areas.within(area, self.offer.issuing_area)

    def opening(self, now: datetime) -> datetime:
        """When a place can be taken next: now, while a release is open."""
        return min(max(one.opens_at, now) for one in self.offer.releases if one.closes_at > now)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a pool stands: applications under review and granted, places that can be taken now, and
    the money that nobody has.
    """

    pool: ApplicationPool
    under_review: int
    granted: int
    places: int
    left: Money


def errors(
    plan: ApplicationPoolPlan, policy: Policy | None, campaign: Campaign
) -> Iterator[tuple[str, str]]:
    """What of a plan breaks a rule: the field, and the rule."""
    if policy is None or policy.scheme not in SCHEMES:
        yield "policy", f"a policy of {', '.join(SCHEMES)}"
        return
    last = policy.file_by or policy.last
    if not policy.first <= campaign.opens_on <= campaign.closes_on <= last:
        yield "policy", f"applied for {policy.first}–{last}"
    if plan.every is Every.DAY and plan.opens >= plan.closes:
        yield "closes", "after opens"


def releases(plan: ApplicationPoolPlan, campaign: Campaign) -> tuple[ReleasePlan, ...]:
    """The pool's releases, one a period of its campaign."""
    whole = PoolPlan(
        title=plan.title,
        policy=plan.policy,
        categories=(Category.CAR,),
        every=plan.every,
        release_quota=plan.release_quota,
        valid_days=1,
        opens=plan.opens,
        closes=plan.closes,
    )
    return qualifications.releases(whole, campaign)
