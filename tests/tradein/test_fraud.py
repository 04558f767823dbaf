"""A slice of the planted fraud: `python -m tests.tradein.fraud` runs all of it."""

from __future__ import annotations

import pytest

from tests.tradein.fraud.schemes import Fraud
from tests.tradein.fraud.trial import Outcome, run

# One slice has some forty guilty subjects, too few to judge by: three are taken together.
SEEDS = (1, 2, 3)
EACH = 4


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [run(seed, cases=2_000, each=EACH) for seed in SEEDS]


def test_every_exact_duplicate_is_among_what_is_looked_at(outcomes: list[Outcome]) -> None:
    assert min(one.exact_recall for one in outcomes) >= 0.95


def test_at_least_every_second_look_is_at_a_planted_fraud(outcomes: list[Outcome]) -> None:
    assert all(one.queue <= one.subjects // 50 for one in outcomes)
    looks = sum(one.queue for one in outcomes)
    assert sum(one.honest for one in outcomes) <= looks / 2


def test_something_of_each_fraud_is_found(outcomes: list[Outcome]) -> None:
    for fraud in Fraud:
        tallies = [one.by_fraud[fraud] for one in outcomes]
        assert sum(tally.cases for tally in tallies) == EACH * len(SEEDS)
        assert 2 * sum(tally.found for tally in tallies) >= EACH * len(SEEDS)


def test_what_weighs_fifty_or_more_is_seldom_honest(outcomes: list[Outcome]) -> None:
    assert min(one.precision_of_heavy for one in outcomes) >= 0.75
