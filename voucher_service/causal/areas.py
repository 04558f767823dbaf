"""Areas with vouchers against areas without, before and after: difference in differences.

Each area becomes one figure, its change from its own earlier weeks, so that weeks which resemble
their neighbours don't count as if they were independent (Bertrand, Duflo and Mullainathan 2004).
With few areas no formula for large numbers holds; the interval collects the effects under which
the labels "with" and "without" could have been shuffled (randomisation inference). Assumes: without
vouchers both groups would have changed alike; residents don't shop across the line.
"""

from __future__ import annotations

from itertools import combinations
from math import comb, sqrt

import numpy as np

from .model import CONFIDENCE, Answer, Check, CheckName, Counted, Found, Interval, TooSmall
from .regression import Array, Flags, more_than

FEWEST = 12
FEWEST_A_SIDE = 4
_SUSPECT = 0.01
_ALL = 5_000  # ways to place the labels that are all tried; of more, so many are drawn
_DRAWN = 1_999
_STEPS = 30


def estimate(
    *,
    issued: Flags,
    before: Array,
    spent: Array,
    weeks: int,
    redeemed: Array,
    rng: np.random.Generator,
) -> Answer:
    """Per redeemed yuan. One entry an area: whether vouchers were issued there; yuan spent a person
    and week before (areas × weeks); yuan a person spent in the `weeks` of the window beyond as many
    earlier weeks, and yuan a person redeemed.
    """
    count, got = len(issued), int(issued.sum())
    if count < FEWEST or min(got, count - got) < FEWEST_A_SIDE:
        return TooSmall(count, max(FEWEST, count + FEWEST_A_SIDE), Counted.AREAS)
    labels = _labels(issued, rng)
    gap = _gap(issued, spent)
    stage = _gap(issued, redeemed)
    wanted = more_than(count, _expected(issued, before, weeks) / abs(stage))
    if wanted is not None:
        return TooSmall(count, wanted, Counted.AREAS)
    point = gap / stage
    error = max(_error(issued, spent - point * redeemed) / abs(stage), 1e-6)
    effect = Interval(
        point,
        _end(labels, issued, spent, redeemed, point, -error),
        _end(labels, issued, spent, redeemed, point, error),
    )
    offered = Interval(gap, effect.low * stage, effect.high * stage)
    return Found(effect, offered, stage, got, count - got)


def checks(*, issued: Flags, before: Array, rng: np.random.Generator) -> tuple[Check, ...]:
    """Whether the groups already moved apart in the weeks before."""
    weeks = np.arange(before.shape[1], dtype=np.float64)
    weeks -= weeks.mean()
    chance = _chance(_labels(issued, rng), issued, before @ weeks)
    return (Check(CheckName.EARLIER_TREND, chance, chance >= _SUSPECT),)


def _expected(issued: Flags, before: Array, weeks: int) -> float:
    """The error of the gap that the earlier weeks let expect.

    Whether a sample is too small is judged by them alone: judged by the window's own spread, the
    samples that luck made look calm would pass, and their intervals would be too narrow.
    """
    areas, earlier = before.shape
    own = before - before.mean(axis=0) - before.mean(axis=1)[:, None] + before.mean()
    variance = float((own**2).sum()) / ((areas - 1) * (earlier - 1))
    lasting = float((own[:, 1:] * own[:, :-1]).sum() / max((own**2).sum(), 1e-12))
    lasting = min(0.95, max(0.0, lasting + (1 + 3 * lasting) / earlier))
    apart = np.abs(np.subtract.outer(np.arange(earlier + weeks), np.arange(earlier + weeks)))
    weights = np.concatenate((np.full(earlier, -weeks / earlier), np.ones(weeks)))
    spread = variance * float(weights @ lasting**apart @ weights)
    return sqrt(spread * (1 / int(issued.sum()) + 1 / int((~issued).sum())))


def _labels(issued: Flags, rng: np.random.Generator) -> Array:
    """Ways in which the labels could have fallen, one a row."""
    count, got = len(issued), int(issued.sum())
    if comb(count, got) <= _ALL:
        chosen = list(combinations(range(count), got))
        rows = np.zeros((len(chosen), count))
        rows[np.arange(len(chosen))[:, None], np.array(chosen)] = 1
        return rows
    drawn = rng.permuted(np.tile(issued.astype(np.float64), (_DRAWN, 1)), axis=1)
    return np.vstack((issued[None, :], drawn))


def _chance(labels: Array, issued: Flags, rest: Array) -> float:
    """How often shuffled labels give a gap at least as striking as the true ones.

    The gap is measured in its own error, so that groups with unequal spread are told apart rightly.
    """
    got, left = issued.sum(), (~issued).sum()
    first, squares = labels @ rest, labels @ rest**2
    second, others = rest.sum() - first, (rest**2).sum() - squares
    spread = (squares - first**2 / got) / (got * (got - 1)) + (others - second**2 / left) / (
        left * (left - 1)
    )
    found = np.abs(first / got - second / left) / np.sqrt(np.maximum(spread, 1e-12))
    own = abs(_gap(issued, rest)) / max(_error(issued, rest), 1e-6)
    return float(np.mean(found >= own - 1e-9))


def _end(
    labels: Array, issued: Flags, spent: Array, redeemed: Array, point: float, step: float
) -> float:
    """The last effect in one direction that shuffling does not rule out."""

    def kept(effect: float) -> bool:
        return _chance(labels, issued, spent - effect * redeemed) > 1 - CONFIDENCE

    inner, outer = point, point + 2 * step
    while kept(outer) and abs(outer - point) < abs(step) * 1_000:
        inner, outer = outer, outer + 2 * step * (1 + abs(outer - point) / abs(step) / 4)
    for _ in range(_STEPS):
        middle = (inner + outer) / 2
        inner, outer = (middle, outer) if kept(middle) else (inner, middle)
    return outer


def _gap(issued: Flags, values: Array) -> float:
    return float(values[issued].mean() - values[~issued].mean())


def _error(issued: Flags, values: Array) -> float:
    return sqrt(
        float(values[issued].var(ddof=1)) / int(issued.sum())
        + float(values[~issued].var(ddof=1)) / int((~issued).sum())
    )
