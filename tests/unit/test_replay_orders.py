"""Order amounts: inside their bounds, and their sum exact."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.replay import orders

ENDINGS = ((100, 60), (10, 28), (1, 12))


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 400),
    least=st.integers(1, 100_000),
    width=st.integers(0, 150_000),
    part=st.integers(0, 1_000),
)
def test_every_sum_within_the_bounds_is_met_with_no_order_outside_them(
    seed: int, count: int, least: int, width: int, part: int
) -> None:
    total = count * least + count * width * part // 1_000
    drawn = orders.draw(
        Random(seed),
        count,
        least_fen=least,
        most_fen=least + width,
        total_fen=total,
        endings=ENDINGS,
    )
    assert len(drawn) == count
    assert sum(drawn) == total
    assert least <= min(drawn) and max(drawn) <= least + width


@given(seed=st.integers(0, 2**32), count=st.integers(1, 3_000), missing=st.integers(-5_000, 5_000))
def test_at_least_one_order_in_a_hundred_shares_what_is_missing(
    seed: int, count: int, missing: int
) -> None:
    rng = Random(seed)
    before = [rng.randrange(10_000, 25_001) for _ in range(count)]
    total = min(max(sum(before) + missing, count * 10_000), count * 25_000)
    after = list(before)
    changed = orders.spread(rng, after, least_fen=10_000, most_fen=25_000, total_fen=total)
    assert sum(after) == total
    assert changed == sum(b != a for b, a in zip(before, after, strict=True))
    if total != sum(before) and count > 1:
        assert changed * 100 >= count
    assert all(10_000 <= amount <= 25_000 for amount in after)


def test_most_orders_keep_the_endings_people_see_on_bills() -> None:
    drawn = orders.draw(
        Random(1),
        5_000,
        least_fen=10_000,
        most_fen=25_000,
        total_fen=5_000 * 14_810,
        endings=ENDINGS,
    )
    assert 0.55 < sum(amount % 100 == 0 for amount in drawn) / len(drawn) < 0.70
    assert len(set(drawn)) > 500


def test_orders_crowd_near_the_threshold() -> None:
    drawn = orders.draw(
        Random(1),
        5_000,
        least_fen=10_000,
        most_fen=25_000,
        total_fen=5_000 * 14_810,
        endings=ENDINGS,
    )
    assert sum(amount < 14_810 for amount in drawn) > len(drawn) * 0.55


@pytest.mark.parametrize("total", [999, 2_001])
def test_a_sum_out_of_reach_is_refused(total: int) -> None:
    with pytest.raises(ValueError, match="bounds"):
        orders.draw(Random(1), 10, least_fen=100, most_fen=200, total_fen=total, endings=ENDINGS)
