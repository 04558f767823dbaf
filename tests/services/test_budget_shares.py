"""Shares that follow the shop: a county pays for its own shops until its money is used up, and then
the frame does. Sums are exact after each fold, however the folds are cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make import JIANGCHENG, World
from tests.services.treasury import YANGCHUN, clean, treasury_of, yuan
from voucher_service.budgets import model, sums
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import BudgetLine, Funder, Level, Room
from voucher_service.budgets.refusals import AreaSharesTooLarge, FallbackNeeded
from voucher_service.budgets.sums import Sums
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import PlanInvalid
from voucher_service.infra import areas
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import leverage
from voucher_service.reports.groups import GroupBy


def test_a_county_pays_for_its_own_shops_until_its_money_is_used_up(world: World) -> None:
    t = treasury_of(world)
    city, county = t.fund("city", yuan(1_000)), t.fund("jiangcheng", yuan(100))
    t.allot(t.frame, city, yuan(1_000))
    t.allot(t.frame, county, yuan(100))
    draft = t.draft(t.frame)
    offer = t.offer(draft, quota=20)
    t.line(draft, "city", yuan(400), fallback=True)
    t.line(draft, "jiangcheng", yuan(20), 3_000, shop_area=JIANGCHENG)
    offer = t.publish(draft, offer)
    assert offer.shop_areas == (JIANGCHENG,)
    inside, outside = world.cashier(), world.cashier(area=YANGCHUN)
    for till, of_county in ((inside, 6), (outside, 6), (inside, 12), (inside, 18), (inside, 20)):
        world.redeem(world.claim(offer), till)
        t.fold(offer)
        assert t.of_fund(county).committed == yuan(of_county)
        assert clean(t.core) == set()
    reconciliation.run(t.core, programme=t.programme.slug)
    report = leverage.report(t.core, programme=t.programme.slug, group_by=GroupBy.FUNDER)
    assert {one.key: one.figures.redeemed for one in report.rows} == {
        "city": yuan(80),
        "jiangcheng": yuan(20),
    }
    # ¥24 would be the county's share of four vouchers; it had ¥20, and nobody was refused.
    assert t.of_fund(city).committed == yuan(5 * 20 - 20)
    world.claim(offer)
    t.close(draft)
    assert t.of_fund(county) == Sums(given=yuan(100), available=yuan(80), committed=yuan(20))
    assert t.of_fund(city) == Sums(
        given=yuan(1_000), available=yuan(900), outstanding=yuan(20), committed=yuan(80)
    )
    assert clean(t.core) == set()


def test_a_county_keeps_its_share_ready_for_vouchers_that_are_still_out(world: World) -> None:
    t = treasury_of(world)
    city, county = t.fund("city", yuan(1_000)), t.fund("jiangcheng", yuan(100))
    t.allot(t.frame, city, yuan(1_000))
    t.allot(t.frame, county, yuan(100))
    draft = t.draft(t.frame)
    offer = t.offer(draft, quota=20)
    t.line(draft, "city", yuan(400), fallback=True)
    t.line(draft, "jiangcheng", yuan(100), 5_000, shop_area=JIANGCHENG)
    offer = t.publish(draft, offer)
    voucher = world.claim(offer)
    t.close(draft)
    lines = budgets.campaign_standing(t.core, campaign=draft.id).spots
    assert [one.sums.available for one in lines] == [ZERO, yuan(10)]
    world.redeem(voucher, world.cashier())
    reconciliation.run(t.core, programme=t.programme.slug)
    assert t.of_fund(county) == Sums(given=yuan(100), available=yuan(90), committed=yuan(10))
    assert t.of_fund(city) == Sums(given=yuan(1_000), available=yuan(990), committed=yuan(10))
    lines = budgets.campaign_standing(t.core, campaign=draft.id).spots
    assert [one.sums.available for one in lines] == [ZERO, ZERO]
    assert clean(t.core) == set()


def test_shares_by_area_need_a_fallback_that_bears_more(world: World) -> None:
    draft = world.draft()
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=world.plan())
    world.line(draft.id, yuan(200))

    def local(funder: str, share_bps: int, area: str, *, fallback: bool = False) -> None:
        campaigns.add_budget_line(
            world.core,
            actor=world.planner,
            campaign=draft.id,
            funder=world.funder(funder),
            amount=yuan(100),
            share_bps=share_bps,
            shop_area=area,
            fallback=fallback,
        )

    with pytest.raises(PlanInvalid):
        local("county", 3_000, "440100")
    with pytest.raises(PlanInvalid):
        local("county", 3_000, JIANGCHENG, fallback=True)
    local("county", 3_000, JIANGCHENG)
    with pytest.raises(FallbackNeeded):
        campaigns.submit(world.core, actor=world.planner, campaign=draft.id)
    lines = [a_line(5_000), a_line(5_000, fallback=True), a_line(3_000, area=JIANGCHENG)]
    model.check_shares([*lines, a_line(5_000, area=YANGCHUN)])
    with pytest.raises(AreaSharesTooLarge):
        model.check_shares([*lines, a_line(2_001, area=JIANGCHENG)])


def a_line(share_bps: int, *, area: str = "", fallback: bool = False) -> BudgetLine:
    """A line of a funder."""
    funder = Funder(new_id(), "f", "f", Level.CITY, "")
    return BudgetLine(
        new_id(), new_id(), funder, Money(10**9), share_bps, "", fallback, shop_area=area
    )


PLACES = ("", JIANGCHENG, "441702001", YANGCHUN)
spent = st.lists(st.tuples(st.sampled_from(PLACES), st.integers(1, 10**6)), max_size=12)


class Book:
    """The lines of one offer with what a fold keeps of each; folds as the service does."""

    def __init__(self, shares: Sequence[int], money: Sequence[int], cost: int) -> None:
        self.lines = [
            a_line(shares[0], fallback=True),
            a_line(10_000 - shares[0]),
            a_line(shares[1], area=JIANGCHENG),
            a_line(shares[2], area=YANGCHUN),
        ]
        whole = Money(cost).split([shares[0], 10_000 - shares[0], 0, 0])
        self.room = list(whole)
        self.available = [ZERO, ZERO, *map(Money, money)]
        self.redeemed = [ZERO] * 4
        self.total = ZERO
        self.parts = [ZERO] * 4

    def fold(self, batch: Sequence[tuple[str, int]]) -> None:
        for place, fen in batch:
            self.total += Money(fen)
            for i, line in enumerate(self.lines):
                if line.shop_area and place and areas.within(place, line.shop_area):
                    self.redeemed[i] += Money(fen)
        rooms = self.rooms()
        shifts = model.relieve(rooms)
        assert Money.total(shifts) == ZERO
        self.room = [room + shift for room, shift in zip(self.room, shifts, strict=True)]
        self.available = [
            there - shift for there, shift in zip(self.available, shifts, strict=True)
        ]
        self.parts = model.fold(self.total, self.rooms())

    def rooms(self) -> list[Room]:
        known = zip(self.lines, self.room, self.redeemed, self.available, strict=True)
        return [Room(*each) for each in known]


@given(
    batches=st.lists(spent, max_size=6),
    city=st.integers(0, 10_000),
    locals_=st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)),
    money=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
)
@settings(max_examples=400)
def test_folds_add_up_stay_within_what_each_has_and_do_not_depend_on_how_they_are_cut(
    batches: list[list[tuple[str, int]]],
    city: int,
    locals_: tuple[int, int],
    money: tuple[int, int],
) -> None:
    shares = (city, min(locals_[0], city), min(locals_[1], city))
    cost = sum(fen for batch in batches for _, fen in batch)
    one_by_one, at_once = Book(shares, money, cost), Book(shares, money, cost)
    for batch in batches:
        one_by_one.fold(batch)
        assert Money.total(one_by_one.parts) == one_by_one.total
        assert all(part >= ZERO for part in one_by_one.parts)
        assert all(there >= ZERO for there in one_by_one.available)
        for i, given_ in zip((2, 3), money, strict=True):
            share = one_by_one.redeemed[i].fen * shares[i - 1] // 10_000
            assert one_by_one.parts[i] == Money(min(share, given_))
    at_once.fold([each for batch in batches for each in batch])
    if batches:
        assert one_by_one.parts == at_once.parts


@given(
    first=spent,
    undone=st.integers(0, 100),
    elsewhere=st.integers(0, 10**6),
    money=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
)
@settings(max_examples=300)
def test_what_is_refunded_in_a_county_may_be_spent_elsewhere(
    first: list[tuple[str, int]], undone: int, elsewhere: int, money: tuple[int, int]
) -> None:
    spare = sum(fen for _, fen in first)
    book = Book((6_000, 3_000, 6_000), money, spare + elsewhere)
    book.fold(first)
    back = [(place, -(fen * undone // 100)) for place, fen in first]
    book.fold(back)
    again = -sum(fen for _, fen in back) + elsewhere
    book.fold([("", again)])
    assert Money.total(book.parts) == book.total == Money(spare + elsewhere)
    assert all(part >= ZERO for part in book.parts)


amounts = st.integers(0, 10**9)


@given(
    inside=st.lists(amounts, min_size=1, max_size=5),
    cuts=st.tuples(st.integers(0, 100), st.integers(0, 100)),
)
@settings(max_examples=300)
def test_what_is_in_the_pools_is_shared_to_the_fen(
    inside: list[int], cuts: tuple[int, int]
) -> None:
    whole = sum(inside)
    outstanding = whole * cuts[0] // 100
    committed = (whole - outstanding) * cuts[1] // 100
    pooled = Sums(outstanding=Money(outstanding), committed=Money(committed))
    lines = [Sums(given=Money(part + 7), available=Money(7)) for part in inside]
    shared = sums.with_pools(lines, pooled)
    assert all(one.placed == one.given for one in shared)
    assert all(getattr(one, name) >= ZERO for one in shared for name in sums.NAMES)
    total = sum(shared, Sums())
    assert (total.outstanding, total.committed) == (pooled.outstanding, pooled.committed)


@given(
    inside=st.lists(st.integers(0, 10**9), min_size=1, max_size=5),
    folded=st.lists(st.integers(1, 10**9), min_size=5, max_size=5),
    cuts=st.tuples(st.integers(0, 100), st.integers(0, 100)),
)
@settings(max_examples=300)
def test_what_was_undone_since_the_last_fold_is_off_the_lines(
    inside: list[int], folded: list[int], cuts: tuple[int, int]
) -> None:
    committed = folded[: len(inside)]
    undone = sum(committed) * cuts[0] // 100
    outstanding = (sum(inside) + undone) * cuts[1] // 100
    pooled = Sums(outstanding=Money(outstanding), committed=Money(-undone))
    lines = [
        Sums(given=Money(part + spent), committed=Money(spent))
        for part, spent in zip(inside, committed, strict=True)
    ]
    shared = sums.with_pools(lines, pooled)
    assert all(one.placed == one.given for one in shared)
    assert all(getattr(one, name) >= ZERO for one in shared for name in sums.NAMES)
    total = sum(shared, Sums())
    assert total.outstanding == pooled.outstanding
    assert total.committed == Money(sum(committed) - undone)
