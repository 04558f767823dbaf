"""What a synthetic book shall hold, and what happens in it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from voucher_service.kernel.ids import VoucherId
from voucher_service.vouchers.model import Status

FEWEST_VOUCHERS, FEWEST_MERCHANTS, MOST_DAYS = 200, 40, 366
LONGEST_DAYS = 10  # vouchers of campaigns that end with the book are valid so long at most


@dataclass(frozen=True, slots=True)
class Wanted:
    """A book. `programme` is the slug of the programme it makes; `days` how long vouchers are
    claimed; `redeemed` the part of them that is spent; with `open_offer` one offer stays
    open. Raises ValueError.
    """

    programme: str
    vouchers: int
    merchants: int
    days: int
    redeemed: float = 0.7
    seed: int = 1
    open_offer: bool = False

    def __post_init__(self) -> None:
        if self.vouchers < FEWEST_VOUCHERS or self.merchants < FEWEST_MERCHANTS:
            raise ValueError(
                f"a book has {FEWEST_VOUCHERS} vouchers and {FEWEST_MERCHANTS} merchants or more"
            )
        if not 1 <= self.days <= MOST_DAYS or not 0 <= self.redeemed <= 1:
            raise ValueError(f"days are 1 to {MOST_DAYS}, what is redeemed is 0 to 1")


@dataclass(frozen=True, slots=True)
class Claim:
    """One voucher, with what has become of it when the book ends.

    `resident` is a place in the list of residents, `position` that of the release in its offer.
    """

    id: VoucherId
    resident: int
    position: int
    slot: int
    generation: int
    status: Status
    holds_slot: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A batch of claims that shared a commit. `offer` is a place in the list of offers."""

    at: datetime
    offer: int
    claims: Sequence[Claim]


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A voucher spent at a shop, which is a place in the list of shops."""

    at: datetime
    offer: int
    voucher: VoucherId
    claimed_on: date
    shop: int
    order_fen: int


@dataclass(frozen=True, slots=True)
class Lapsed:
    """Vouchers of one offer that a sweep after midnight ended."""

    at: datetime
    offer: int
    vouchers: Sequence[VoucherId]


Happening = Claimed | Redeemed | Lapsed
