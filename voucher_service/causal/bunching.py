"""Bunching: more orders just above the threshold, fewer just below, than without vouchers.

All orders of tills are counted by amount. A smooth curve through the counts far from the threshold
says what they would have been near it: a Poisson curve in the logarithm of the amount, with round
amounts apart. Orders beyond it, times their amounts, are the extra spending. The error comes from
drawing whole shops again and again. Assumes: far from the threshold vouchers change no order; the
curve holds across the gap; orders are real; buying earlier instead of later is not seen.
"""

from __future__ import annotations

import numpy as np
from scipy import stats
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM

from .model import (
    CONFIDENCE,
    Answer,
    Check,
    CheckName,
    Counted,
    Found,
    Interval,
    NoFirstStage,
    TooSmall,
)
from .regression import Array, Flags, more_than

FEWEST = 30  # shops
# The gap, as parts of the threshold: who buys up comes from at least the first, and lands at most
# at the second.
GAP = (0.4, 1.3)
_OTHER_GAPS = ((0.35, 1.3), (0.5, 1.3), (0.4, 1.5))
DEGREE = 4
DRAWS = 200
_CLASSES = 40  # below the threshold, at least
_STEPS_WIDE = (1, 2, 5, 10, 20, 50, 100)  # yuan
_STEPS = 4  # of Newton's method from the curve of all shops


def estimate(
    *,
    counts: Array,
    amounts: Array,
    threshold: float,
    redeemed: Array,
    rng: np.random.Generator,
) -> Answer:
    """Per redeemed yuan. `counts`: shops × classes of order amount; `amounts`: the middle of each
    class in yuan, all above 0; `redeemed`: yuan a shop.
    """
    shops = len(counts)
    if shops < FEWEST:
        return TooSmall(shops, FEWEST, Counted.SHOPS)
    total = float(redeemed.sum())
    if total <= 0:
        return NoFirstStage(total)
    columns, inside = shapes(amounts), _inside(amounts, threshold, GAP)
    through = curve(columns, counts.sum(axis=0), ~inside)
    times = rng.multinomial(shops, np.full(shops, 1 / shops), size=DRAWS).astype(np.float64)
    drawn = times @ counts
    through_each = curves(columns, drawn, ~inside, through)
    beyond = _extra(columns, drawn, amounts, inside, through_each)
    ratios = beyond / np.maximum(times @ redeemed, 1e-9)
    error = float(ratios.std(ddof=1)) * (shops / (shops - 1)) ** 0.5
    wanted = more_than(shops, error)
    if wanted is not None:
        return TooSmall(shops, wanted, Counted.SHOPS)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, shops - 1)) * error
    effect = _effect(counts, amounts, threshold, total, GAP)
    return Found(Interval(effect, effect - half, effect + half), None, total / shops, shops, 0)


def checks(
    *, counts: Array, amounts: Array, threshold: float, redeemed: Array
) -> tuple[Check, ...]:
    """The least and the greatest effect that other gaps around the threshold give."""
    total = float(redeemed.sum())
    others = [_effect(counts, amounts, threshold, total, gap) for gap in _OTHER_GAPS]
    return tuple(Check(CheckName.OTHER_WINDOW, one, None) for one in (min(others), max(others)))


def shapes(amounts: Array) -> Array:
    """The columns of the curve: powers of the logarithm, and round amounts."""
    logs = np.log(amounts)
    scaled = 2 * (logs - logs.min()) / (logs.max() - logs.min()) - 1
    powers = np.polynomial.legendre.legvander(scaled, DEGREE)
    step = amounts[1] - amounts[0]
    rounds = [_multiples(amounts, of) for of in (10, 50, 100) if of > step and of % step == 0]
    return np.column_stack((powers, *rounds)).astype(np.float64)


def step_of(threshold: float) -> int:
    """How wide a class of order amount is, in yuan: round amounts stand in the middle of one."""
    return max(one for one in _STEPS_WIDE if one == 1 or one * _CLASSES <= threshold)


def _multiples(amounts: Array, of: int) -> Flags:
    rest = amounts % of
    return np.asarray(np.isclose(rest, 0) | np.isclose(rest, of))


def curve(columns: Array, orders: Array, outside: Flags) -> Array:
    """Coefficients of the Poisson curve through the classes outside the gap."""
    model = GLM(orders[outside], columns[outside], family=families.Poisson())
    return np.asarray(model.fit().params, dtype=np.float64)


def curves(columns: Array, orders: Array, outside: Flags, start: Array) -> Array:
    """The same for many draws, one a row: a few steps of Newton's method from the curve of all."""
    x, y = columns[outside], orders[:, outside]
    found = np.tile(start, (len(y), 1))
    for _ in range(_STEPS):
        mean = np.exp(found @ x.T)
        bend = np.einsum("rc,ci,cj->rij", mean, x, x, optimize=True)
        found += np.linalg.solve(bend, ((y - mean) @ x)[:, :, None])[:, :, 0]
    return found


def _effect(
    counts: Array, amounts: Array, threshold: float, redeemed: float, gap: tuple[float, float]
) -> float:
    columns, inside = shapes(amounts), _inside(amounts, threshold, gap)
    orders = counts.sum(axis=0)
    through = curve(columns, orders, ~inside)
    beyond = _extra(columns, orders[None, :], amounts, inside, through[None, :])
    return float(beyond[0]) / redeemed


def _inside(amounts: Array, threshold: float, gap: tuple[float, float]) -> Flags:
    return (amounts >= gap[0] * threshold) & (amounts <= gap[1] * threshold)


def _extra(columns: Array, orders: Array, amounts: Array, inside: Flags, of: Array) -> Array:
    """Yuan in the gap beyond the curves; orders and coefficients are one row a draw."""
    usual = np.exp(of @ columns[inside].T)
    return np.asarray((orders[:, inside] - usual) @ amounts[inside])
