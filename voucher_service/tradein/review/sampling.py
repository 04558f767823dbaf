"""How many of a batch a person has to look at, and which. Pure, in exact whole numbers.

The claim: were more than the tolerated share of a batch bad, it would pass with a probability of at
most one minus the confidence. A clean sample is one look; each bad one found makes the sample wider
and is one look more, up to `widenings`, then all are looked at. The looks share the doubt equally,
so that the claim holds for all of them together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb
from uuid import UUID

_WHOLE_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch is judged by: `tolerated_bps` 0 to 9,999 of it may be bad, `confidence_bps` 1 to
    9,999 that more are not, and how often a sample may be widened before all is looked at.
    """

    tolerated_bps: int
    confidence_bps: int
    widenings: int

    def __post_init__(self) -> None:
        if not (
            0 <= self.tolerated_bps < _WHOLE_BPS
            and 0 < self.confidence_bps < _WHOLE_BPS
            and self.widenings >= 0
        ):
            raise ValueError(f"no such plan: {self}")


def needed(size: int, plan: Plan, bad: int = 0) -> int:
    """How many of a batch of `size` must be looked at when `bad` of those were bad.

    The smallest sample in which so few bad ones would be rare enough, had the batch one bad one
    more than is tolerated. All of it where no sample is enough, or once it was widened too often.
    """
    if bad > plan.widenings:
        return size
    too_many = size * plan.tolerated_bps // _WHOLE_BPS + 1
    low, high = 0, size
    # The larger the sample, the rarer are so few: the smallest is found by halving.
    while low < high:
        middle = (low + high) // 2
        if _rare(size, too_many, middle, plan, bad):
            high = middle
        else:
            low = middle + 1
    return low


def looked_at(verdicts: Sequence[bool | None], plan: Plan) -> int:
    """How many of a batch, in the drawn order, have to be looked at as things stand.

    A verdict is whether it is good, None where nobody said yet. What stands behind the sample does
    not count, whatever was said about it.
    """
    count = needed(len(verdicts), plan)
    while (wider := needed(len(verdicts), plan, verdicts[:count].count(False))) > count:
        count = wider
    return count


def fingerprint(ids: Iterable[UUID]) -> str:
    """SHA-256 of a list, whatever its order, in hex: one id a line."""
    return _sha256("\n".join(sorted(map(str, ids))))


def commitment(seed: str) -> str:
    """What is published of a seed before there is anything to draw from: its SHA-256 in hex."""
    return _sha256(seed)


def drawn(seed: str, ids: Sequence[UUID]) -> list[UUID]:
    """The batch in the order in which it is looked at.

    By SHA-256 of seed, fingerprint of the list and id: whoever has seed and list can repeat it.
    """
    of_list = fingerprint(ids)
    return sorted(ids, key=lambda one: _sha256(f"{seed}:{of_list}:{one}"))


def _rare(size: int, too_many: int, sample: int, plan: Plan, bad: int) -> bool:
    """Whether at most `bad` of `too_many` come into a sample rarely enough (hypergeometric)."""
    ways = sum(
        comb(too_many, found) * comb(size - too_many, sample - found)
        for found in range(min(bad, sample) + 1)
    )
    doubt = (_WHOLE_BPS - plan.confidence_bps) * comb(size, sample)
    return ways * _WHOLE_BPS * (plan.widenings + 1) <= doubt


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
