"""How many qualifications more than its money a pool may give out, since many lapse. Pure, in fen.

What is held is given out against what is left. Of a qualification it is known what those whose
validity ended of late cost on average, the lapsed ones nothing; it may cost `most`. So many may be
held that the cost of them all, seen pessimistically, is left. Claims are refused at that point,
long before a holder is: the fewer can still be paid in any case, the fewer are given out beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from voucher_service.kernel.money import ZERO, Money

_WHOLE_BPS = 10_000
# What the average cost may have risen by since those of late were claimed.
DRIFT_BPS = 4_000
# How many standard deviations of chance are kept free, of the average and of the sum.
SIGMAS = 4


@dataclass(frozen=True, slots=True)
class Past:
    """Qualifications whose validity ended of late, and what the used ones of them cost."""

    ended: int = 0
    cost: Money = ZERO


def cost_each(past: Past, most: Money) -> Money:
    """What one more qualification costs on average, seen pessimistically; `most` without a past.

    A cost that lies between 0 and `most` has a variance of at most its average times `most`.
    """
    if not past.ended:
        return most
    average = -(-past.cost.fen // past.ended)
    chance = isqrt(SIGMAS**2 * max(average, 1) * most.fen // past.ended) + 1
    drift = -(-average * DRIFT_BPS // _WHOLE_BPS)
    return min(most, Money(average + chance + drift))


def cost_of(held: int, each: Money, most: Money) -> Money:
    """What so many held qualifications may cost together: never more than `most` for each."""
    chance = isqrt(SIGMAS**2 * held * each.fen * most.fen) + 1
    return min(most * held, each * held + Money(chance))


def open_places(
    *,
    money: Money,
    spent: Money,
    frozen: Money,
    held: int,
    most: Money,
    past: Past,
    overbook_bps: int,
) -> int:
    """How many more may be claimed now.

    `held` are claimed and neither frozen nor over. `overbook_bps`: how many more than the money
    pays at `most` each the planner allows, 0 for none.
    """
    if spent + frozen >= money:
        return 0
    left = money - spent - frozen
    each = cost_each(past, most)
    ceiling = left.fen * (_WHOLE_BPS + overbook_bps) // (_WHOLE_BPS * most.fen)
    low, high = left.fen // most.fen, ceiling
    while low < high:
        middle = (low + high + 1) // 2
        if cost_of(middle, each, most) <= left:
            low = middle
        else:
            high = middle - 1
    return max(0, low - held)
