"""Opening hours and positions: how people type them, what they mean, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.merchants import place
from voucher_service.merchants.place import OpeningHoursInvalid, Position, PositionInvalid

SHANGHAI = timezone(timedelta(hours=8))
MONDAY = date(2026, 11, 23)


def at(day: int, clock: str) -> datetime:
    """An instant of a week: Monday is day 1."""
    hour, minute = map(int, clock.split(":"))
    local = datetime(MONDAY.year, MONDAY.month, MONDAY.day, hour, minute, tzinfo=SHANGHAI)
    return (local + timedelta(days=day - 1)).astimezone(UTC)


@pytest.mark.parametrize(
    "typed", ["9:00-14:00 17:00-22:00", "09:00–14:00，17:00～22:00", "９:00 至 14:00、17:00到22:00"]
)
def test_people_write_hours_in_many_ways(typed: str) -> None:
    hours = place.typed(typed, {7: "休"})
    assert hours is not None
    assert hours.as_json() == [[["09:00", "14:00"], ["17:00", "22:00"]]] * 6 + [[]]
    assert place.from_json(hours.as_json()) == hours


def test_a_shop_is_open_from_its_first_minute_to_the_one_before_its_last() -> None:
    hours = place.typed("9:00-22:00", {7: "休"})
    assert hours
    told = [hours.open_at(at(1, clock)) for clock in ("08:59", "09:00", "21:59", "22:00")]
    assert told == [False, True, True, False]
    assert not hours.open_at(at(7, "12:00"))
    assert place.outside(hours, at(7, "12:00"))
    assert not place.outside(None, at(7, "12:00"))


def test_a_night_market_is_open_after_midnight_on_the_day_it_opened() -> None:
    hours = place.typed("", {5: "18:00-02:00", 6: "18:00-24:00"})
    assert hours
    open_at = {
        (5, "17:59"): False,
        (5, "23:30"): True,
        (6, "01:59"): True,
        (6, "02:00"): False,
        (6, "23:59"): True,
        (7, "00:00"): False,
        (1, "01:00"): False,
    }
    assert {when: hours.open_at(at(*when)) for when in open_at} == open_at


@pytest.mark.parametrize(
    "typed",
    [
        "9-22",
        "9:00-25:00",
        "9:00-24:30",
        "9:60-22:00",
        "9:00-9:00",
        "9:00-12:00 11:00-13:00",
        "18:00-02:00 23:00-23:30",
        "8:00-9:00 10:00-11:00 12:00-13:00 14:00-15:00",
        "always",
        "<b>",
    ],
)
def test_what_is_no_hours_is_refused(typed: str) -> None:
    with pytest.raises(OpeningHoursInvalid):
        place.typed(typed, {})


@pytest.mark.parametrize("told", [{}, [], "9:00", [[]] * 6, [[["9", "10"]]] * 7, [[1]] * 7, 5])
def test_what_is_sent_as_hours_has_seven_days(told: object) -> None:
    with pytest.raises(OpeningHoursInvalid):
        place.from_json(told)


def test_nothing_typed_is_nothing_said() -> None:
    assert place.typed("", {}) is None
    assert place.from_json(None) is None
    assert place.as_typed(None) == ("", {})


def test_a_week_is_said_in_one_line() -> None:
    usual, week_end = "09:00-22:00", "10:00-23:00"
    hours = place.typed(usual, {6: week_end, 7: week_end})
    assert hours
    assert hours.in_words("zh-CN") == "周一至周五 09:00–22:00；周六、周日 10:00–23:00"
    assert hours.in_words("en") == "Mon–Fri 09:00–22:00; Sat, Sun 10:00–23:00"
    daily = place.typed("9:00-14:00 17:00-22:00", {})
    assert daily
    assert daily.in_words("zh-CN") == "每天 09:00–14:00、17:00–22:00"
    alone = place.typed("", {3: usual})
    assert alone
    assert alone.in_words("en") == "Wed 09:00–22:00"


CLOCKS = st.builds(lambda h, m: f"{h:02d}:{m:02d}", st.integers(0, 23), st.integers(0, 59))
SPANS = st.tuples(CLOCKS, CLOCKS).filter(lambda span: span[0] != span[1])


@given(st.lists(st.one_of(st.just(()), SPANS.map(lambda span: (span,))), min_size=7, max_size=7))
def test_what_is_shown_to_be_typed_reads_as_it_was(days: list[tuple[tuple[str, str], ...]]) -> None:
    hours = place.from_json([list(day) for day in days])
    assert hours
    assert place.typed(*place.as_typed(hours)) == hours


def test_how_far_a_till_is_from_its_shop() -> None:
    shop = Position(21.8579, 111.9825)
    assert shop.metres_to(shop) == 0
    assert 1_100 < shop.metres_to(Position(21.8679, 111.9825)) < 1_120
    assert shop.metres_to(Position(23.1291, 113.2644)) == Position(23.1291, 113.2644).metres_to(
        shop
    )


@pytest.mark.parametrize("where", [(0, 0), (91, 112), (21, 181), (float("nan"), 112)])
def test_a_position_abroad_is_a_mistake(where: tuple[float, float]) -> None:
    with pytest.raises(PositionInvalid):
        Position(*where)
    with pytest.raises(PositionInvalid):
        place.position(where[0], None)
