"""Budgets of two levels: each fen is traced from the treasury to what is owed, and back."""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.make import CITY, JIANGCHENG, World
from tests.services.treasury import YANGCHUN, Treasury, clean, treasury_of, yuan
from voucher_service.approvals import service as approvals
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import BudgetId, FundId, Move, MoveStatus
from voucher_service.budgets.refusals import (
    AllotmentMissing,
    BudgetAreaInvalid,
    BudgetExists,
    BudgetNeeded,
    BudgetNotFound,
    BudgetShort,
    FundUnknown,
)
from voucher_service.budgets.sums import Sums
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.money import Money
from voucher_service.ledger.model import FundsShort


@pytest.fixture
def treasury(world: World) -> Treasury:
    return treasury_of(world)


def test_every_fen_is_traced_from_the_treasury_to_what_merchants_are_owed(
    treasury: Treasury,
) -> None:
    t, world = treasury, treasury.world
    city, county, spring = (
        t.fund("city", yuan(10_000)),
        t.fund("jiangcheng", yuan(2_000)),
        t.fund("yangchun", yuan(1_000)),
    )
    # The frame is given the city's money and passes some of it down; counties give their own.
    t.allot(t.frame, city, yuan(9_000))
    t.allot(t.jiangcheng, city, yuan(3_000))
    t.allot(t.yangchun, city, yuan(1_000))
    t.allot(t.jiangcheng, county, yuan(1_500), planner=t.planners[JIANGCHENG])
    t.allot(t.yangchun, spring, yuan(1_000), planner=t.planners[YANGCHUN])
    assert t.of_budget(t.frame).given == yuan(9_000 + 1_500 + 1_000)
    assert t.of_budget(t.jiangcheng).given == yuan(3_000 + 1_500)
    # A county issues on its own: 60 % from the city, 40 % from the county.
    mine = t.draft(t.jiangcheng, planner=t.planners[JIANGCHENG])
    offer = t.offer(mine, quota=100)
    t.line(mine, "city", yuan(1_300), 6_000, fallback=True)
    t.line(mine, "jiangcheng", yuan(900), 4_000)
    proposal = campaigns.submit(t.core, actor=t.planners[JIANGCHENG], campaign=mine.id)
    approvals.approve(t.core, actor=t.approvers[JIANGCHENG], approval=proposal)
    offer = world.reload(offer.id)
    assert t.of_fund(county) == Sums(
        given=yuan(2_000), available=yuan(500 + 600 + 100), reserved=yuan(800)
    )
    tills = [world.cashier(), world.cashier(area=YANGCHUN)]
    before = world.now()
    claimed = [world.claim(offer) for _ in range(9)]
    for voucher, till in zip(claimed[:7], itertools.cycle(tills)):
        world.redeem(voucher, till)
    for _folded in (False, True):
        assert t.of_fund(city) == Sums(
            given=yuan(10_000),
            available=yuan(10_000 - 1_200),
            reserved=yuan(60 * 20 - 9 * 12),
            outstanding=yuan(2 * 12),
            committed=yuan(7 * 12),
        )
        assert t.of_fund(county).committed == yuan(7 * 8)
        t.fold(offer)
    assert t.of_fund(spring) == Sums(given=yuan(1_000), available=yuan(1_000))
    # At a past instant, too.
    past = budgets.fund_standing(t.core, actor=world.planner, fund=county.id, at=before).total
    assert (past.reserved, past.committed) == (yuan(800), Money(0))
    # The close brings home what no voucher stands against, up to the treasury.
    t.close(mine)
    assert t.of_budget(t.jiangcheng) == Sums(
        given=yuan(4_500), available=yuan(4_500 - 9 * 20), outstanding=yuan(40), committed=yuan(140)
    )
    t.hand_back(t.jiangcheng, county, yuan(1_500 - 9 * 8))
    returned = budgets.return_to_treasury(
        t.core, actor=world.planner, fund=county.id, amount=yuan(1_000), key="home"
    ).value
    carried = budgets.carry_over(
        t.core, actor=world.planner, fund=county.id, amount=yuan(900), key="next"
    ).value
    world.approve(returned.approval_id)
    world.approve(carried.approval_id)
    assert t.of_fund(county) == Sums(
        given=yuan(2_000),
        available=yuan(2_000 - 72 - 1_900),
        outstanding=yuan(16),
        committed=yuan(56),
        returned=yuan(1_000),
        carried=yuan(900),
    )
    (following,) = (
        one
        for one in budgets.funds(t.core, actor=world.planner)
        if (one.year, one.document) == (2027, county.document)
    )
    assert t.of_fund(following) == Sums(given=yuan(900), available=yuan(900))
    assert clean(t.core) == set()


