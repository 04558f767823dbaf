"""A sample as large as the stated confidence asks for, against counting every possible sample."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from itertools import combinations
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voucher_service.tradein.review.sampling import (
    Plan,
    commitment,
    drawn,
    fingerprint,
    looked_at,
    needed,
)

PLANS = st.builds(
    Plan,
    tolerated_bps=st.sampled_from([0, 100, 500, 1000, 2500, 5000]),
    confidence_bps=st.sampled_from([5000, 8000, 9000, 9500, 9900]),
    widenings=st.integers(0, 2),
)


def clean_chance(size: int, bad: int, sample: int) -> Fraction:
    """The share of all samples without a bad one, counted one by one."""
    every = list(combinations(range(size), sample))
    return Fraction(sum(min(one, default=bad) >= bad for one in every), len(every))


@settings(max_examples=40)
@given(size=st.integers(1, 10), plan=PLANS)
def test_a_clean_sample_of_a_bad_batch_is_as_rare_as_stated(size: int, plan: Plan) -> None:
    sample = needed(size, plan)
    bad = size * plan.tolerated_bps // 10_000 + 1
    doubt = Fraction(10_000 - plan.confidence_bps, 10_000) / (plan.widenings + 1)
    assert clean_chance(size, bad, sample) <= doubt
    if sample:
        assert clean_chance(size, bad, sample - 1) > doubt


@settings(max_examples=40)
@given(size=st.integers(1, 8), plan=PLANS)
def test_whatever_is_found_a_bad_batch_passes_no_more_often_than_stated(
    size: int, plan: Plan
) -> None:
    too_many = size * plan.tolerated_bps // 10_000 + 1
    for bad in range(too_many, size + 1):
        orders = list(combinations(range(size), bad))
        passed = 0
        for places in orders:
            verdicts = [place not in places for place in range(size)]
            # Where all of it was looked at, every bad one was found and is not paid.
            passed += looked_at(verdicts, plan) < size
        assert Fraction(passed, len(orders)) <= Fraction(10_000 - plan.confidence_bps, 10_000)


@pytest.mark.parametrize(
    ("size", "sample"),
    # 59 of very many is the rule of thumb for 95 % and 5 %; 39 of 100 the table for 6 bad ones.
    [(1, 1), (20, 16), (100, 39), (1_000, 56), (100_000, 59)],
)
def test_the_sizes_of_the_tables_come_out(size: int, sample: int) -> None:
    assert needed(size, Plan(500, 9_500, 0)) == sample


def test_a_bad_one_widens_the_sample_and_one_too_many_means_all() -> None:
    plan = Plan(500, 9_500, 1)
    first, second = needed(500, plan), needed(500, plan, 1)
    assert 0 < first < second < 500
    clean = [True] * 500
    assert looked_at(clean, plan) == first
    one_bad = [False, *clean[1:]]
    assert looked_at(one_bad, plan) == second
    assert looked_at([False, False, *clean[2:]], plan) == 500


def test_what_is_bad_behind_the_sample_widens_nothing() -> None:
    plan = Plan(500, 9_500, 1)
    behind: list[bool | None] = [None] * 499 + [False]
    assert looked_at(behind, plan) == needed(500, plan)


def test_an_auditor_repeats_the_draw_with_nothing_but_the_seed_and_the_list() -> None:
    ids, seed = [uuid4() for _ in range(30)], "5eed"
    lines = "\n".join(sorted(str(one) for one in ids))
    of_list = hashlib.sha256(lines.encode()).hexdigest()
    by_hand = {one: hashlib.sha256(f"{seed}:{of_list}:{one}".encode()).hexdigest() for one in ids}
    assert fingerprint(reversed(ids)) == of_list
    assert drawn(seed, ids) == drawn(seed, ids[::-1]) == sorted(ids, key=by_hand.__getitem__)
    assert commitment(seed) == hashlib.sha256(seed.encode()).hexdigest()


def test_another_list_is_drawn_in_another_order() -> None:
    ids = [UUID(int=number) for number in range(40)]
    fewer = [one for one in drawn("5eed", ids) if one != ids[7]]
    assert drawn("5eed", [one for one in ids if one != ids[7]]) != fewer


@pytest.mark.parametrize("plan", [(10_000, 9_500, 0), (500, 10_000, 0), (500, 0, 0), (-1, 1, 0)])
def test_a_plan_that_claims_nothing_is_refused(plan: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no such plan"):
        Plan(*plan)
