"""The chart of accounts and the codes of transfers.

Every balance is credit-normal: an account holds what has come in. `appropriation` is the source
and goes negative, `receivable` is what somebody owes and never goes above zero. Every other stage
stays at zero or above; but what is refunded between two folds may take a pool's `committed` below,
and what the bank sent back and is to be paid again may take a merchant's `receivable` above zero
and its `settled` below by as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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
    FROZEN = "frozen"
    COMMITTED = "committed"
    SETTLED = "settled"
    RETURNED = "returned"
    PASSED_ON = "passed_on"
    CARRIED = "carried"
    RECEIVABLE = "receivable"


class Owner(StrEnum):
    """Whose account: a fund's, an allotment's (fund and budget), a budget line's (funder and
    campaign), the pool of one offer, or a merchant's: what was paid out and is owed back.
    """

    FUND = "fund"
    ALLOTMENT = "allotment"
    LINE = "line"
    POOL = "pool"
    MERCHANT = "merchant"


class Code(StrEnum):
    """What a transfer records."""

    FUNDED = "funded"
    PUBLISHED = "published"
    CLAIMED = "claimed"
    CLAIM_UNDONE = "claim_undone"
    REDEEMED = "redeemed"
    REVERSED = "reversed"
    REFUNDED = "refunded"
    SETTLED = "settled"
    CLAWED_BACK = "clawed_back"
    PAID_AHEAD = "paid_ahead"
    SENT_BACK = "sent_back"
    PAID_AGAIN = "paid_again"
    RECOVERED = "recovered"
    FROZEN = "frozen"
    FREEZE_COMMITTED = "freeze_committed"
    FREEZE_CANCELLED = "freeze_cancelled"
    FOLDED = "folded"
    CLOSED = "closed"
    APPROPRIATED = "appropriated"
    SENT_HOME = "sent_home"
    CARRIED_OVER = "carried_over"
    ALLOTTED = "allotted"
    PASSED_DOWN = "passed_down"
    HANDED_BACK = "handed_back"
    RELIEVED = "relieved"
    REVISED = "revised"
    HELD = "held"
    LET_GO = "let_go"
    GRANTED = "granted"


# Of these one transfer may carry a key: a freeze ends once (a unique index says so).
RESOLUTIONS = (Code.FREEZE_COMMITTED, Code.FREEZE_CANCELLED)


class FreezeResolved(Conflict):
    """The freeze ended the other way before; nothing was moved."""

    code = "freeze_resolved"


class FundsShort(Conflict):
    """A budget line holds less than this would take; nothing was moved."""

    code = "funds_short"


@dataclass(frozen=True, slots=True)
class Account:
    """The name of an account. `owner` is an Owner, with an area behind it for part of a pool."""

    owner: str
    id: UUID
    stage: Stage


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transfer: positive money comes in, negative goes out."""

    account: Account
    amount: Money


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an account's statement; `balance` is what the account held after it."""

    entry: int
    transfer: int
    code: str
    key: str
    occurred_at: datetime
    amount: Money
    balance: Money


def fund(id: UUID, stage: Stage) -> Account:
    """A stage of a fund."""
    return Account(Owner.FUND, id, stage)


def allotment(id: UUID, stage: Stage) -> Account:
    """A stage of an allotment."""
    return Account(Owner.ALLOTMENT, id, stage)


def line(id: UUID, stage: Stage) -> Account:
    """A stage of a budget line."""
    return Account(Owner.LINE, id, stage)


def pool(offer: UUID, stage: Stage, *, shop_area: str = "") -> Account:
    """A stage of an offer's pool; apart for the shops of an area that has a line of its own."""
    return Account(f"{Owner.POOL}@{shop_area}" if shop_area else Owner.POOL, offer, stage)


def merchant(id: UUID, stage: Stage) -> Account:
    """A stage of a merchant."""
    return Account(Owner.MERCHANT, id, stage)


def move(amount: Money, source: Account, target: Account) -> tuple[Leg, Leg]:
    """The two legs that take a positive amount from one account to another."""
    if amount.fen <= 0:
        raise ValueError("a movement is of a positive amount")
    return Leg(source, -amount), Leg(target, amount)


def balanced(legs: Sequence[Leg]) -> bool:
    """Whether the legs add up to nothing and there are at least two."""
    return len(legs) >= 2 and sum(leg.amount.fen for leg in legs) == 0
