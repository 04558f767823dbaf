"""What a unit's differences come to once it is refunded, wholly or in part. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voucher_service.kernel.ids import CampaignId
from voucher_service.kernel.money import ZERO, Money

from ..policy import Case, Policy
from ..quote import under
from .model import DifferenceOnItsWay, RevisionId


@dataclass(frozen=True, slots=True)
class Standing:
    """A difference that a unit got by an approved revision: `kept` of it is paid, or will be."""

    revision_id: RevisionId
    campaign_id: CampaignId
    policy: Policy
    kept: Money
    sent: bool
    paid: bool


@dataclass(frozen=True, slots=True)
class Lowered:
    """A difference that a refund makes smaller by `less`."""

    standing: Standing
    less: Money


def lowered(
    standings: Sequence[Standing], *, case: Case | None, subsidy: Money
) -> tuple[list[Lowered], Money]:
    """The differences that are not paid and become smaller, and how much of those that were paid
    goes back first. `standings` in the order of their approval; `case`: the unit at the price that
    is kept, None when it comes back; `subsidy`: what stays of its own.

    No difference grows. Raises DifferenceOnItsWay for one at the bank that would become smaller.
    """
    changed: list[Lowered] = []
    so_far, back = subsidy, ZERO
    for one in standings:
        after = under(one.policy, case).subsidy if case else ZERO
        due = min(one.kept, max(ZERO, after - so_far))
        so_far += due
        if due == one.kept:
            continue
        if one.paid:
            back += one.kept - due
        elif one.sent:
            raise DifferenceOnItsWay
        else:
            changed.append(Lowered(one, one.kept - due))
    return changed, back
