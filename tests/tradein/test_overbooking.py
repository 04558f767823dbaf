"""More qualifications than money: never so many that a holder is refused, nor that money lies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tradein.year import RULES, Year
from voucher_service.kernel.money import ZERO, Money
from voucher_service.tradein.overbooking import Past, cost_each, cost_of, open_places

_MOST = Money.of_yuan(1_500)
_sums = st.integers(0, 10**10).map(Money)
_pasts = st.integers(0, 10**5).flatmap(
    lambda ended: st.integers(0, ended * _MOST.fen).map(lambda fen: Past(ended, Money(fen)))
)


def _places(**given: Any) -> int:
    usual: dict[str, Any] = {
        "money": Money.of_yuan(100_000),
        "spent": ZERO,
        "frozen": ZERO,
        "held": 0,
        "most": _MOST,
        "past": Past(),
        "overbook_bps": 50_000,
    }
    return open_places(**usual | given)


def test_without_a_past_there_is_no_place_that_could_not_be_paid_in_full() -> None:
    assert _places() == 66
    assert _places(held=60, frozen=_MOST) == 5


def test_a_pool_that_may_not_be_overbooked_never_is_whatever_lapses() -> None:
    assert _places(overbook_bps=0, past=Past(10_000, ZERO)) == 66


def test_a_pool_of_which_most_lapse_gives_out_more_up_to_what_the_planner_allows() -> None:
    past = Past(10_000, Money.of_yuan(300) * 10_000)
    assert 66 < _places(past=past) < 400
    assert _places(past=past, overbook_bps=1_000) == 73


def test_a_full_pool_opens_again_when_one_lapses_and_not_before() -> None:
    past = Past(10_000, Money.of_yuan(300) * 10_000)
    full = _places(past=past)
    assert _places(past=past, held=full) == 0
    assert _places(past=past, held=full - 1) == 1


@given(_sums, _sums, _sums, st.integers(0, 10**5), _pasts, st.integers(0, 100_000))
def test_places_are_none_once_the_money_is_gone_and_never_more_than_it_bears(
    money: Money, spent: Money, frozen: Money, held: int, past: Past, overbook_bps: int
) -> None:
    places = _places(
        money=money, spent=spent, frozen=frozen, held=held, past=past, overbook_bps=overbook_bps
    )
    left = money - spent - frozen
    assert places >= 0
    if places:
        each = cost_each(past, _MOST)
        assert cost_of(held + places, each, _MOST) <= left
        assert (held + places) * _MOST.fen * 10_000 <= left.fen * (10_000 + overbook_bps)
    if left >= _MOST * (held + 1):
        assert places, "one more could be paid, whatever becomes of the others"


@given(_pasts)
def test_a_qualification_is_expected_to_cost_at_least_the_average_and_at_most_the_most(
    past: Past,
) -> None:
    each = cost_each(past, _MOST)
    assert each <= _MOST
    assert each.fen * past.ended >= past.cost.fen


@pytest.mark.parametrize("seed", [1, 2])
def test_a_year_of_drift_bursts_and_refunds_uses_the_money_and_refuses_no_holder(
    seed: int,
) -> None:
    year = Year(RULES["careful"], seed, Money.of_yuan(1_000_000)).run()
    assert year.used_bps >= 9_700
    assert year.over == ZERO
    assert len(year.refused) * 1_000 <= year.at_till


def test_a_holder_whom_the_money_did_not_reach_stands_first_in_the_line() -> None:
    year = Year(lambda books: 1, 1, Money.of_yuan(100_000)).run()
    assert year.over == ZERO
    assert year.refused
    assert not year.refused_and_not_first
