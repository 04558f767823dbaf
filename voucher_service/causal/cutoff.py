"""First come, first served: the last who got a voucher against the first who did not.

Local lines in rank on both sides of the last slot. The bandwidth minimises the error of a local
line; the estimate and its interval are those of a local parabola in the same bandwidth, which is
the line corrected for its bias, with the correction's own error counted (Calonico, Cattaneo and
Titiunik 2014). Assumes: nobody could choose on which side of the last slot to stand; those who
consented to the panel were not chosen by the outcome; the refused don't spend less because others
got a voucher.
"""

from __future__ import annotations

import numpy as np

from .model import Answer, Check, CheckName, Counted, Found, NoFirstStage, TooSmall
from .regression import Array, Flags, capped, effects, interval, needed, probability, quotient

FEWEST = 500  # on each side
_SUSPECT = 0.01
_TRIANGLE = 3.4375  # the constant of Imbens and Kalyanaraman (2012) for a triangular kernel


def estimate(*, rank: Array, spent: Array, before: Array, redeemed: Array) -> Answer:
    """Per redeemed yuan, and per person just inside. `rank` counts from the last slot: up to 0 got
    one, above were refused. Otherwise as for the lottery.
    """
    inside = rank <= 0
    people, got = len(rank), int(inside.sum())
    smaller = min(got, people - got)
    if smaller < FEWEST:
        return TooSmall(smaller, FEWEST, Counted.ENTRANTS)
    width = bandwidth(rank, spent)
    near, away, weights = _near(rank, width)
    columns = _parabola(inside[near], away, capped(before)[near])
    outcomes = np.column_stack((spent, redeemed))[near]
    both, covariance = effects(columns, outcomes, of=1, weights=weights)
    effect = quotient(both, covariance)
    if effect is None:
        return NoFirstStage(float(both[1]))
    wanted = needed(len(away), both, covariance)
    if wanted is not None:
        return TooSmall(len(away), wanted, Counted.ENTRANTS)
    return Found(
        effect,
        interval(float(both[0]), float(covariance[0, 0])),
        float(both[1]),
        int(inside[near].sum()),
        int((~inside[near]).sum()),
    )


def checks(*, rank: Array, spent: Array, before: Array) -> tuple[Check, ...]:
    """Whether spending before jumps at the last slot."""
    near, away, weights = _near(rank, bandwidth(rank, spent))
    columns = _parabola((rank <= 0)[near], away, np.zeros(len(away)))[:, :-1]
    jump, variance = effects(columns, capped(before)[near][:, None], of=1, weights=weights)
    chance = probability(float(jump[0]), float(variance[0, 0]))
    return (Check(CheckName.BALANCE, chance, chance >= _SUSPECT),)


def bandwidth(rank: Array, spent: Array) -> float:
    """How many ranks on each side to look at: where a line's bias and its noise are balanced."""
    inside, away = rank <= 0, rank - 0.5
    reach = min(float(np.abs(away[inside]).max()), float(away[~inside].max()))
    noise = bend = doubt = 0.0
    for side in (inside, ~inside):
        x, y = away[side] / reach, spent[side]
        powers = np.column_stack((np.ones(len(x)), x, x * x))
        fitted = np.linalg.lstsq(powers, y, rcond=None)[0]
        variance = float(np.mean((y - powers @ fitted) ** 2))
        bend += (2 * float(fitted[2])) ** 2
        # A bend that the noise alone may show must not narrow the look.
        doubt += 4 * variance * float(np.linalg.inv(powers.T @ powers)[2, 2])
        noise += variance
    density = len(rank) / (float(away.max() - away.min()) / reach)
    width = _TRIANGLE * (noise / (density * (bend + 3 * doubt))) ** 0.2
    return float(reach * min(1.0, width))


def coverage(rank: Array, known: Flags) -> Check:
    """Whether the share of entrants who are in the panel jumps at the last slot.

    Ranks are dense by construction, so it is here that a choice of side, or of who consents, would
    show: what the density test looks for where people place themselves.
    """
    inside = rank <= 0
    away = (rank - 0.5) / np.abs(rank - 0.5).max()
    columns = np.column_stack((np.ones(len(rank)), inside, away, inside * away))
    jump, variance = effects(columns, known.astype(np.float64)[:, None], of=1)
    chance = probability(float(jump[0]), float(variance[0, 0]))
    return Check(CheckName.COVERAGE, chance, chance >= _SUSPECT)


def _parabola(inside: Flags, away: Array, earlier: Array) -> Array:
    return np.column_stack(
        (
            np.ones(len(away)),
            inside,
            away,
            inside * away,
            away**2,
            inside * away**2,
            earlier,
        )
    )


def _near(rank: Array, width: float) -> tuple[Flags, Array, Array]:
    """Who is within the width; how far away, in widths; and their weights."""
    away = (rank - 0.5) / width
    near = np.abs(away) < 1
    return near, away[near], 1 - np.abs(away[near])
