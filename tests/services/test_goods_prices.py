"""Filed prices and prices seen: what counts from when, and what is suspected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby, pairwise
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from tests.faces.own_till import manager_of
from tests.make import World
from tests.services.goods_shelf import filed_on, line, new_gtin, stocked, till_of
from voucher_service.goods import pricing
from voucher_service.goods import service as goods
from voucher_service.goods.model import (
    FiledPrice,
    GoodsFileInvalid,
    PriceAboveGuide,
    ProductUnknown,
    Seen,
    Wanted,
    Wrong,
)
from voucher_service.goods.pricing import Day, Reason
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.money import Money

DAY = timedelta(days=1)


class Store:
    """A merchant with a product of the library, on a clock."""

    def __init__(self, world: World, core: Core, clock: Clock) -> None:
        self.core, self.clock = core, clock
        self.cashier = world.cashier()
        self.manager: Actor = manager_of(world, self.cashier)
        self.till = till_of(core, self.manager)
        self.gtin = new_gtin()
        stocked(world, line(self.gtin, first="2026-01-01", guide="6000"))

    @property
    def merchant(self) -> MerchantId:
        return self.till.merchant_id

    @property
    def today(self) -> date:
        with self.core.transaction() as session:
            return day_of(self.core.now(session))

    def later(self, days: int) -> None:
        with self.core.transaction() as session:
            now = self.core.now(session)
        self.clock.set(now + timedelta(days=days))

    def file(self, yuan: int) -> list[FiledPrice]:
        self.clock.set(self.clock.at + timedelta(minutes=1)) if self.clock.at else None
        wanted = Wanted(1, self.gtin, Money.of_yuan(yuan))
        return goods.promise(self.core, actor=self.manager, prices=[wanted])

    def counts(self, *days: int) -> list[int | None]:
        """The prices in yuan that count so many days from today."""
        found = (
            filed_on(self.core, self.merchant, self.gtin, self.today + days_ * DAY)
            for days_ in days
        )
        return [one.fen // 100 if one else None for one in found]

    def sold(self, ago: int, yuan: int, listed: int | None = None) -> Seen:
        return Seen(
            self.till.shop_id,
            self.merchant,
            self.till.area,
            self.gtin,
            self.today - ago * DAY,
            Money.of_yuan(yuan),
            None if listed is None else Money.of_yuan(listed),
        )

    def observe(self, *seen: Seen) -> None:
        for _, units in groupby(sorted(seen, key=lambda one: one.day), lambda one: one.day):
            with self.core.transaction() as session:
                goods.observe(session, seen=list(units))

    def lowest(self, days: int) -> Money | None:
        with self.core.transaction() as session:
            return goods.lowest_seen(
                session, gtin=self.gtin, on=self.today, days=days, merchant=self.merchant
            )


@pytest.fixture
def store(world: World, clock_core: Core, clock: Clock) -> Iterator[Store]:
    return Store(world, clock_core, clock)


def test_a_price_counts_from_tomorrow_and_never_today(store: Store) -> None:
    store.file(4_000)
    assert store.counts(-1, 0, 1, 300) == [None, None, 4_000, 4_000]


def test_a_lower_price_counts_from_tomorrow_and_a_higher_one_must_wait(store: Store) -> None:
    store.file(4_000)
    store.later(5)
    store.file(3_900)
    assert store.counts(0, 1) == [4_000, 3_900]
    store.later(5)
    (raised,) = store.file(4_500)
    assert raised.valid_from == store.today + 30 * DAY
    assert store.counts(0, 29, 30) == [3_900, 3_900, 4_500]


def test_a_mistyped_price_can_be_put_right_before_it_counts(store: Store) -> None:
    store.file(400)
    store.file(4_000)
    assert store.counts(0, 1) == [None, 4_000]


def test_the_last_word_stands_whatever_was_filed_before(store: Store) -> None:
    store.file(4_000)
    store.later(2)
    store.file(4_500)  # in thirty days
    store.later(1)
    store.file(3_800)  # from tomorrow, and for good
    assert store.counts(0, 1, 60) == [4_000, 3_800, 3_800]


def test_saying_the_same_again_adds_nothing(store: Store) -> None:
    assert len(store.file(4_000)) == 1
    assert store.file(4_000) == []
    store.later(3)
    assert store.file(4_000) == []
    store.file(4_500)
    assert len(store.file(4_000)) == 1  # takes the raise back
    assert store.counts(40) == [4_000]


def test_what_was_filed_cannot_be_changed_by_the_application(store: Store) -> None:
    store.file(4_000)
    for statement in (
        "UPDATE product_price_filed SET price_fen = 1",
        "DELETE FROM product_price_filed",
        "DELETE FROM price_seen",
        "DELETE FROM product",
    ):
        with pytest.raises(ProgrammingError), store.core.transaction() as session:
            session.execute(text(statement))


def test_only_products_of_the_library_are_filed_and_none_above_its_guide_price(
    store: Store,
) -> None:
    with pytest.raises(PriceAboveGuide):
        store.file(6_001)
    unknown = Wanted(1, new_gtin(), Money(1))
    with pytest.raises(ProductUnknown):
        goods.promise(store.core, actor=store.manager, prices=[unknown])
    above = Wanted(3, store.gtin, Money.of_yuan(6_001))
    fine = Wanted(4, store.gtin, Money.of_yuan(6_000))
    with pytest.raises(GoodsFileInvalid) as refusal:
        goods.promise(store.core, actor=store.manager, prices=[unknown, above, fine])
    assert [(one.line, one.wrong) for one in refusal.value.slips] == [
        (1, Wrong.UNKNOWN),
        (3, Wrong.ABOVE_GUIDE),
    ]
    assert store.counts(1) == [None]


def test_a_cashier_files_nothing(store: Store) -> None:
    with pytest.raises(NotAllowed):
        goods.promise(store.core, actor=store.cashier, prices=[])


def test_a_manager_sees_what_counts_what_is_to_come_and_last_months_lowest(store: Store) -> None:
    store.file(4_000)
    store.later(1)
    store.file(4_500)
    store.observe(store.sold(3, 3_700), store.sold(31, 3_000))
    (own,) = goods.own_prices(store.core, actor=store.manager, text="", cursor=None, limit=10).items
    assert own.now is not None and own.next is not None and own.product is not None
    assert (own.now.price, own.next.price) == (Money.of_yuan(4_000), Money.of_yuan(4_500))
    assert own.lowest == Money.of_yuan(3_700)
    _, filed = goods.own_price(store.core, actor=store.manager, gtin=store.gtin)
    assert [one.price.fen for one in filed] == [450_000, 400_000]
    found = goods.own_prices(
        store.core, actor=store.manager, text=store.gtin, cursor=None, limit=10
    )
    assert [one.gtin for one in found.items] == [store.gtin]
    with pytest.raises(NoSuchThing):
        goods.own_price(store.core, actor=store.manager, gtin=new_gtin())


def test_units_of_a_day_are_one_row_with_the_lowest_and_the_highest(store: Store) -> None:
    store.observe(store.sold(1, 3_900, 4_100), store.sold(1, 3_700))
    store.observe(store.sold(1, 4_000, 4_200))
    (found,) = goods.history(
        store.core, actor=store.manager, gtin=store.gtin, cursor=None, limit=10
    ).items
    (day,) = found.days
    assert (day.lowest.fen, day.highest.fen) == (370_000, 400_000)
    assert day.list_price == Money.of_yuan(4_200)
    with store.core.transaction() as session:
        units = session.execute(
            text("SELECT units FROM price_seen WHERE gtin = :gtin"), {"gtin": store.gtin}
        ).scalar_one()
    assert units == 3


def test_the_lowest_is_that_of_the_days_before(store: Store) -> None:
    store.observe(store.sold(0, 1_000), store.sold(30, 3_000), store.sold(31, 2_000))
    assert store.lowest(30) == Money.of_yuan(3_000)
    assert store.lowest(31) == Money.of_yuan(2_000)
    with store.core.transaction() as session:
        judged = goods.rule(store.core)
        lows = goods.lows(
            session, merchant=store.merchant, gtin=store.gtin, on=store.today, rule=judged
        )
    assert lows == pricing.Lows(Money.of_yuan(3_000), Money.of_yuan(2_000), Money.of_yuan(3_000))


def test_a_raise_before_a_discount_stands_on_the_list_of_suspicions(
    store: Store, world: World
) -> None:
    store.observe(store.sold(9, 3_000), store.sold(1, 3_100, 3_600))
    reviewer = world.staff(Role.REVIEWER)
    page = goods.suspicions(store.core, actor=reviewer, cursor=None, limit=50)
    (found,) = (one for one in page.items if one.gtin == store.gtin)
    assert found.merchant_name == store.till.merchant_name
    (why,) = found.findings
    assert (why.reason, why.over) == (Reason.RAISED_THEN_CUT, Money.of_yuan(100))
    county = world.staff(Role.REVIEWER, area="441781")
    elsewhere = goods.suspicions(store.core, actor=county, cursor=None, limit=50)
    assert store.gtin not in {one.gtin for one in elsewhere.items}


def test_the_list_of_suspicions_is_what_the_rule_says_of_each_history(
    store: Store, world: World
) -> None:
    random, units = Random(7), []
    for _ in range(60):
        low = random.randrange(2_800, 3_300)
        listed = random.choice((None, low + random.randrange(0, 400)))
        units.append(store.sold(random.randrange(1, 80), low, listed))
    store.observe(*units)
    judged = goods.rule(store.core)
    (held,) = goods.history(
        store.core, actor=world.planner, gtin=store.gtin, cursor=None, limit=5
    ).items
    wanted = {}
    for day in held.days:
        own = pricing.lows_before(held.days, day.day, judged)
        lows = pricing.Lows(own.month, own.quarter, own.month)  # nobody else sells it
        if findings := pricing.judge(day, lows, judged):
            wanted[day.day] = findings
    assert len(wanted) > 5
    found: dict[date, tuple[pricing.Finding, ...]] = {}
    order: list[Day] = []
    cursor = None
    while True:
        page = goods.suspicions(store.core, actor=world.planner, cursor=cursor, limit=7)
        for one in page.items:
            if one.gtin == store.gtin:
                found[one.seen.day] = one.findings
                order.append(one.seen)
        if (cursor := page.next) is None:
            break
    assert found == wanted
    assert all(earlier.day > later.day for earlier, later in pairwise(order))


def test_a_programme_may_begin_with_prices_that_count_at_once(store: Store) -> None:
    with store.core.transaction() as session:
        goods.promise_from(
            session,
            merchant=store.merchant,
            prices={store.gtin: Money.of_yuan(4_000)},
            valid_from=store.today,
            actor=SYSTEM,
            now=store.core.now(session),
        )
    assert store.counts(-1, 0) == [None, 4_000]
