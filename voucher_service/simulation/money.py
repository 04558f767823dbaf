"""The simulated ledger of one campaign with one offer, and what must hold after each commit.

Balances are kept up as transfers come, so that a check takes the same time after any history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from voucher_service.campaigns.model import Offer, max_liability
from voucher_service.ledger.model import (
    Account,
    Code,
    Leg,
    Owner,
    Stage,
    balanced,
    line,
    move,
    pool,
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of money, as a transaction posts it."""

    code: Code
    legs: Sequence[Leg]


@dataclass
class Ledger:
    """What has been posted of an offer that is published: the balance of each account, in fen."""

    offer: Offer
    fen: Counter[Account] = field(default_factory=Counter)
    claimed_fen: int = 0

    def __post_init__(self) -> None:
        whole, home = max_liability(self.offer) * self.offer.quota, self.offer.campaign_id
        source, held = line(home, Stage.APPROPRIATION), line(home, Stage.AVAILABLE)
        self.append(Transfer(Code.FUNDED, move(whole, source, held)))
        reserved = pool(self.offer.id, Stage.RESERVED)
        self.append(Transfer(Code.PUBLISHED, move(whole, held, reserved)))

    def append(self, transfer: Transfer) -> None:
        """Post a transfer that was committed; the deferred trigger has looked at its legs."""
        assert balanced(transfer.legs), "L2: the legs of a transfer add up to nothing"
        for leg in transfer.legs:
            self.fen[leg.account] += leg.amount.fen
        if transfer.code is Code.CLAIMED:
            self.claimed_fen += max(leg.amount.fen for leg in transfer.legs)

    def breaches(self, *, live: int, written: int) -> Iterator[str]:
        """The invariants that do not hold, under the names that `voucher verify` gives them.

        `live` vouchers hold a slot now, `written` ones were ever claimed.
        """
        each = max_liability(self.offer).fen
        outstanding = self.fen[pool(self.offer.id, Stage.OUTSTANDING)]
        reserved = self.fen[pool(self.offer.id, Stage.RESERVED)]
        own = {(Owner.LINE, self.offer.campaign_id), (Owner.POOL, self.offer.id)}
        if self.fen.total():
            yield f"L1: all entries add up to {self.fen.total()} fen"
        for account, fen in self.fen.items():
            if fen < 0 and account.stage is not Stage.APPROPRIATION:
                yield f"L3: {account.stage} is overdrawn by {-fen} fen"
        if outstanding != each * live:
            yield f"L4: {outstanding} fen are outstanding, live vouchers are worth {each * live}"
        if sum(fen for one, fen in self.fen.items() if (one.owner, one.id) in own):
            yield "L6: the campaign's money does not add up"
        if reserved + outstanding != each * self.offer.quota:
            yield f"L9: {reserved + outstanding} fen cover what was published"
        if self.claimed_fen != each * written:
            yield f"I8: {self.claimed_fen} fen were claimed by {written} vouchers"
