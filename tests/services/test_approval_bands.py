"""How many sign: by what it can cost, by what was split off it, and by what is unusual."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.make import JIANGCHENG, World
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import (
    Approval,
    Bands,
    OwnWork,
    Rule,
    SamePerson,
    Status,
    reasons,
    signatures,
)
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Programme
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.money import Money

BANDS = Bands(Money.of_yuan(500_000), Money.of_yuan(10_000_000))
YUAN = st.integers(0, 20_000_000).map(Money.of_yuan)


def proposed(
    world: World, quota: int, programme: Programme, *, core: Core | None = None, **plan: int
) -> Approval:
    """A campaign of `quota` vouchers of ¥20, submitted."""
    core = core or world.core
    draft = world.draft(programme=programme)
    wanted = world.plan(quota=quota, **plan)
    campaigns.create_offer(core, actor=world.planner, campaign=draft.id, plan=wanted)
    world.line(draft.id, wanted.face_value * quota)
    proposal = campaigns.submit(core, actor=world.planner, campaign=draft.id)
    return approvals.get(core, actor=world.approver, approval=proposal)


def rules(found: Approval) -> list[Rule]:
    return [one.rule for one in found.why]


@pytest.mark.parametrize(("quota", "needed"), [(25_000, 1), (25_001, 2)])
def test_half_a_million_is_signed_by_one_and_a_fen_more_by_two(
    world: World, quota: int, needed: int
) -> None:
    found = proposed(world, quota, world.programme())
    assert found.amount == Money.of_yuan(20) * quota
    assert found.signatures_needed == needed
    assert rules(found) == [Rule.AMOUNT] * (needed - 1)


def test_two_signatures_are_two_persons_and_execute_with_the_second(
    world: World, core: Core
) -> None:
    found = proposed(world, 30_000, world.programme())
    first = approvals.approve(core, actor=world.approver, approval=found.id)
    assert (first.status, len(first.signatures)) == (Status.WAITING, 1)
    with pytest.raises(SamePerson):
        approvals.approve(core, actor=world.approver, approval=found.id)
    second = approvals.approve(core, actor=world.staff(Role.APPROVER), approval=found.id)
    assert second.status is Status.EXECUTED


def test_a_campaign_split_in_two_is_judged_as_the_whole(world: World, core: Core) -> None:
    programme = world.programme()
    first = proposed(world, 15_000, programme)
    assert first.signatures_needed == 1
    second = proposed(world, 15_000, programme)
    assert (second.signatures_needed, rules(second)) == (2, [Rule.SPLIT])
    assert second.why[0].judged == Money.of_yuan(600_000)
    raised = approvals.get(core, actor=world.approver, approval=first.id)
    assert (raised.signatures_needed, rules(raised)) == (2, [Rule.SPLIT])
    assert approvals.approve(core, actor=world.approver, approval=first.id).status is Status.WAITING


def test_what_was_executed_counts_and_what_was_withdrawn_does_not(world: World, core: Core) -> None:
    programme = world.programme()
    done = proposed(world, 15_000, programme)
    approvals.approve(core, actor=world.approver, approval=done.id)
    dropped = proposed(world, 15_000, programme)
    assert dropped.signatures_needed == 2
    approvals.reject(core, actor=world.planner, approval=dropped.id, reason="不做了")
    small = proposed(world, 10_000, programme)
    assert small.signatures_needed == 1
    last = proposed(world, 1, programme)
    assert last.why[0].judged == Money.of_yuan(500_020)


def test_another_programme_another_area_and_another_week_are_judged_alone(
    world: World, core: Core
) -> None:
    programme = world.programme()
    proposed(world, 15_000, programme)
    assert proposed(world, 15_000, world.programme()).signatures_needed == 1
    county = world.draft(programme=programme, area=JIANGCHENG)
    plan = world.plan(quota=15_000)
    campaigns.create_offer(core, actor=world.planner, campaign=county.id, plan=plan)
    world.line(county.id, plan.face_value * plan.quota)
    proposal = campaigns.submit(core, actor=world.planner, campaign=county.id)
    found = approvals.get(core, actor=world.approver, approval=proposal)
    assert found.signatures_needed == 1
    later = with_clock(core, Clock(world.now() + timedelta(days=7, seconds=1)))
    assert proposed(world, 15_000, programme, core=later).signatures_needed == 1


def test_a_voucher_that_takes_more_than_half_is_signed_by_two(world: World) -> None:
    half = proposed(world, 10, world.programme(), face=50, threshold=100)
    assert half.signatures_needed == 1
    more = proposed(world, 10, world.programme(), face=51, threshold=100)
    assert (more.signatures_needed, rules(more)) == (2, [Rule.STEEP])


def test_who_planned_it_never_signs_whoever_submitted_it(world: World, core: Core) -> None:
    draft, plan = world.draft(), world.plan()
    other = world.staff(Role.PLANNER)
    campaigns.create_offer(core, actor=other, campaign=draft.id, plan=plan)
    world.line(draft.id, plan.face_value * plan.quota)
    submitter = world.staff(Role.PLANNER)
    proposal = campaigns.submit(core, actor=submitter, campaign=draft.id)
    found = approvals.get(core, actor=world.approver, approval=proposal)
    assert found.authors == {world.planner.id, other.id}
    for author in (world.planner, other):
        promoted = Actor(author.kind, author.id, frozenset({Role.APPROVER}))
        assert not found.may_sign(promoted)
        with pytest.raises(OwnWork):
            approvals.approve(core, actor=promoted, approval=proposal)
    signed = approvals.approve(core, actor=world.approver, approval=proposal)
    assert signed.status is Status.EXECUTED


def test_who_stopped_a_campaign_does_not_sign_that_it_goes_on(world: World, core: Core) -> None:
    offer = world.offer()
    stopper = world.staff(Role.APPROVER)
    campaigns.pause(core, actor=stopper, campaign=offer.campaign_id)
    proposal = campaigns.resume(core, actor=world.planner, campaign=offer.campaign_id)
    with pytest.raises(OwnWork):
        approvals.approve(core, actor=stopper, approval=proposal)
    # Who published it may: that was a signature, not work on the plan.
    signed = approvals.approve(core, actor=world.approver, approval=proposal)
    assert signed.status is Status.EXECUTED


@given(YUAN, YUAN, st.booleans(), st.booleans())
def test_never_fewer_than_the_sum_asks_for_and_never_more_than_three(
    amount: Money, others: Money, live: bool, steep: bool
) -> None:
    found = reasons(BANDS, amount, amount + others, live=live, steep=steep)
    needed = signatures(found)
    assert needed == max(BANDS.signatures(amount + others), 2 if live or steep else 1)
    assert 1 <= needed <= 3
    assert bool(found) == (needed > 1)


def test_a_third_signature_is_never_asked_for_when_its_band_is_off() -> None:
    off = Bands(Money.of_yuan(500_000), Money(0))
    assert off.signatures(Money.of_yuan(10**9)) == 2
