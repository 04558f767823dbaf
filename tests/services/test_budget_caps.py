"""Caps that really stop: by campaign, day and month, judged when a campaign is published."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.make import JIANGCHENG, World
from tests.services.treasury import Treasury, treasury_of, yuan
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import AlreadyProposed
from voucher_service.budgets.model import Span
from voucher_service.budgets.refusals import CampaignCapReached, CapBelowPlanned, CapReached
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.issuing import issued_at_most, later_than, not_over
from voucher_service.campaigns.model import Campaign, Offer, OfferPlan, ReleasePlan
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import ApprovalId, CampaignId, new_id
from voucher_service.kernel.money import Money


@pytest.fixture
def treasury(world: World) -> Treasury:
    t = treasury_of(world)
    city = t.fund("city", yuan(100_000))
    t.allot(t.frame, city, yuan(60_000))
    t.allot(t.jiangcheng, city, yuan(30_000))
    return t


def capped(t: Treasury, budget=None, **fen: Money | None) -> None:
    """Caps of the frame, or of another budget."""
    amounts = {Span(span): amount for span, amount in fen.items()}
    id = (budget or t.frame).id
    proposal = campaigns.cap_budget(t.core, actor=t.world.planner, budget=id, amounts=amounts)
    try:
        t.world.approve(proposal)
    except DomainError:
        approvals.reject(t.core, actor=t.world.approver, approval=proposal, reason="改小")
        raise


def plan(t: Treasury, *windows: tuple[int, int, int], lapse_returns: bool = False) -> OfferPlan:
    """¥20 vouchers; each window: the day it opens from today, days open, quota."""
    today = day_of(t.world.now())
    base = t.world.plan(quota=sum(quota for *_, quota in windows), lapse_returns=lapse_returns)
    slices = tuple(
        ReleasePlan(
            start_of(today + timedelta(days=opens)),
            quota,
            start_of(today + timedelta(days=opens + days)),
        )
        for opens, days, quota in windows
    )
    values = {name: getattr(base, name) for name in OfferPlan.__slots__}
    return OfferPlan(**(values | {"releases": slices}))


def submitted(t: Treasury, wanted: OfferPlan, budget=None) -> tuple[Campaign, ApprovalId]:
    """A campaign that waits for approval."""
    draft = t.draft(budget or t.frame)
    campaigns.create_offer(t.core, actor=t.world.planner, campaign=draft.id, plan=wanted)
    t.line(draft, "city", wanted.face_value * wanted.quota)
    return draft, campaigns.submit(t.core, actor=t.world.planner, campaign=draft.id)


def test_a_day_cap_stops_the_campaign_that_would_break_it(treasury: Treasury) -> None:
    t = treasury
    capped(t, day=yuan(1_000))
    _, first = submitted(t, plan(t, (1, 3, 30)))
    _, second = submitted(t, plan(t, (3, 1, 30)))
    t.world.approve(first)
    with pytest.raises(CapReached) as refusal:
        t.world.approve(second)
    day = day_of(t.world.now()) + timedelta(days=3)
    assert refusal.value.params == {
        "period": day.isoformat(),
        "cap": yuan(1_000),
        "planned": yuan(600),
        "left": yuan(400),
        "needed": yuan(600),
    }
    _, other_day = submitted(t, plan(t, (4, 1, 50)))
    t.world.approve(other_day)
    with pytest.raises(CapReached):
        submitted(t, plan(t, (4, 1, 1)))


def test_what_flows_into_later_releases_counts_there_too(treasury: Treasury) -> None:
    t = treasury
    capped(t, day=yuan(1_000))
    with pytest.raises(CapReached):
        submitted(t, plan(t, (1, 1, 30), (2, 1, 30), lapse_returns=True))
    _, kept = submitted(t, plan(t, (1, 1, 30), (2, 1, 30)))
    t.world.approve(kept)


def test_a_part_counts_in_the_caps_of_the_budget_above(treasury: Treasury) -> None:
    t = treasury
    capped(t, month=yuan(1_000_000), day=yuan(1_000))
    capped(t, t.jiangcheng, day=yuan(500))
    with pytest.raises(CapReached):
        submitted(t, plan(t, (1, 1, 26)), t.jiangcheng)
    _, own = submitted(t, plan(t, (1, 1, 25)), t.jiangcheng)
    t.world.approve(own)
    with pytest.raises(CapReached):
        submitted(t, plan(t, (1, 1, 26)))
    _, rest = submitted(t, plan(t, (1, 1, 25)))
    t.world.approve(rest)
    found = campaigns.budget_caps(t.core, actor=t.world.planner, budget=t.frame.id)
    day = f"day:{(day_of(t.world.now()) + timedelta(days=1)).isoformat()}"
    assert {one.span: one.planned.get(day) for one in found} == {
        Span.DAY: yuan(1_000),
        Span.MONTH: None,
    }


def test_a_cap_by_campaign_and_a_campaigns_own_cap(treasury: Treasury) -> None:
    t = treasury
    capped(t, campaign=yuan(400))
    with pytest.raises(CampaignCapReached):
        submitted(t, plan(t, (1, 1, 21)))
    campaign, proposal = submitted(t, plan(t, (1, 1, 20)))
    own = campaigns.cap_campaign(
        t.core, actor=t.world.planner, campaign=campaign.id, amounts={Span.DAY: yuan(399)}
    )
    t.world.approve(own)
    with pytest.raises(CapReached):
        t.world.approve(proposal)


def test_a_cap_counts_what_was_published_before_and_is_not_set_below_it(
    treasury: Treasury,
) -> None:
    t = treasury
    campaign, proposal = submitted(t, plan(t, (0, 5, 30)))
    t.world.approve(proposal)
    with pytest.raises(CapBelowPlanned):
        capped(t, day=yuan(599))
    capped(t, day=yuan(600))
    with pytest.raises(CapReached):
        submitted(t, plan(t, (1, 1, 1)))
    # Closed early, its later days are free again; today it did issue.
    t.close(campaign)
    with pytest.raises(CapReached):
        submitted(t, plan(t, (0, 2, 1)))
    _, later = submitted(t, plan(t, (1, 1, 30)))
    t.world.approve(later)
    capped(t, day=None)
    _, free = submitted(t, plan(t, (1, 1, 30)))
    t.world.approve(free)


def test_a_county_can_ask_for_a_cap_and_the_city_signs_it(treasury: Treasury) -> None:
    t = treasury
    amounts = {Span.DAY: yuan(1)}
    waiting = campaigns.cap_budget(
        t.core, actor=t.planners[JIANGCHENG], budget=t.jiangcheng.id, amounts=amounts
    )
    with pytest.raises(AlreadyProposed):
        campaigns.cap_budget(t.core, actor=t.world.planner, budget=t.jiangcheng.id, amounts=amounts)
    stranger = t.world.staff(Role.PLANNER, area="441781")
    with pytest.raises(NoSuchThing):
        campaigns.cap_budget(t.core, actor=stranger, budget=t.jiangcheng.id, amounts=amounts)
    with pytest.raises(NoSuchThing):  # else a county could lift what the city set
        approvals.approve(t.core, actor=t.approvers[JIANGCHENG], approval=waiting)
    approvals.approve(t.core, actor=t.world.approver, approval=waiting)
    (cap,) = campaigns.budget_caps(t.core, actor=t.world.planner, budget=t.jiangcheng.id)
    assert (cap.span, cap.amount) == (Span.DAY, yuan(1))


def test_of_two_that_are_published_at_once_one_is_stopped(treasury: Treasury) -> None:
    t = treasury
    capped(t, day=yuan(1_000))
    for round_ in range(1, 6):
        pair = [submitted(t, plan(t, (round_, 1, 30)))[1] for _ in range(2)]
        start, told = threading.Barrier(2), []

        def sign(proposal: ApprovalId, start=start, told=told) -> None:
            signer = t.world.staff(Role.APPROVER)
            start.wait()
            try:
                approvals.approve(t.core, actor=signer, approval=proposal)
                told.append("published")
            except DomainError as error:
                told.append(error.code)

        threads = [threading.Thread(target=sign, args=(one,)) for one in pair]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(told) == ["cap_reached", "published"]


def test_the_database_itself_keeps_plans_within_the_cap(treasury: Treasury) -> None:
    t = treasury
    capped(t, day=yuan(1_000))
    _, proposal = submitted(t, plan(t, (1, 1, 50)))
    t.world.approve(proposal)
    for statement in (
        "UPDATE budget_cap_use SET planned_fen = planned_fen + 1 WHERE planned_fen = 100000",
        "UPDATE budget_cap SET amount_fen = amount_fen - 1 WHERE budget_id = :budget",
        "UPDATE allotment SET available_fen = -1 WHERE budget_id = :budget",
    ):
        values = {"budget": t.frame.id} if ":budget" in statement else {}
        with pytest.raises(DBAPIError, match="violates check"), t.core.transaction() as session:
            session.execute(text(statement), values)


windows = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 30), st.integers(1, 50)), min_size=1, max_size=5
)


@given(windows=windows, lapse_returns=st.booleans(), at=st.integers(0, 24 * 75))
@settings(max_examples=300)
def test_at_no_instant_more_can_be_claimed_than_was_planned_for_its_day(
    any_offer: Offer, windows: list[tuple[int, int, int]], lapse_returns: bool, at: int
) -> None:
    from dataclasses import replace

    first = date(2026, 11, 20)
    slices = tuple(
        replace(
            any_offer.releases[0],
            id=new_id(),
            opens_at=start_of(first + timedelta(days=opens)) + timedelta(hours=10),
            closes_at=start_of(first + timedelta(days=opens + days)),
            quota=quota,
        )
        for opens, days, quota in windows
    )
    offer = replace(
        any_offer, releases=slices, lapse_returns=lapse_returns, quota=sum(q for *_, q in windows)
    )
    planned = issued_at_most(CampaignId(new_id()), [offer])
    now = start_of(first) + timedelta(hours=at)
    open_ = [one for one in flowing(offer, now).releases if one.opens_at <= now < one.closes_at]
    worth = offer.face_value * sum(one.quota for one in open_)
    day = day_of(now)
    for period in (f"day:{day.isoformat()}", f"month:{day:%Y-%m}"):
        assert worth <= planned.get(period, Money(0))
    later = later_than(planned, day)
    now_on = not_over(planned, day, nothing_later=False)
    assert later.items() <= now_on.items() <= planned.items()
    assert f"day:{day.isoformat()}" not in later


@pytest.fixture(scope="module")
def any_offer(world: World) -> Offer:
    return world.offer()
