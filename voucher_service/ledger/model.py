"""The chart of accounts and the codes of transfers.

Every balance is credit-normal: an account holds what has come in. `appropriation` is the source
and goes negative; every other stage stays at zero or above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.money import Money


class Stage(StrEnum):
    """Where money stands on its way from the treasury to a merchant."""

    APPROPRIATION = "appropriation"
    AVAILABLE = "available"
    RESERVED = "reserved"
    OUTSTANDING = "outstanding"
    COMMITTED = "committed"
    SETTLED = "settled"
    RETURNED = "returned"


class Owner(StrEnum):
    """Whose account: a budget line's (funder and campaign), or the pool of one offer."""

    LINE = "line"
    POOL = "pool"


class Code(StrEnum):
    """What a transfer records."""

    FUNDED = "funded"
    PUBLISHED = "published"
    CLAIMED = "claimed"
    CLAIM_UNDONE = "claim_undone"
    REDEEMED = "redeemed"
    UNSPENT_FREED = "unspent_freed"
    FOLDED = "folded"
    CLOSED = "closed"


class FundsShort(Conflict):
    """A budget line holds less than this would take; nothing was moved."""

    code = "funds_short"


@dataclass(frozen=True, slots=True)
class Account:
    """The name of an account."""

    owner: Owner
    id: UUID
    stage: Stage


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transfer: positive money comes in, negative goes out."""

    account: Account
    amount: Money


def line(id: UUID, stage: Stage) -> Account:
    """A stage of a budget line."""
    return Account(Owner.LINE, id, stage)


def pool(offer: UUID, stage: Stage) -> Account:
    """A stage of the pool of one offer."""
    return Account(Owner.POOL, offer, stage)


def move(amount: Money, source: Account, target: Account) -> tuple[Leg, Leg]:
    """The two legs that take a positive amount from one account to another."""
    if amount.fen <= 0:
        raise ValueError("a movement is of a positive amount")
    return Leg(source, -amount), Leg(target, amount)


def balanced(legs: Sequence[Leg]) -> bool:
    """Whether the legs add up to nothing and there are at least two."""
    return len(legs) >= 2 and sum(leg.amount.fen for leg in legs) == 0
