"""Least squares with errors that may differ from person to person, and quotients of two effects.

Several outcomes are regressed on the same columns at once, because the effect on spending and the
effect on redemption come from the same people: their errors move together.
"""

from __future__ import annotations

from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from .model import CONFIDENCE, POWER, WORTH_DETECTING, Interval

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_Z_POWER = NormalDist().inv_cdf(POWER)
# Earlier spending above this share of people counts as if it were just that: one who spends a
# hundred times the usual must not steer the line on which the others are adjusted.
_CAP = 0.99
_NOTHING = 1e-9  # below what arithmetic keeps exact


def effects(
    columns: Array, outcomes: Array, *, of: int, weights: Array | None = None
) -> tuple[Array, Array]:
    """The coefficient of one column on each outcome, and their joint covariance (HC1).

    `columns` is people × columns, `outcomes` people × outcomes. A column of zeros (nobody spent
    before) says nothing and is left out; those up to `of` have none.
    """
    x, y = columns, outcomes
    if not (told := x.any(axis=0)).all():
        x = x[:, told]
    if weights is not None:
        root = np.sqrt(weights)[:, None]
        x, y = x * root, outcomes * root
    inverse = np.linalg.inv(x.T @ x)
    fitted = inverse @ (x.T @ y)
    scores = (x @ inverse[:, of])[:, None] * (y - x @ fitted)
    used, width = x.shape
    return fitted[of], scores.T @ scores * (used / (used - width))


def capped(earlier: Array) -> Array:
    """Earlier spending without its far tail, around its mean."""
    cut = np.minimum(earlier, np.quantile(earlier, _CAP))
    return np.asarray(cut - cut.mean())


def interval(point: float, variance: float) -> Interval:
    """A figure with its 95 % interval by the normal distribution."""
    half = Z * sqrt(variance)
    return Interval(point, point - half, point + half)


def quotient(both: Array, covariance: Array) -> Interval | None:
    """The first effect ÷ the second, with Fieller's interval; None where the second may be 0.

    The interval holds every ratio at which `first - ratio * second` can't be told from 0, so it
    stays right when few of those offered a voucher used it.
    """
    (a, b), squared = both, Z * Z
    lead = b * b - squared * covariance[1, 1]
    if lead <= 0:
        return None
    middle = a * b - squared * covariance[0, 1]
    rest = a * a - squared * covariance[0, 0]
    half = sqrt(max(0.0, middle * middle - lead * rest))
    return Interval(float(a / b), float((middle - half) / lead), float((middle + half) / lead))


def needed(have: int, both: Array, covariance: Array) -> int | None:
    """How many it takes to detect `WORTH_DETECTING`; None when those we have are enough."""
    a, b = both
    ratio = a / b
    variance = covariance[0, 0] - 2 * ratio * covariance[0, 1] + ratio**2 * covariance[1, 1]
    return more_than(have, sqrt(max(0.0, variance)) / abs(b))


def more_than(have: int, error: float) -> int | None:
    """The same for a standard error of the effect that shrinks with the root of the number."""
    times = ((Z + _Z_POWER) * error / WORTH_DETECTING) ** 2
    return ceil(have * times) if times > 1 else None


def probability(point: float, variance: float) -> float:
    """How often chance alone gives a figure at least that far from 0."""
    if variance <= 0 or abs(point) < _NOTHING:
        return 1.0
    return 2 * (1 - NormalDist().cdf(abs(point) / sqrt(variance)))
