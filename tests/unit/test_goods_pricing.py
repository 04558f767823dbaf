"""Raise-then-cut: what is suspected, what never is, and that the order of days says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from voucher_service.goods.pricing import (
    Asked,
    Day,
    Finding,
    Lows,
    Reason,
    Rule,
    judge,
    lows_before,
    suspicions,
)
from voucher_service.kernel.money import Money

RULE = Rule(
    raised_bps=500,
    raised_in_quarter_bps=1_000,
    above_city_bps=2_000,
    month_days=30,
    quarter_days=90,
)
START = date(2026, 8, 1)
PRICES = st.integers(1, 3_000_000).map(Money)
MAYBE = st.none() | PRICES
RULES = st.builds(
    Rule,
    raised_bps=st.integers(1, 5_000),
    raised_in_quarter_bps=st.integers(1, 5_000),
    above_city_bps=st.integers(1, 5_000),
    month_days=st.integers(1, 40),
    quarter_days=st.integers(41, 120),
)


def walk(history: Sequence[Day], rule: Rule) -> list[tuple[Day, tuple[Finding, ...]]]:
    """The days of one merchant's history that are suspected, in the order in which they come."""
    judged = ((one, judge(one, lows_before(history, one.day, rule), rule)) for one in history)
    return [(one, findings) for one, findings in judged if findings]


@st.composite
def days(draw: st.DrawFn) -> Day:
    """A day's prices."""
    low, more = draw(st.integers(1, 10_000)), draw(st.integers(0, 2_000))
    listed = draw(st.none() | st.integers(low + more, low + more + 3_000))
    return Day(
        START + timedelta(days=draw(st.integers(0, 60))),
        Money(low),
        Money(low + more),
        None if listed is None else Money(listed),
    )


SHUFFLED = st.lists(days(), max_size=12).flatmap(
    lambda held: st.tuples(st.just(held), st.permutations(held))
)


@given(PRICES, MAYBE, PRICES, MAYBE, MAYBE, RULES)
def test_a_price_no_higher_than_last_months_lowest_is_never_suspected(
    low: Money,
    listed: Money | None,
    price: Money,
    quarter: Money | None,
    city: Money | None,
    rule: Rule,
) -> None:
    asked = Asked(min(price, low), listed)
    assert suspicions(asked, Lows(low, quarter, city), rule) == ()


@given(PRICES, st.integers(0, 20_000), st.data(), RULES)
def test_every_raise_from_the_parameter_on_that_a_discount_takes_back_is_suspected(
    low: Money, more: int, data: st.DataObject, rule: Rule
) -> None:
    raised = -(-low.fen * (10_000 + rule.raised_bps + more) // 10_000)
    if raised - low.fen < 2:
        return  # no fen lies between the two
    price = Money(data.draw(st.integers(low.fen + 1, raised - 1)))
    found = suspicions(Asked(price, Money(raised)), Lows(month=low), rule)
    assert found == (Finding(Reason.RAISED_THEN_CUT, Money(raised), low, price - low),)


@given(PRICES, st.integers(0, 20_000), RULES)
def test_every_raise_from_the_parameter_on_that_stays_is_suspected(
    low: Money, more: int, rule: Rule
) -> None:
    price = Money(-(-low.fen * (10_000 + rule.raised_bps + more) // 10_000))
    found = suspicions(Asked(price), Lows(month=low), rule)
    assert [one.reason for one in found] == [Reason.RAISED]
    assert found[0].over == price - low


@given(
    st.lists(days(), max_size=12).flatmap(
        lambda held: st.tuples(st.just(held), st.permutations(held))
    ),
    RULES,
)
def test_the_order_in_which_days_come_says_nothing(
    both: tuple[list[Day], list[Day]], rule: Rule
) -> None:
    told, mixed = both
    assert sorted(map(repr, walk(told, rule))) == sorted(map(repr, walk(mixed, rule)))


def test_a_raise_before_a_discount_is_told_in_money() -> None:
    low = Money.of_yuan(3_000)
    asked = Asked(Money.of_yuan(3_100), Money.of_yuan(3_600))
    (found,) = suspicions(asked, Lows(low, low, low), RULE)
    assert found == Finding(Reason.RAISED_THEN_CUT, Money.of_yuan(3_600), low, Money.of_yuan(100))


def test_a_discount_from_an_honest_list_price_is_no_suspicion() -> None:
    lows = Lows(Money.of_yuan(3_000), Money.of_yuan(3_000), Money.of_yuan(2_900))
    assert suspicions(Asked(Money.of_yuan(3_050), Money.of_yuan(3_100)), lows, RULE) == ()
    assert suspicions(Asked(Money.of_yuan(3_149)), lows, RULE) == ()


def test_who_was_never_seen_to_sell_it_is_compared_with_the_city() -> None:
    lows = Lows(city=Money.of_yuan(3_000))
    assert suspicions(Asked(Money.of_yuan(3_599)), lows, RULE) == ()
    (found,) = suspicions(Asked(Money.of_yuan(3_600)), lows, RULE)
    assert (found.reason, found.over) == (Reason.ABOVE_CITY, Money.of_yuan(600))


def test_a_slow_raise_shows_over_the_quarter() -> None:
    held = [
        Day(START + timedelta(days=ago), Money.of_yuan(yuan), Money.of_yuan(yuan))
        for ago, yuan in ((0, 3_000), (29, 3_120), (58, 3_240), (80, 3_380))
    ]
    ((last, found),) = walk(held, RULE)
    assert last is held[-1]
    assert [one.reason for one in found] == [Reason.RAISED_IN_QUARTER]
    assert found[0].over == Money.of_yuan(380)


def test_the_day_itself_and_what_is_longer_ago_are_not_compared_with() -> None:
    def on(ago: int, yuan: int) -> Day:
        return Day(START - timedelta(days=ago), Money.of_yuan(yuan), Money.of_yuan(yuan))

    lows = lows_before([on(0, 1), on(30, 30), on(31, 20), on(90, 10), on(91, 5)], START, RULE)
    assert lows == Lows(Money.of_yuan(30), Money.of_yuan(10), None)
