"""The day on which money is used up: exact where days are alike, and right eight times of ten."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from voucher_service.kernel.money import ZERO, Money
from voucher_service.reports.burning import FEWEST_DAYS, used_up

TODAY = date(2026, 11, 22)


def test_days_that_are_alike_leave_no_doubt() -> None:
    found = used_up([Money(100)] * 14, left=Money(1_000), today=TODAY)
    assert found is not None
    last = TODAY + timedelta(days=9)
    assert (found.a_day, found.earliest, found.likely, found.latest) == (Money(100), *[last] * 3)


def test_nothing_is_foretold_from_a_few_days() -> None:
    assert used_up([Money(100)] * (FEWEST_DAYS - 1), left=Money(1_000), today=TODAY) is None


def test_money_that_nobody_uses_is_never_used_up() -> None:
    found = used_up([ZERO] * 10, left=Money(1), today=TODAY)
    assert found is not None
    assert (found.earliest, found.likely, found.latest) == (None, None, None)


def test_what_is_gone_is_gone_today() -> None:
    found = used_up([Money(7)] * 10, left=ZERO, today=TODAY)
    assert found is not None
    assert (found.earliest, found.latest) == (TODAY, TODAY)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_day_lies_within_about_eight_times_of_ten(seed: int) -> None:
    rng, within, cases = Random(seed), 0, 300
    for _ in range(cases):
        days = [Money(max(0, round(rng.gauss(1_000, 300)))) for _ in range(200)]
        past, coming = days[:14], days[14:]
        left = Money(rng.randrange(5_000, 60_000))
        found = used_up(past, left=left, today=TODAY)
        assert found is not None
        so_far, day = ZERO, TODAY - timedelta(days=1)
        for one in coming:
            day, so_far = day + timedelta(days=1), so_far + one
            if so_far >= left:
                break
        assert found.earliest is not None
        assert found.latest is not None
        within += found.earliest <= day <= found.latest
    assert 0.75 <= within / cases <= 0.93  # whole days make the interval a little wider
