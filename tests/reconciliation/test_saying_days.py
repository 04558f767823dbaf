"""A file says its days, and one stray line neither hides a day nor makes one."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.make import World
from tests.reconciliation.conftest import Channel
from tests.reconciliation.samples import written
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.reconciliation.differences import expecting, reading, service
from voucher_service.reconciliation.differences.expected import ExpectedId
from voucher_service.reconciliation.differences.layout import Days, Told
from voucher_service.reconciliation.differences.model import (
    ChannelFile,
    ChannelFileInvalid,
    ChannelFileKnown,
    DaysInvalid,
)
from voucher_service.reconciliation.model import Finding

Make = Callable[[], Channel]
DAY = timedelta(days=1)


def later(here: Channel, days: int) -> Core:
    return with_clock(here.core, Clock(here.now() + days * DAY))


def take(core: Core, here: Channel, lines: list[Told], days: Days | None) -> ChannelFile:
    """A file of the merchant, of which the other tests have none."""
    return service.take(
        core,
        actor=here.finance,
        format="wechat",
        file_name="bill.csv",
        source=io.BytesIO(written("wechat", lines)),
        merchant=here.merchant(),
        days=days,
    )


def expect(here: Channel) -> ExpectedId:
    """A file of the merchant is to come of every day from today on."""
    return expecting.expect(
        here.core,
        actor=here.finance,
        format="wechat",
        hour=0,
        first=here.today().first,
        merchant=here.merchant(),
    ).id


def missing(due: Core, here: Channel, expected: ExpectedId) -> list[date]:
    """Which days the schedule finds missing."""
    expecting.watch(due)
    return list(expecting.standing(due, actor=here.finance, expected=expected).missing)


def test_a_stray_line_hides_no_missing_day(channel: Make) -> None:
    here = channel()
    here.order()
    day, number = here.today().first, here.reference()
    due, set_ = later(here, 4), expect(here)
    lines = [here.line(number, 700, days=2), here.line(here.reference(), 700, days=-1)]
    with pytest.raises(ChannelFileInvalid) as refused:
        take(due, here, lines, None)
    (wrong,) = refused.value.extra["lines"]
    assert (wrong["line"], wrong["text"]) == (3, reading.DAYS_NOT_SAID)
    made = take(due, here, lines, Days.said(day + 2 * DAY))
    assert (made.first, made.last) == (day + 2 * DAY, day + 2 * DAY)
    assert made.counts[Finding.ONLY_OURS] == 0
    assert missing(due, here, set_) == [day]
    take(due, here, here.lines, None)
    assert missing(due, here, set_) == []
    expecting.expect_no_more(due, actor=here.finance, expected=set_, last=day)


def test_the_days_said_are_those_that_count_as_come(channel: Make) -> None:
    here = channel()
    here.order()
    day, due, set_ = here.today().first, later(here, 3), expect(here)
    assert missing(due, here, set_) == [day]
    take(due, here, [*here.lines, here.line(here.reference(), 700, days=1)], Days(day, day + DAY))
    assert missing(due, here, set_) == []
    stands = expecting.standing(due, actor=here.finance, expected=set_)
    assert stands.newest == day + DAY
    expecting.expect_no_more(due, actor=here.finance, expected=set_, last=day)


def test_a_file_whose_days_were_said_wrong_is_sent_again_with_the_right_ones(
    channel: Make,
) -> None:
    here = channel()
    here.order()
    day, due = here.today().first, later(here, 3)
    lines = [*here.lines, here.line(here.reference(), 700, days=1)]
    take(due, here, lines, Days.said(day))
    for known in (None, Days.said(day)):
        with pytest.raises(ChannelFileKnown):
            take(due, here, lines, known)
    both = take(due, here, lines, Days(day, day + DAY))
    assert (both.first, both.last, both.open) == (day, day + DAY, 1)
    assert [one.line.finding for one in here.differences()] == [Finding.ONLY_THEIRS]
    with pytest.raises(ChannelFileKnown):
        take(due, here, lines, Days.said(day + DAY))


def test_days_to_come_or_too_many_or_turned_round_are_refused(channel: Make, world: World) -> None:
    here = channel()
    here.order()
    day = here.today().first
    for days in (Days(day, day + DAY), Days(day, day - DAY), Days(day - 93 * DAY, day)):
        with pytest.raises(DaysInvalid):
            here.take(days=days)
    assert here.take(days=here.today()).open == 0
