"""The subsidy of a case under a policy, with its steps and what stands in its way. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from voucher_service.infra import areas
from voucher_service.kernel.money import ZERO, Money

from .policy import Case, Flat, Policy, Rule, Tiers


class Reason(StrEnum):
    """Why a case gets nothing."""

    NO_POLICY = "no_policy"
    CATEGORY_NOT_LISTED = "category_not_listed"
    GRADE_NEEDED = "grade_needed"
    GRADE_NOT_COVERED = "grade_not_covered"
    PRICE_OVER_CEILING = "price_over_ceiling"
    PRICE_BELOW_FIRST_TIER = "price_below_first_tier"
    NEW_CAR_NEEDED = "new_car_needed"
    ENERGY_NOT_COVERED = "energy_not_covered"
    OLD_ENERGY_NOT_COVERED = "old_energy_not_covered"
    ENGINE_NEEDED = "engine_needed"
    ENGINE_TOO_LARGE = "engine_too_large"
    OLD_CAR_NEEDED = "old_car_needed"
    OLD_REGISTERED_TOO_LATE = "old_registered_too_late"
    OLD_OWNED_SINCE_NEEDED = "old_owned_since_needed"
    OLD_OWNED_TOO_LATE = "old_owned_too_late"


class Step(StrEnum):
    """One line of how a subsidy comes about."""

    PRICE = "price"
    RATE = "rate"
    FLAT = "flat"
    TIER = "tier"
    CAPPED = "capped"
    NOT_ABOVE_PRICE = "not_above_price"
    NOT_PUBLISHED = "not_published"


@dataclass(frozen=True, slots=True)
class Line:
    """A step with its sum; `fact` is what it says beside it: basis points, or fen."""

    step: Step
    amount: Money
    fact: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """What a case gets. Not eligible: nothing, with every reason that was found."""

    subsidy: Money
    policy: Policy | None
    reasons: tuple[Reason, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def eligible(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.reasons


def in_force(
    policies: Iterable[Policy], case: Case, *, known_on: date | None = None
) -> Policy | None:
    """The policy for a purchase: that of the narrowest area, published last.

    With `known_on`, of those that were published by then.
    """
    fitting = [
        one
        for one in policies
        if one.scheme is case.scheme
        and one.first <= case.on <= one.last
        and (known_on is None or one.published_on <= known_on)
        and _width(one, case.area) is not None
    ]
    return max(
        fitting, key=lambda one: (_width(one, case.area), one.published_on, one.id), default=None
    )


def quote(policies: Iterable[Policy], case: Case, *, known_on: date | None = None) -> Quote:
    """The subsidy of a case under the policy in force for it."""
    policy = in_force(policies, case, known_on=known_on)
    return Quote(ZERO, None, (Reason.NO_POLICY,)) if policy is None else under(policy, case)


def under(policy: Policy, case: Case) -> Quote:
    """The subsidy of a case under this policy, whatever else is in force."""
    listed = [rule for rule in policy.rules if case.category in rule.categories]
    if not listed:
        return Quote(ZERO, policy, (Reason.CATEGORY_NOT_LISTED,))
    against = [(_against(rule, case), rule) for rule in listed]
    fewest, rule = min(against, key=lambda one: (Reason.ENERGY_NOT_COVERED in one[0], len(one[0])))
    reasons = tuple(dict.fromkeys((*fewest, *_old(policy, case))))
    if reasons:
        return Quote(ZERO, policy, reasons)
    lines = tuple(_lines(policy, rule, case))
    return Quote(lines[-1].amount, policy, (), lines)


def _width(policy: Policy, area: str) -> int | None:
    """How narrow the policy's area around this one is: 0 for everywhere; None: not in it."""
    if not policy.areas:
        return 0
    around = [len(areas.stem(one)) for one in policy.areas if area and areas.within(area, one)]
    return max(around, default=None)


def _against(rule: Rule, case: Case) -> list[Reason]:
    """What of the purchase itself the rule doesn't cover."""
    found = list(_against_car(rule, case))
    if rule.grades and case.grade is None:
        found.append(Reason.GRADE_NEEDED)
    elif rule.grades and case.grade not in rule.grades:
        found.append(Reason.GRADE_NOT_COVERED)
    if rule.price_most is not None and case.price > rule.price_most:
        found.append(Reason.PRICE_OVER_CEILING)
    if isinstance(rule.amount, Tiers) and rule.amount.at(case.price) is None:
        found.append(Reason.PRICE_BELOW_FIRST_TIER)
    return found


def _against_car(rule: Rule, case: Case) -> Iterable[Reason]:
    if not rule.energies:
        return
    if case.new is None:
        yield Reason.NEW_CAR_NEEDED
        return
    if case.new.energy not in rule.energies:
        yield Reason.ENERGY_NOT_COVERED
    if rule.old_energies and case.old is not None and case.old.energy not in rule.old_energies:
        yield Reason.OLD_ENERGY_NOT_COVERED
    if rule.engine_most_ml is None:
        return
    if case.new.engine_ml is None:
        yield Reason.ENGINE_NEEDED
    elif case.new.engine_ml > rule.engine_most_ml:
        yield Reason.ENGINE_TOO_LARGE


def _old(policy: Policy, case: Case) -> Iterable[Reason]:
    if policy.old is None:
        return
    if case.old is None:
        yield Reason.OLD_CAR_NEEDED
        return
    latest = policy.old.registered_by.get(case.old.energy)
    if latest is not None and case.old.registered_on > latest:
        yield Reason.OLD_REGISTERED_TOO_LATE
    if policy.old.owned_by is None:
        return
    if case.old.owned_since is None:
        yield Reason.OLD_OWNED_SINCE_NEEDED
    elif case.old.owned_since > policy.old.owned_by:
        yield Reason.OLD_OWNED_TOO_LATE


def _lines(policy: Policy, rule: Rule, case: Case) -> Iterable[Line]:
    yield Line(Step.PRICE, case.price)
    amount = rule.amount
    if isinstance(amount, Flat):
        subsidy = amount.amount
        yield Line(Step.FLAT, subsidy)
    elif isinstance(amount, Tiers):
        tier = amount.at(case.price)
        assert tier is not None, "a price below the first tier was refused"
        subsidy = tier[1]
        yield Line(Step.TIER, subsidy, tier[0].fen)
    else:
        subsidy = policy.rounding.share(case.price, amount.rate)
        yield Line(Step.RATE, subsidy, amount.rate.value)
        if subsidy > amount.cap:
            subsidy = amount.cap
            yield Line(Step.CAPPED, subsidy, amount.cap.fen)
    if subsidy > case.price:
        subsidy = case.price
        yield Line(Step.NOT_ABOVE_PRICE, subsidy)
    if not policy.published:
        yield Line(Step.NOT_PUBLISHED, subsidy)
