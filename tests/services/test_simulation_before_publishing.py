"""What signers are shown before a campaign is published, from the books of the last one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.make import JIANGCHENG, World
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Status
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferPlan, Programme
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId
from voucher_service.kernel.money import Money
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import history
from voucher_service.vouchers import service as vouchers


@pytest.fixture(autouse=True)
def _history() -> None:
    campaigns.past_from(history.past)


def planned(world: World, programme: Programme, plan: OfferPlan) -> CampaignId:
    draft = world.draft(programme=programme)
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, plan.face_value * plan.quota)
    return draft.id


def issued(world: World, programme: Programme) -> Offer:
    """Ten vouchers of ¥20 from ¥100: six claimed, three redeemed on orders of ¥128."""
    offer, till = world.offer(campaign=world.draft(programme=programme)), world.cashier()
    claimed = [world.claim(offer) for _ in range(6)]
    for one in claimed[:3]:
        world.redeem(one, till)
    return offer


def test_the_first_campaign_of_an_area_says_that_there_is_nothing_to_go_by(
    world: World, core: Core
) -> None:
    area = "441781"
    draft, plan = world.draft(area=area), world.plan(quota=7)
    campaigns.create_offer(core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, plan.face_value * plan.quota)
    shown = campaigns.simulation(core, actor=world.planner, campaign=draft.id)
    assert (shown["worst_case_fen"], shown["before"], shown["expected"]) == (14_000, None, None)
    assert shown["differences"] == []


def test_signers_are_shown_what_became_of_the_last_campaign(world: World, core: Core) -> None:
    programme = world.programme()
    last = issued(world, programme)
    later = with_clock(core, Clock(world.now() + timedelta(days=8)))
    assert vouchers.expire_due(later, programme=programme.slug) == 3
    reconciliation.run(core, programme=programme.slug)
    draft = planned(world, programme, world.plan(quota=30, face=30, threshold=60, valid_days=9))
    proposal = campaigns.submit(core, actor=world.planner, campaign=draft)
    shown = approvals.get(core, actor=world.approver, approval=proposal).simulation
    assert shown is not None
    assert shown["before"]["id"] == str(last.campaign_id)
    expected = shown["expected"]
    assert (expected["claimed_bps"], expected["redeemed_bps"]) == (6_000, 5_000)
    assert (expected["issued_fen"], expected["redeemed_fen"]) == (54_000, 27_000)
    assert expected["half_redeemed_days"] == 0
    # ¥30 of orders that are 1.28 times their threshold of ¥60.
    assert expected["given_away_bps"] == 30 * 10_000 * 100 // (60 * 128)
    # ¥120 were claimed on the one day, so ¥900 last eight days.
    gone = day_of(world.now()) + timedelta(days=7)
    assert expected["exhausted_on"] == gone.isoformat()
    flags = {one["field"]: one["flagged"] for one in shown["differences"]}
    assert flags == {
        "face_value_fen": False,
        "threshold_fen": True,
        "discount_bps": True,
        "quota": True,
        "valid_days": True,
    }


def test_what_signers_were_shown_is_kept_as_it_was(world: World, core: Core) -> None:
    programme = world.programme()
    draft = planned(world, programme, world.plan(quota=10))
    world.publish(draft)
    kept = campaigns.simulation(core, actor=world.planner, campaign=draft)
    issued(world, programme)
    found = approvals.latest(
        core, actor=world.planner, about=draft, status=Status.EXECUTED, action=campaigns.PUBLISH
    )
    assert found is not None
    assert campaigns.simulation(core, actor=world.planner, campaign=draft) == kept
    assert found.simulation == kept


def test_a_mistyped_threshold_is_flagged_and_asks_for_a_second_signature(
    world: World, core: Core
) -> None:
    programme = world.programme()
    world.offer(world.plan(face=19, threshold=200), campaign=world.draft(programme=programme))
    draft = planned(world, programme, world.plan(face=19, threshold=20))
    proposal = campaigns.submit(core, actor=world.planner, campaign=draft)
    found = approvals.get(core, actor=world.approver, approval=proposal)
    assert found.signatures_needed == 2
    assert found.simulation is not None
    assert found.simulation["discounts"][0]["bps"] == 9_500
    flags = {one["field"]: one["flagged"] for one in found.simulation["differences"]}
    assert flags == {"threshold_fen": True, "discount_bps": True}


def test_a_county_sees_the_simulations_of_its_own_campaigns(world: World, core: Core) -> None:
    county = world.staff(Role.PLANNER, area=JIANGCHENG)
    draft = planned(world, world.programme(), world.plan())
    with pytest.raises(NoSuchThing):
        campaigns.simulation(core, actor=county, campaign=draft)
    assert Money(campaigns.simulation(core, actor=world.planner, campaign=draft)["worst_case_fen"])
