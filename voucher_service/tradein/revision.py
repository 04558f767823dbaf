"""What another set of policies would have decided: retroactive differences, and what-if. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.money import Money

from .policy import Case, Policy
from .quote import Reason, quote


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, with all that it was computed from: enough to decide it again."""

    id: UUID
    case: Case
    subsidy: Money
    policy_id: str


@dataclass(frozen=True, slots=True)
class Past:
    """A decision that stands: whose it is, in which division, since when."""

    decision: Decision
    resident_id: ResidentId
    area: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision and what it comes to when it is made again."""

    decision: Decision
    subsidy: Money
    policy_id: str | None
    reasons: tuple[Reason, ...]

    @property
    def change(self) -> Money:
        """What is still to be paid; negative when it was too much."""
        return self.subsidy - self.decision.subsidy


@dataclass(frozen=True, slots=True)
class Revision:
    """Every decision that changes, and what all of them cost before and after."""

    differences: tuple[Difference, ...]
    before: Money
    after: Money

    @property
    def change(self) -> Money:
        """What the revision costs; negative when it saves."""
        return self.after - self.before

    @property
    def gained(self) -> int:
        """How many get more."""
        return sum(one.change.fen > 0 for one in self.differences)

    @property
    def lost(self) -> int:
        """How many get less."""
        return sum(one.change.fen < 0 for one in self.differences)


def anew(
    decision: Decision, policies: Sequence[Policy], *, known_on: date | None = None
) -> Difference:
    """One case decided again; what comes out may be the same as before."""
    again = quote(policies, decision.case, known_on=known_on)
    its = again.policy.id if again.policy else None
    return Difference(decision, again.subsidy, its, again.reasons)


def revise(
    decisions: Iterable[Decision], policies: Sequence[Policy], *, known_on: date | None = None
) -> Revision:
    """Decide every case again under these policies, those published by `known_on` if given."""
    differences: list[Difference] = []
    before = after = 0
    for one in decisions:
        again = anew(one, policies, known_on=known_on)
        before += one.subsidy.fen
        after += again.subsidy.fen
        if again.change.fen:
            differences.append(again)
    return Revision(tuple(differences), Money(before), Money(after))
