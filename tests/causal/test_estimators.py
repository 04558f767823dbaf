"""The estimators beside a well-kept library, in cities with a known effect, and refusing."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.api import OLS, WLS
from statsmodels.stats.power import NormalIndPower

from tests.causal import cities, town
from tests.causal.town import NOTHING, STANDARD, City
from voucher_service.causal import areas, bunching, cutoff, frames, lottery, regression
from voucher_service.causal.model import (
    CheckName,
    Counted,
    Design,
    Found,
    NoFirstStage,
    TooSmall,
    Window,
)

SEED = 20261122


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def people(rng: np.random.Generator, city: City = STANDARD, winners: int = 4_000) -> town.Entrants:
    return town.entrants(city, rng, winners=winners)


def test_least_squares_are_those_of_the_library(rng: np.random.Generator) -> None:
    half = (rng.random(300) < 0.5).astype(np.float64)
    columns = np.column_stack((np.ones(300), half, rng.random(300)))
    outcomes = rng.lognormal(size=(300, 2))
    weights = rng.random(300) + 0.1
    for given in (None, weights):
        found, covariance = regression.effects(columns, outcomes, of=1, weights=given)
        for outcome in (0, 1):
            model = OLS(outcomes[:, outcome], columns)
            if given is not None:
                model = WLS(outcomes[:, outcome], columns, weights=given)
            theirs = model.fit(cov_type="HC1")
            assert found[outcome] == pytest.approx(theirs.params[1])
            assert covariance[outcome, outcome] == pytest.approx(theirs.bse[1] ** 2)


def test_the_size_needed_is_that_of_the_library() -> None:
    spread, each = 50.0, 1_000
    error = spread * (2 / each) ** 0.5
    told = regression.more_than(2 * each, error)
    theirs = NormalIndPower().solve_power(effect_size=3 / spread, alpha=0.05, power=0.8)
    assert told == pytest.approx(2 * theirs, rel=0.001)


def test_a_quotient_whose_divisor_may_be_nothing_has_no_interval() -> None:
    assert regression.quotient(np.array([5.0, 1.0]), np.diag([1.0, 1.0])) is None


@pytest.mark.parametrize("estimator", cities.ESTIMATORS)
def test_intervals_hold_the_truth_about_as_often_as_they_say(estimator: str) -> None:
    found = cities.simulate(estimator, STANDARD, runs=15, seed=SEED)[Window.DURING]
    nothing = cities.simulate(estimator, NOTHING, runs=15, seed=SEED)[Window.DURING]
    assert found.covered >= 0.8
    assert found.excludes_zero >= 0.8
    assert nothing.excludes_zero <= 0.2


def test_the_weeks_after_show_what_was_only_bought_earlier() -> None:
    city = City(borrowed=3.0)
    rng = np.random.default_rng(SEED)
    one = town.entrants(city, rng)
    points = []
    for spent in (one.during, one.during + one.after):
        found = lottery.estimate(won=one.got, spent=spent, before=one.before, redeemed=one.redeemed)
        assert isinstance(found, Found)
        points.append(found.effect.point)
    assert points[1] < points[0] - 0.7


def test_one_estimate_says_how_many_and_how_much_and_what_was_checked(
    rng: np.random.Generator,
) -> None:
    one = people(rng)
    known = rng.random(len(one.got)) < 0.9
    rows = [
        (int(rank), bool(seen), *(round(100 * float(of[i])) for of in _amounts(one)))
        for i, (rank, seen) in enumerate(zip(one.rank, known, strict=True))
    ]
    frame = frames.of_people(rows, after=False)  # type: ignore[arg-type]
    found = frames.ask(Design.LOTTERY, frame, SEED)
    assert isinstance(found, Found)
    assert found.treated + found.control == known.sum()
    assert found.redeemed == pytest.approx(60, rel=0.05)
    assert found.offered is not None
    assert found.offered.point == pytest.approx(found.effect.point * found.redeemed)
    names = [one.name for one in found.checks]
    assert names == [CheckName.BALANCE, CheckName.TRIMMED, CheckName.COVERAGE]
    assert all(one.stands is not False for one in found.checks)
    content, digest = frames.packed(frame)
    kept = frames.unpacked(content)
    assert frames.packed(kept)[1] == digest
    assert frames.ask(Design.LOTTERY, kept, SEED) == found


def _amounts(one: town.Entrants) -> tuple[town.Array, ...]:
    return one.before, one.during, one.after, one.redeemed


def test_a_panel_in_which_nobody_spent_before_is_estimated_without_it(
    rng: np.random.Generator,
) -> None:
    one = people(rng)
    nothing = np.zeros_like(one.before)
    asked = {"spent": one.during, "before": nothing, "redeemed": one.redeemed}
    found = lottery.estimate(won=one.got, **asked)
    assert isinstance(found, Found)
    assert found.effect.low < 3 < found.effect.high
    assert all(check.stands is not False for check in lottery.checks(won=one.got, **asked))
    assert not isinstance(cutoff.estimate(rank=one.rank, **asked), NoFirstStage)


def test_losers_who_left_the_panel_are_noticed(rng: np.random.Generator) -> None:
    one = people(rng)
    stayed = one.got | (rng.random(len(one.got)) < 0.9)
    assert lottery.coverage(one.rank, stayed).stands is False
    assert cutoff.coverage(one.rank, stayed).stands is False
    assert cutoff.coverage(one.rank, rng.random(len(one.got)) < 0.9).stands


def test_a_sample_that_is_too_small_is_refused_with_the_size_needed(
    rng: np.random.Generator,
) -> None:
    tiny, small = people(rng, winners=100), people(rng, winners=400)
    asked = [
        lottery.estimate(won=one.got, spent=one.during, before=one.before, redeemed=one.redeemed)
        for one in (tiny, small)
    ]
    assert asked[0] == TooSmall(100, lottery.FEWEST, Counted.ENTRANTS)
    assert isinstance(asked[1], TooSmall)
    assert asked[1].needed > 800
    enough = people(rng, winners=asked[1].needed)
    assert isinstance(
        lottery.estimate(
            won=enough.got, spent=enough.during, before=enough.before, redeemed=enough.redeemed
        ),
        Found,
    )


def test_nothing_is_divided_by_a_voucher_that_nobody_used(rng: np.random.Generator) -> None:
    one = people(rng)
    found = lottery.estimate(
        won=one.got, spent=one.during, before=one.before, redeemed=0.01 * rng.random(len(one.got))
    )
    assert isinstance(found, NoFirstStage)


def test_fewer_than_twelve_areas_or_thirty_shops_are_refused(rng: np.random.Generator) -> None:
    few = areas.estimate(
        issued=np.arange(11) < 6,
        before=np.ones((11, 8)),
        spent=np.ones(11),
        weeks=4,
        redeemed=np.ones(11),
        rng=rng,
    )
    assert isinstance(few, TooSmall)
    assert (few.have, few.unit) == (11, Counted.AREAS)
    one = town.tills(STANDARD, rng)
    shops = bunching.estimate(
        counts=one.counts[:29],
        amounts=one.amounts,
        threshold=town.THRESHOLD,
        redeemed=one.redeemed[:29],
        rng=rng,
    )
    assert shops == TooSmall(29, 30, Counted.SHOPS)


def test_ghost_orders_are_taken_for_spending() -> None:
    found = cities.simulate("lottery", City(ghosts=0.5), runs=5, seed=SEED)[Window.DURING]
    assert found.median > City(ghosts=0.5).truth + 1
