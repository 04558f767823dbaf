"""When the vouchers of a synthetic book are claimed: a rush at each opening, then one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random

from voucher_service.kernel.clock import SHANGHAI, day_of
from voucher_service.kernel.money import largest_remainder

from .offers import Shelf

_MOST_IN_A_BATCH = 256  # as the product commits them
_OPENING_DAY, _LATER_DAYS = 8, 2  # of ten claims of a release
_IN_THE_RUSH = 0.7  # of the claims of an opening day
_BATCHES_APART = timedelta(milliseconds=60)
_AFTER_THE_RUSH = timedelta(minutes=2)
_AWAKE = time(8), time(22)
_MOST_BY_CHANCE = 6  # claims in one batch when there is no rush


@dataclass(frozen=True, slots=True)
class Moment:
    """A batch of claims. `offer` is a place in the list of offers, `release` one in the offer's."""

    at: datetime
    offer: int
    release: int
    claims: int
    rush: bool


def moments(offer: int, shelf: Shelf, *, days: int, rng: Random) -> Iterator[Moment]:
    """The batches of one offer by rising instant; of each release on its first `days` days."""
    for place, (release, count) in enumerate(zip(shelf.offer.releases, shelf.claims, strict=True)):
        window = (day_of(release.closes_at) - day_of(release.opens_at)).days
        later = max(0, min(window, days) - 1)
        parts = largest_remainder(count, [_OPENING_DAY * later or 1, *[_LATER_DAYS] * later])
        at = release.opens_at
        rush = int(parts[0] * _IN_THE_RUSH)
        for left in range(rush, 0, -_MOST_IN_A_BATCH):
            at += _BATCHES_APART * (0.5 + rng.random())
            yield Moment(at, offer, place, min(left, _MOST_IN_A_BATCH), rush=True)
        begins = release.opens_at + _AFTER_THE_RUSH
        parts[0] -= rush
        for day, part in enumerate(parts):
            on = day_of(release.opens_at) + timedelta(days=day)
            begins = begins if day == 0 else datetime.combine(on, _AWAKE[0], SHANGHAI)
            ends = datetime.combine(on, _AWAKE[1], SHANGHAI)
            for at, claims in _by_chance(begins, ends, part, rng):
                yield Moment(at, offer, place, claims, rush=False)


def _by_chance(
    begins: datetime, ends: datetime, count: int, rng: Random
) -> Iterator[tuple[datetime, int]]:
    small: list[int] = []
    while count:
        small.append(min(count, rng.randint(1, _MOST_BY_CHANCE)))
        count -= small[-1]
    yield from zip(
        sorted(begins + (ends - begins) * rng.random() for _ in small), small, strict=True
    )
