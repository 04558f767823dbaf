"""Winners of a lottery against losers: chance alone decided, so only the voucher differs.

Assumes: being in the panel doesn't depend on winning; a loser's spending doesn't depend on who won;
winning changes spending only through the voucher (one may win and never redeem it).
"""

from __future__ import annotations

import numpy as np

from .model import Answer, Check, CheckName, Counted, Found, NoFirstStage, TooSmall
from .regression import Array, Flags, capped, effects, interval, needed, probability, quotient

FEWEST = 200  # of winners and of losers
_SUSPECT = 0.01
_TRIM = 0.995


def estimate(*, won: Flags, spent: Array, before: Array, redeemed: Array) -> Answer:
    """Per redeemed yuan, and per person who won. One entry a person: yuan spent in the window and
    in the weeks before, yuan redeemed.
    """
    people, winners = len(won), int(won.sum())
    smaller = min(winners, people - winners)
    if smaller < FEWEST:
        return TooSmall(smaller, FEWEST, Counted.ENTRANTS)
    columns = _columns(won, before)
    both, covariance = effects(columns, np.column_stack((spent, redeemed)), of=1)
    effect = quotient(both, covariance)
    if effect is None:
        return NoFirstStage(float(both[1]))
    wanted = needed(people, both, covariance)
    if wanted is not None:
        return TooSmall(people, wanted, Counted.ENTRANTS)
    return Found(
        effect,
        interval(float(both[0]), float(covariance[0, 0])),
        float(both[1]),
        winners,
        people - winners,
    )


def checks(*, won: Flags, spent: Array, before: Array, redeemed: Array) -> tuple[Check, ...]:
    """Whether both groups spent alike before; the effect without the largest spenders."""
    return _balance(won, before), _trimmed(_columns(won, before), spent, redeemed)


def coverage(rank: Array, known: Flags) -> Check:
    """Whether winners and losers are in the panel equally often."""
    columns = np.column_stack((np.ones(len(rank)), (rank <= 0).astype(np.float64)))
    gap, variance = effects(columns, known.astype(np.float64)[:, None], of=1)
    chance = probability(float(gap[0]), float(variance[0, 0]))
    return Check(CheckName.COVERAGE, chance, chance >= _SUSPECT)


def _columns(won: Flags, before: Array) -> Array:
    # Each group gets a line of its own on earlier spending, which can only make the estimate more
    # exact, whatever the true shape (Lin 2013).
    earlier = capped(before)
    return np.column_stack((np.ones(len(won)), won, earlier, won * earlier))


def _balance(won: Flags, before: Array) -> Check:
    plain = np.column_stack((np.ones(len(won)), won.astype(np.float64)))
    gap, variance = effects(plain, capped(before)[:, None], of=1)
    chance = probability(float(gap[0]), float(variance[0, 0]))
    return Check(CheckName.BALANCE, chance, chance >= _SUSPECT)


def _trimmed(columns: Array, spent: Array, redeemed: Array) -> Check:
    """The effect when the largest spenders count as those at 99.5 %."""
    cut = np.minimum(spent, np.quantile(spent, _TRIM))
    both, _ = effects(columns, np.column_stack((cut, redeemed)), of=1)
    return Check(CheckName.TRIMMED, float(both[0] / both[1]), None)
