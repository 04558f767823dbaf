"""A file that is to come of every day: the days that lack one are seen, and raise an alarm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from tests.make import World
from tests.reconciliation.conftest import Channel
from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock, day_of, start_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import new_id
from voucher_service.reconciliation.differences import expecting
from voucher_service.reconciliation.differences.expected import (
    AlreadyExpected,
    ExpectationInvalid,
    Expected,
    ExpectedId,
)
from voucher_service.reconciliation.differences.model import ScopeInvalid

Make = Callable[[], Channel]
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def expected(hour: int, first: date, last: date | None = None) -> Expected:
    id = ExpectedId(new_id())
    return Expected(id, "wechat", None, None, "", "", hour, first, last, id, NOON)


@pytest.mark.parametrize(
    ("hour", "last"), [(11, date(2026, 11, 21)), (12, date(2026, 11, 21)), (13, date(2026, 11, 20))]
)
def test_a_days_file_is_due_by_its_hour_of_the_next_day(hour: int, last: date) -> None:
    assert expected(hour, date(2026, 11, 1)).span(NOON) == (date(2026, 11, 1), last)


def test_days_are_looked_for_from_the_first_to_the_last_and_not_for_ever() -> None:
    assert expected(0, date(2026, 11, 20), date(2026, 11, 20)).span(NOON)[1] == date(2026, 11, 20)
    assert expected(0, date(2020, 1, 1)).span(NOON)[0] == date(2026, 8, 22)


def later(here: Channel, *, days: int, hour: int) -> Core:
    """The core at an hour of a day after today."""
    at = start_of(day_of(here.now())) + timedelta(days=days, hours=hour)
    return with_clock(here.core, Clock(at))


def alarmed(core: Core, world: World) -> list[tuple[str, int]]:
    auditor = world.staff(Role.AUDITOR)
    found = alarms.page(core, actor=auditor, still_open=True, cursor=None, limit=100)
    return [
        (str(one.detail["channel"]), int(one.detail["days"]))
        for one in found.items
        if one.kind is Kind.FILE
    ]


def test_a_day_with_orders_of_ours_and_no_file_raises_an_alarm_until_it_comes(
    channel: Make, world: World
) -> None:
    here = channel()
    here.order()
    today = day_of(here.now())
    set_ = expecting.expect(
        here.core, actor=here.finance, format="wechat", hour=10, first=today - timedelta(days=3)
    )
    with pytest.raises(AlreadyExpected):
        expecting.expect(here.core, actor=here.finance, format="wechat", hour=9, first=today)
    early, due = later(here, days=1, hour=9), later(here, days=1, hour=10)
    assert expecting.watch(early) == 0
    assert alarmed(here.core, world) == []
    assert expecting.watch(due) == 1
    assert alarmed(here.core, world) == [("wechat", 1)]
    (stands,) = expecting.standings(due, actor=here.finance)
    assert (stands.missing, stands.expected.id) == ([today], set_.id)
    here.take()
    assert expecting.watch(due) == 0
    assert alarmed(here.core, world) == []
    assert expecting.standing(due, actor=here.finance, expected=set_.id).newest == today
    ended = expecting.expect_no_more(here.core, actor=here.finance, expected=set_.id)
    assert ended.last == today - timedelta(days=1)
    with pytest.raises(ExpectationInvalid):
        expecting.expect_no_more(here.core, actor=here.finance, expected=set_.id)


def test_a_merchants_and_a_tills_file_are_missed_by_their_own_orders(
    channel: Make, world: World
) -> None:
    here, elsewhere = channel(), channel()
    for one in (here, elsewhere):
        one.order()
    today = day_of(here.now())
    mine = expecting.expect(
        here.core,
        actor=here.finance,
        format="wechat",
        hour=0,
        first=today,
        merchant=here.merchant(),
    )
    none = expecting.expect(here.core, actor=here.finance, format="unionpay", hour=0, first=today)
    tomorrow = later(here, days=2, hour=1)

    def missing(one: Expected) -> list[date]:
        expecting.watch(tomorrow)
        return list(expecting.standing(tomorrow, actor=here.finance, expected=one.id).missing)

    assert mine.whose != ""
    assert (missing(mine), missing(none)) == ([today], [])
    here.take(merchant=here.merchant())
    assert missing(mine) == []
    with pytest.raises(ScopeInvalid):
        expecting.expect(here.core, actor=here.finance, format="till", hour=0, first=today)
    for one in (mine, none):
        expecting.expect_no_more(here.core, actor=here.finance, expected=one.id, last=today)


def test_many_expected_files_are_looked_up_together(channel: Make, world: World) -> None:
    here = channel()
    here.order()
    today = day_of(here.now())
    statements: list[str] = []

    def listen(*given: object) -> None:
        statements.append(str(given[2]))

    def asked() -> int:
        expecting.watch(later(here, days=2, hour=1))
        statements.clear()
        event.listen(here.core.engine, "before_cursor_execute", listen)
        try:
            shown = expecting.standings(here.core, actor=here.finance)
        finally:
            event.remove(here.core.engine, "before_cursor_execute", listen)
        assert [one.missing for one in shown if one.expected.id in mine] == [[today]] * len(mine)
        return len(statements)

    def more(whose: Channel) -> ExpectedId:
        made = expecting.expect(
            here.core,
            actor=here.finance,
            format="wechat",
            hour=0,
            first=today,
            merchant=whose.merchant(),
        )
        return made.id

    mine = [more(here)]
    before = asked()
    for _ in range(2):
        other = channel()
        other.order()
        mine.append(more(other))
    assert asked() == before
    for id in mine:
        expecting.expect_no_more(here.core, actor=here.finance, expected=id, last=today)


def test_finance_of_the_city_sets_it_and_readers_of_the_city_see_it(
    channel: Make, world: World
) -> None:
    here = channel()
    today = day_of(here.now())
    for other in (world.staff(Role.AUDITOR), world.staff(Role.FINANCE, area="441702")):
        with pytest.raises(NotAllowed):
            expecting.expect(here.core, actor=other, format="alipay", hour=0, first=today)
    expecting.standings(here.core, actor=world.staff(Role.AUDITOR))
    with pytest.raises(NotAllowed):
        expecting.standings(here.core, actor=world.staff(Role.AUDITOR, area="441702"))
    with pytest.raises(NoSuchThing):
        expecting.standing(here.core, actor=here.finance, expected=ExpectedId(new_id()))
