"""A channel's file beside our books: what differs is found, what agrees is not, all or nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.make import World
from tests.reconciliation.conftest import Channel
from tests.reconciliation.samples import written
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import CashierId
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.reconciliation.differences import explaining, reading, service
from voucher_service.reconciliation.differences.layout import Days
from voucher_service.reconciliation.differences.model import (
    ChannelFile,
    ChannelFileInvalid,
    ChannelFileKnown,
    ChannelFileTooLarge,
    ChannelFileUnlike,
    DifferenceId,
    ScopeInvalid,
    Status,
)
from voucher_service.reconciliation.model import Finding
from voucher_service.redemption import service as redemption

Make = Callable[[], Channel]


def counted(found: dict[Finding, int]) -> dict[str, int]:
    return {str(finding): count for finding, count in found.items() if count}


def test_each_kind_of_difference_is_found_and_nothing_else(channel: Make) -> None:
    here = channel()
    alike, missing, less, twice = here.order(), here.order(paid=False), here.order(), here.order()
    again = here.order(reference=here.lines[0].reference, paid=False)
    here.lines[1] = replace(here.lines[1], paid=10_000)
    here.lines += [here.lines[2], here.line(here.reference(), 500)]
    number = here.reference()
    shifted = here.order(reference=number, paid=False)
    here.lines.append(here.line(number, 10_800, days=2))
    made = here.take(days=here.today())
    assert counted(dict(made.counts)) == {
        "matched": 2,
        "only_ours": 1,
        "amount_differs": 1,
        "duplicate": 2,
        "only_theirs": 1,
        "date_shifted": 1,
    }
    by_order = {
        (one.line.finding, one.line.ours.redemption_id if one.line.ours else None)
        for one in here.differences()
    }
    assert by_order == {
        (Finding.ONLY_OURS, missing.id),
        (Finding.AMOUNT_DIFFERS, less.id),
        (Finding.DUPLICATE, twice.id),
        (Finding.DUPLICATE, again.id),
        (Finding.ONLY_THEIRS, None),
        (Finding.DATE_SHIFTED, shifted.id),
    }
    assert alike.id not in {id for _, id in by_order}
    assert (made.ours, made.theirs) == (Money(6 * 10_800), Money(4 * 10_800 + 10_000 + 500))


def test_money_is_held_only_where_it_may_be_owed_to_nobody(channel: Make) -> None:
    here = channel()
    missing = here.order(paid=False)
    here.order()
    here.lines += [here.line(here.reference(), 500), replace(here.lines[0], paid=20_000)]
    here.take()
    held = {one.line.finding: one.holds for one in here.differences()}
    assert held == {
        Finding.ONLY_OURS: True,
        Finding.ONLY_THEIRS: False,
        Finding.DUPLICATE: True,
    }
    assert missing.id in {o.line.ours.redemption_id for o in here.differences() if o.line.ours}


def test_an_order_that_stands_a_day_later_is_no_difference(channel: Make) -> None:
    here = channel()
    here.order()
    here.lines[0] = replace(here.lines[0], at=here.now(), day=here.lines[0].day)
    tomorrow = here.line(here.lines[0].reference, 10_800, days=1)
    made = here.take(tomorrow)
    assert counted(dict(made.counts)) == {"date_shifted": 1}
    assert here.differences() == []


def test_the_next_days_file_ends_what_only_we_had(channel: Make) -> None:
    here = channel()
    late = here.order(paid=False)
    here.order()
    here.take()
    (open_,) = here.differences()
    assert open_.line.ours is not None and open_.line.ours.redemption_id == late.id
    made = here.take(here.line(open_.line.reference, 10_800, days=1))
    assert made.open == 0
    assert here.differences() == []
    (ended,) = here.differences(Status.EXPLAINED)
    told = service.difference(here.core, actor=here.finance, difference=ended.id)
    assert [(one.event, one.text, one.by) for one in told.notes] == [
        ("difference.found", "there", None)
    ]


def test_a_file_that_replaces_another_ends_what_it_no_longer_says(channel: Make) -> None:
    here = channel()
    here.order()
    here.order()
    right = list(here.lines)
    wrong = [replace(right[0], paid=9_000), right[1], here.line(here.reference(), 700)]
    first = here.take(*wrong)
    assert len(here.differences()) == 2
    second = here.take(*right, wrong[2])
    assert second.replaces == first.id
    (left,) = here.differences()
    assert (left.line.finding, left.file_id) == (Finding.ONLY_THEIRS, first.id)


def test_a_file_ends_what_an_earlier_one_said_though_another_came_between(
    channel: Make,
) -> None:
    here = channel()
    here.order()
    here.order()
    right = list(here.lines)
    wrong = replace(right[0], paid=9_000)
    first = here.take(wrong, right[1])
    here.take(wrong, right[1], here.line(here.reference(), 700))
    stands = next(o for o in here.differences() if o.line.finding is Finding.AMOUNT_DIFFERS)
    assert stands.file_id == first.id
    here.take(*right)
    assert here.differences() == []


def test_an_import_leaves_alone_what_somebody_proposed_meanwhile(
    channel: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = channel()
    here.order(paid=False)
    here.order(paid=False)
    here.order()
    here.take()
    mine, other = here.differences()
    look = explaining.explained

    def slowly(session: Session, **asked: Any) -> dict[DifferenceId, str]:
        found = look(session, **asked)
        service.propose(
            here.core, actor=here.finance, difference=mine.id, amount=None, reason="现金支付"
        )
        return found

    monkeypatch.setattr(explaining, "explained", slowly)
    here.take(*(here.line(one.line.reference, 10_800, days=1) for one in (mine, other)))
    assert [one.id for one in here.differences(Status.PROPOSED)] == [mine.id]
    assert other.id in {one.id for one in here.differences(Status.EXPLAINED)}


def test_another_merchants_order_explains_no_payment_of_this_one(
    channel: Make, world: World
) -> None:
    here, elsewhere = channel(), channel()
    here.order()
    number = here.reference()
    here.take(*here.lines, here.line(number, 10_800), merchant=here.merchant())
    elsewhere.order(reference=number)
    here.take(here.line(here.reference(), 500, days=1), merchant=here.merchant())
    assert number in {one.line.reference for one in here.differences()}


def test_an_order_that_reaches_our_books_late_ends_what_only_they_had(channel: Make) -> None:
    here = channel()
    here.order()
    number = here.reference()
    here.take(*here.lines, here.line(number, 10_800))
    assert [one.line.finding for one in here.differences()] == [Finding.ONLY_THEIRS]
    here.order(reference=number)
    here.take(here.line(here.reference(), 500, days=1))
    (ended,) = here.differences(Status.EXPLAINED)
    assert ended.line.reference == number
    told = service.difference(here.core, actor=here.finance, difference=ended.id)
    assert [note.text for note in told.notes] == ["here"]


def test_orders_without_a_voucher_are_no_differences_where_the_file_has_them(
    channel: Make,
) -> None:
    here = channel()
    here.order()
    made = here.take(*here.lines, here.line(here.reference(), 500), with_others=True)
    assert (made.counts[Finding.ONLY_THEIRS], made.open) == (1, 0)


def test_the_same_file_counts_once(channel: Make) -> None:
    here = channel()
    here.order()
    content = written("wechat", here.lines)

    def take() -> None:
        service.take(
            here.core,
            actor=here.finance,
            format="wechat",
            file_name="a.csv",
            source=io.BytesIO(content),
        )

    take()
    with pytest.raises(ChannelFileKnown):
        take()


def test_nothing_is_kept_of_a_file_with_a_wrong_line(channel: Make, core: Core) -> None:
    here = channel()
    here.order()
    content = written("wechat", here.lines).replace(b"SUCCESS", b"PERHAPS")

    def kept() -> list[int]:
        with core.transaction() as session:
            return [
                session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                for table in ("channel_file", "channel_line", "difference")
            ]

    before = kept()
    with pytest.raises(ChannelFileInvalid):
        service.take(
            core,
            actor=here.finance,
            format="wechat",
            file_name="a.csv",
            source=io.BytesIO(content),
        )
    assert kept() == before


class Endless(io.RawIOBase):
    """Two gigabytes that must not be read."""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 2 << 30 if whence else offset

    def readinto(self, _buffer: object) -> int:
        raise AssertionError("read")


def test_two_gigabytes_are_refused_before_they_are_read(channel: Make) -> None:
    here = channel()
    with pytest.raises(ChannelFileTooLarge) as refusal:
        service.take(
            here.core,
            actor=here.finance,
            format="wechat",
            file_name="huge.csv",
            source=Endless(),  # type: ignore[arg-type]
        )
    assert refusal.value.params == {"megabytes": 2048, "most": 1024}


def test_a_file_unlike_our_books_opens_no_thousand_differences(channel: Make) -> None:
    here = channel()
    lines = [here.line(here.reference(), 100) for _ in range(1_001)]
    with pytest.raises(ChannelFileUnlike):
        here.take(*lines)


@pytest.mark.parametrize(
    ("roles", "area"),
    [((Role.AUDITOR,), ""), ((Role.PLANNER,), ""), ((Role.FINANCE,), "441702")],
)
def test_only_finance_of_the_whole_city_imports(
    channel: Make, world: World, roles: tuple[Role, ...], area: str
) -> None:
    here = channel()
    here.order()
    caller: Actor = world.staff(*roles, area=area)
    with pytest.raises(NotAllowed):
        here.take(actor=caller)
    with pytest.raises(ScopeInvalid):
        here.take(format="till")


@pytest.mark.parametrize("format", ["wechat", "till"])
def test_a_sample_of_our_books_agrees_with_them(channel: Make, format: str) -> None:
    here, out = channel(), io.BytesIO()
    here.order()
    redemption.refund(
        here.core,
        actor=here.cashier,
        redemption=here.order().id,
        amount=Money(1_000),
        reason="少买一件",
        key="sample",
    )
    with here.core.transaction() as session:
        shop = merchants.till(session, cashier=CashierId(here.cashier.id)).shop_id
    of = shop if format == "till" else None
    day = day_of(here.now())
    count = service.sample(here.core, format=format, day=day, out=out, shop=of)
    out.seek(0)
    made = service.take(
        here.core, actor=SYSTEM, format=format, file_name="sample.csv", source=out, shop=of
    )
    assert counted(dict(made.counts)) == {"matched": count}
    assert count == (2 if format == "till" else 3)


@pytest.mark.parametrize("format", ["wechat", "alipay", "unionpay"])
def test_a_day_without_any_trade_is_imported_once_by_its_day(channel: Make, format: str) -> None:
    here = channel()
    quiet = day_of(here.now()) - timedelta(days=400)

    def take(day: date | None) -> ChannelFile:
        content = io.BytesIO(written(format, []))
        return service.take(
            here.core,
            actor=here.finance,
            format=format,
            file_name="quiet.csv",
            source=content,
            days=Days.said(day),
        )

    with pytest.raises(ChannelFileInvalid) as refused:
        take(None)
    assert refused.value.extra["lines"][0]["text"] == reading.EMPTY
    made = take(quiet)
    assert (made.first, made.last, made.lines, made.open) == (quiet, quiet, 0, 0)
    with pytest.raises(ChannelFileKnown):
        take(quiet)
    assert take(quiet + timedelta(days=1)).first == quiet + timedelta(days=1)
    with pytest.raises(ChannelFileInvalid):
        take(None)  # nothing says that it is one of those


def test_an_empty_file_of_a_day_with_orders_shows_each_of_them(channel: Make) -> None:
    here = channel()
    here.order()
    today = day_of(here.now())
    source = io.BytesIO(written("wechat", []))
    made = service.take(
        here.core,
        actor=here.finance,
        format="wechat",
        file_name="e.csv",
        source=source,
        days=Days.said(today),
    )
    assert made.counts[Finding.ONLY_OURS] == 1
    other = io.BytesIO(written("wechat", here.lines))
    with pytest.raises(ChannelFileInvalid) as refused:
        service.take(
            here.core,
            actor=here.finance,
            format="wechat",
            file_name="o.csv",
            source=other,
            days=Days.said(today - timedelta(days=9)),
        )
    assert refused.value.extra["lines"][0]["text"] == reading.OTHER_DAY
