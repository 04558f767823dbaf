"""`python -m tests.causal.cities --runs 2000`: what the intervals are worth.

Each run invents a city whose true effect is known, and asks an estimator. Published: how often the
95 % interval holds the truth, how wide it is, how often it excludes 0, and where each design fails.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import click
import numpy as np

from tests.causal import town
from tests.causal.town import NOTHING, STANDARD, City
from voucher_service.causal import areas, bunching, cutoff, lottery
from voucher_service.causal.model import Answer, Found, Window

EAGER = 0.3
HEADINGS = (
    "| city | truth | estimator | window | runs | refused | median | width | 95 % holds truth"
    " | excludes 0 |"
)


@dataclass(frozen=True)
class Outcome:
    """What many runs of one design in one kind of city came to. Rates are parts of 1."""

    runs: int
    refused: float
    covered: float
    excludes_zero: float
    median: float
    width: float


def of_lottery(city: City, rng: np.random.Generator) -> dict[Window, Answer]:
    """Winners against losers."""
    one = town.entrants(city, rng)
    return {
        window: lottery.estimate(won=one.got, spent=spent, before=one.before, redeemed=one.redeemed)
        for window, spent in _windows(one.during, one.after)
    }


def of_cutoff(city: City, rng: np.random.Generator) -> dict[Window, Answer]:
    """Just in against just out; the first in the queue spend more anyway."""
    one = town.entrants(city, rng, eager=EAGER)
    return {
        window: cutoff.estimate(
            rank=one.rank, spent=spent, before=one.before, redeemed=one.redeemed
        )
        for window, spent in _windows(one.during, one.after)
    }


def of_bunching(city: City, rng: np.random.Generator) -> dict[Window, Answer]:
    """All orders of tills; what happens in the weeks after is not seen."""
    one = town.tills(city, rng)
    found = bunching.estimate(
        counts=one.counts,
        amounts=one.amounts,
        threshold=town.THRESHOLD,
        redeemed=one.redeemed,
        rng=rng,
    )
    return {Window.DURING: found}


def of_areas(city: City, rng: np.random.Generator) -> dict[Window, Answer]:
    """Areas that issued against areas that didn't."""
    one = town.places(city, rng)
    found = {}
    for window, spent in _windows(one.during, one.after):
        weeks = town.DURING + (town.AFTER if window is Window.WITH_AFTER else 0)
        found[window] = areas.estimate(
            issued=one.issued,
            before=one.before,
            spent=spent - weeks * one.before.mean(axis=1),
            weeks=weeks,
            redeemed=one.redeemed,
            rng=rng,
        )
    return found


def _windows(during: town.Array, after: town.Array) -> list[tuple[Window, town.Array]]:
    return [(Window.DURING, during), (Window.WITH_AFTER, during + after)]


ESTIMATORS: Mapping[str, Callable[[City, np.random.Generator], dict[Window, Answer]]] = {
    "lottery": of_lottery,
    "cutoff": of_cutoff,
    "bunching": of_bunching,
    "areas": of_areas,
}
CITIES: Mapping[str, City] = {
    "effect 3": STANDARD,
    "effect 0": NOTHING,
    "pull-forward": City(borrowed=2.0),
    "spill-over": City(displaced=1.0),
    "spill-over to other areas": City(displaced=1.0, away=True),
    "serial shocks": replace(STANDARD, shock=0.04, memory=0.9),
    "ghost orders": City(ghosts=0.2),
    # The longer window takes more people and areas than a city of the standard size has.
    "effect 3, large": replace(STANDARD, size=5),
    "effect 0, large": replace(NOTHING, size=5),
    "pull-forward, large": City(borrowed=2.0, size=5),
}


def simulate(estimator: str, city: City, *, runs: int, seed: int) -> dict[Window, Outcome]:
    """Many cities of one kind; the same seed, the same figures."""
    ask = ESTIMATORS[estimator]
    answers = [ask(city, np.random.default_rng([seed, run])) for run in range(runs)]
    return {window: _outcome(city, [one[window] for one in answers]) for window in answers[0]}


def _outcome(city: City, answers: list[Answer]) -> Outcome:
    found = [one.effect for one in answers if isinstance(one, Found)]
    refused = 1 - len(found) / len(answers)
    if not found:
        return Outcome(len(answers), refused, np.nan, np.nan, np.nan, np.nan)
    low, high = (np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
    return Outcome(
        len(answers),
        refused,
        float(np.mean((low <= city.truth) & (city.truth <= high))),
        float(np.mean((low > 0) | (high < 0))),
        float(np.median([one.point for one in found])),
        float(np.median(high - low)),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--estimator", nargs="+", choices=ESTIMATORS, default=ESTIMATORS)
    parser.add_argument("--city", nargs="+", choices=CITIES, default=CITIES)
    parser.add_argument("--seed", type=int, default=20261122)
    asked = parser.parse_args()
    started = time.monotonic()
    click.echo(HEADINGS)
    click.echo("|---|--:|---|---|--:|--:|--:|--:|--:|--:|")
    for called, city in CITIES.items():
        for estimator in ESTIMATORS:
            if called in asked.city and estimator in asked.estimator:
                found = simulate(estimator, city, runs=asked.runs, seed=asked.seed)
                for window, one in found.items():
                    click.echo(_row(called, city, estimator, window, one))
    click.echo(f"\n{time.monotonic() - started:.0f} s")


def _row(called: str, city: City, estimator: str, window: Window, one: Outcome) -> str:
    figures = f"{one.median:.2f} | {one.width:.2f} | {one.covered:.1%} | {one.excludes_zero:.1%}"
    if one.refused == 1:
        figures = "– | – | – | –"
    return (
        f"| {called} | {city.truth:.2f} | {estimator} | {window} | {one.runs:,}"
        f" | {one.refused:.1%} | {figures} |"
    )


if __name__ == "__main__":
    main()