def test_a_fund_gives_no_fen_more_than_it_has(treasury: Treasury) -> None:
    t = treasury
    city = t.fund("city", yuan(100))
    with pytest.raises(FundsShort):
        t.allot(t.frame, city, yuan(101))
    first, second = (
        budgets.allot(
            t.core,
            actor=t.world.planner,
            budget=t.frame.id,
            fund=city.id,
            amount=yuan(60),
            key=uuid4().hex,
        ).value
        for _ in range(2)
    )
    t.world.approve(first.approval_id)
    with pytest.raises(FundsShort):
        t.world.approve(second.approval_id)
    assert t.look(city.id).available == yuan(40)
    moves = budgets.moves(t.core, actor=t.world.planner, budget=t.frame.id)
    assert {one.status for one in moves} == {MoveStatus.MADE, MoveStatus.WAITING}
    approvals.reject(t.core, actor=t.world.approver, approval=second.approval_id, reason="不够")
    (refused, _) = budgets.moves(t.core, actor=t.world.planner, budget=t.frame.id)
    assert refused.status is MoveStatus.REFUSED


def test_the_same_key_is_one_movement(treasury: Treasury) -> None:
    t = treasury
    city = t.fund("city", yuan(100))

    def asked() -> Outcome[Move]:
        return budgets.allot(
            t.core,
            actor=t.world.planner,
            budget=t.frame.id,
            fund=city.id,
            amount=yuan(60),
            key=f"once-{t.frame.id}",
        )

    first, second = asked(), asked()
    assert first.value == second.value
    assert [first.replayed, second.replayed] == [False, True]
    # Also when it was made since, and the fund has less than that left.
    t.world.approve(first.value.approval_id)
    assert asked().value.approval_id == first.value.approval_id
    assert t.of_budget(t.frame).given == yuan(60)


def test_earmarked_money_pays_only_its_purpose(treasury: Treasury) -> None:
    t = treasury
    earmarked = t.fund("city", yuan(5_000), purpose="home-appliances")
    t.allot(t.frame, earmarked, yuan(5_000))
    draft = t.draft(t.frame)
    with pytest.raises(AllotmentMissing):
        t.line(draft, "city", yuan(200))
    t.line(draft, "city", yuan(200), purpose_code="home-appliances")
    t.publish(draft, t.offer(draft, quota=10))
    assert t.of_fund(earmarked).reserved == yuan(200)


def test_a_campaign_takes_no_more_than_its_budget_has(treasury: Treasury) -> None:
    t = treasury
    city = t.fund("city", yuan(1_000))
    t.allot(t.frame, city, yuan(300))
    first, second = t.draft(t.frame), t.draft(t.frame)
    for one in (first, second):
        t.offer(one, quota=10)
        t.line(one, "city", yuan(200))
    late = campaigns.submit(t.core, actor=t.world.planner, campaign=second.id)
    t.world.publish(first.id)
    with pytest.raises(BudgetShort) as refusal:
        t.world.approve(late)
    assert refusal.value.params["amount"] == yuan(100)
    third = t.draft(t.frame)
    t.offer(third, quota=10)
    t.line(third, "city", yuan(200))
    with pytest.raises(BudgetShort):
        campaigns.submit(t.core, actor=t.world.planner, campaign=third.id)
    assert t.of_fund(city) == Sums(given=yuan(1_000), available=yuan(800), reserved=yuan(200))


def test_a_county_plans_within_its_own_budget_only(treasury: Treasury) -> None:
    t, county = treasury, treasury.planners[JIANGCHENG]
    with pytest.raises(BudgetNotFound):
        campaigns.create_campaign(
            t.core,
            actor=county,
            programme=t.programme.slug,
            name="越界",
            kind=CampaignKind.VOUCHER,
            area=JIANGCHENG,
            opens_on=t.programme.opens_on,
            closes_on=t.programme.closes_on,
            budget=t.frame.id,
        )
    beside = t.draft(None)
    t.line(beside, "city", yuan(200))
    t.offer(beside, quota=10)
    with pytest.raises(BudgetNeeded):
        campaigns.submit(t.core, actor=t.world.planner, campaign=beside.id)


def test_only_the_area_that_gives_may_propose_and_sign(treasury: Treasury) -> None:
    t, county = treasury, treasury.planners[JIANGCHENG]
    city = t.fund("city", yuan(1_000))
    t.allot(t.frame, city, yuan(1_000))
    with pytest.raises(FundUnknown):
        t.allot(t.jiangcheng, city, yuan(10), planner=county)
    with pytest.raises(NoSuchThing):
        t.allot(t.frame, city, yuan(10), planner=county)
    with pytest.raises(NoSuchThing):
        budgets.return_to_treasury(
            t.core, actor=county, fund=city.id, amount=yuan(1), key=uuid4().hex
        )
    move = t.allot(t.jiangcheng, city, yuan(500))
    assert move.action == "budget.pass_down"
    with pytest.raises(NotAllowed):
        t.allot(t.jiangcheng, city, yuan(10), planner=county)
    back = budgets.hand_back(
        t.core, actor=county, budget=t.jiangcheng.id, fund=city.id, amount=yuan(200), key="back"
    ).value
    with pytest.raises(NoSuchThing):
        approvals.approve(t.core, actor=t.approvers[YANGCHUN], approval=back.approval_id)
    approvals.approve(t.core, actor=t.approvers[JIANGCHENG], approval=back.approval_id)
    assert t.of_budget(t.jiangcheng).given == yuan(300)
    other = t.fund("yangchun", yuan(10))
    with pytest.raises(FundUnknown):
        budgets.allot(
            t.core,
            actor=t.planners[JIANGCHENG],
            budget=t.jiangcheng.id,
            fund=FundId(uuid4()),
            amount=yuan(1),
            key=uuid4().hex,
        )
    with pytest.raises(AllotmentMissing):
        t.hand_back(t.jiangcheng, other, yuan(1))


def test_a_programme_has_one_frame_and_its_parts_lie_inside(treasury: Treasury) -> None:
    t = treasury

    def budget(area: str, parent: BudgetId | None) -> None:
        budgets.create_budget(
            t.core,
            actor=t.world.planner,
            programme=t.programme.id,
            name="再来一个",
            area=area,
            parent=parent,
        )

    with pytest.raises(BudgetExists):
        budget("441721", None)
    with pytest.raises(BudgetExists):
        budget(JIANGCHENG, t.frame.id)
    with pytest.raises(BudgetAreaInvalid):
        budget(JIANGCHENG, t.yangchun.id)
    with pytest.raises(BudgetAreaInvalid):
        budget(CITY, t.frame.id)


def test_staff_see_the_budgets_and_funds_of_their_area(treasury: Treasury) -> None:
    t, county = treasury, treasury.planners[JIANGCHENG]
    city, own = t.fund("city", yuan(10)), t.fund("jiangcheng", yuan(10))
    seen = {one.id for one in budgets.budgets(t.core, actor=county, programme=t.programme.id)}
    assert seen == {t.jiangcheng.id}
    funds = {one.id for one in budgets.funds(t.core, actor=county)}
    assert own.id in funds and city.id not in funds
    for look in (
        lambda: budgets.fund_standing(t.core, actor=county, fund=city.id),
        lambda: budgets.budget_standing(t.core, actor=county, budget=t.yangchun.id),
        lambda: budgets.moves(t.core, actor=county, budget=t.frame.id),
    ):
        with pytest.raises(NoSuchThing):
            look()


def test_without_a_budget_the_rest_goes_home_at_the_close(world: World) -> None:
    draft = world.draft()
    plan = world.plan(quota=10)
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, yuan(250))
    world.publish(draft.id)
    standing = budgets.campaign_standing(world.core, campaign=draft.id)
    assert standing.total == Sums(given=yuan(250), available=yuan(50), reserved=yuan(200))
    proposal = campaigns.close(world.core, actor=world.planner, campaign=draft.id)
    world.approve(proposal)
    standing = budgets.campaign_standing(world.core, campaign=draft.id)
    assert standing.total == Sums(given=yuan(250), returned=yuan(250))


def test_a_lapse_after_the_close_goes_back_to_the_budget(treasury: Treasury, core: Core) -> None:
    from voucher_service.infra.core import with_clock
    from voucher_service.kernel.clock import Clock
    from voucher_service.vouchers import service as vouchers

    t = treasury
    city = t.fund("city", yuan(1_000))
    t.allot(t.frame, city, yuan(1_000))
    draft = t.draft(t.frame)
    offer = t.offer(draft, quota=10)
    t.line(draft, "city", yuan(200))
    offer = t.publish(draft, offer)
    voucher = t.world.claim(offer)
    t.close(draft)
    assert t.of_fund(city).outstanding == yuan(20)
    later = with_clock(core, Clock(voucher.valid_until + timedelta(seconds=1)))
    while vouchers.expire_due(later):
        pass
    assert t.of_fund(city) == Sums(given=yuan(1_000), available=yuan(1_000))
