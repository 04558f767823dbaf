"""Emergency stops: what one person stops, who may let it go on, and what becomes of vouchers."""

from __future__ import annotations

import itertools
import threading
import time
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tests.make import JIANGCHENG, World
from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.allocation.model import Closed
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import OwnWork
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignStatus, Offer, OfferStatus
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.errors import DomainError, NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import MerchantSuspended
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import RedemptionStopped
from voucher_service.redemption.preview import preview
from voucher_service.reports import verification
from voucher_service.stops import service as stops
from voucher_service.stops.model import (
    LIFECYCLE,
    OWNER,
    PUBLIC,
    SCOPES,
    WHATS,
    AlreadyStopped,
    Scope,
    Status,
    Stop,
    StopInvalid,
    What,
)


def stop(
    world: World,
    offer: Offer | None = None,
    *what: What,
    scope: Scope = Scope.CAMPAIGN,
    actor: Actor | None = None,
) -> list[Stop]:
    """One person stops the campaign or the programme of an offer, or everything."""
    subjects: dict[Scope, UUID] = {}
    if offer is not None:
        subjects = {Scope.CAMPAIGN: offer.campaign_id, Scope.PROGRAMME: offer.programme_id}
    return campaigns.stop(
        world.core,
        actor=actor or world.planner,
        scope=scope,
        subject=subjects.get(scope),
        what=what or [What.CLAIMS],
        reason="减多了",
    )


def lift(world: World, stops_: list[Stop]) -> None:
    """Ask for each, and a second person agrees."""
    for one in stops_:
        proposal = campaigns.ask_to_lift(world.core, actor=world.planner, stop=one.id)
        approvals.approve(world.core, actor=world.approver, approval=proposal)


def in_force(core: Core) -> list[Stop]:
    """Everything that is stopped."""
    with core.transaction() as session:
        return stops.in_force(session)


def test_the_lifecycle_is_total() -> None:
    assert set(LIFECYCLE.table) == set(PUBLIC) == set(OWNER) == set(Status)
    assert (set(SCOPES), set(WHATS)) == (set(Scope), set(What))


@pytest.mark.parametrize("scope", [Scope.CAMPAIGN, Scope.PROGRAMME, Scope.EVERYTHING])
def test_stopped_claims_are_closed_and_go_on_with_a_second_person(
    world: World, scope: Scope
) -> None:
    offer, resident = world.offer(), world.resident()
    kept = world.claim(offer, resident, "kept")
    made = stop(world, offer, scope=scope)
    with pytest.raises(Closed):
        world.claim(offer)
    assert world.claim(offer, resident, "kept").id == kept.id
    assert world.redeem(kept).value.voucher_id == kept.id  # only claims are stopped
    assert world.reload(offer.id).status is OfferStatus.PAUSED
    assert offer.id not in {one.id for one in campaigns.open_offers(world.core)}
    lift(world, made)
    assert world.claim(offer).id != kept.id
    assert in_force(world.core) == []


@pytest.mark.parametrize("scope", [Scope.CAMPAIGN, Scope.PROGRAMME, Scope.EVERYTHING])
def test_a_till_is_told_that_redemptions_are_stopped_and_burns_nothing(
    world: World, scope: Scope
) -> None:
    offer = world.offer()
    voucher, cashier = world.claim(offer), world.cashier()
    code = world.code(voucher)
    made = stop(world, offer, What.REDEMPTIONS, scope=scope)
    with pytest.raises(RedemptionStopped):
        world.redeem(voucher, cashier, code=code, reference="order-1")
    with pytest.raises(RedemptionStopped):
        preview(world.core, actor=cashier, code=code)
    assert world.claim(offer)  # only redemptions are stopped
    lift(world, made)
    done = world.redeem(voucher, cashier, code=code, reference="order-1")
    assert done.value.voucher_id == voucher.id
    assert verification.verify(world.core).breaches == ()


def test_a_voucher_that_was_used_is_said_to_be_used_even_while_stopped(world: World) -> None:
    offer = world.offer()
    voucher, cashier = world.claim(offer), world.cashier()
    first = world.redeem(voucher, cashier, reference="first", key="first")
    made = stop(world, offer, What.REDEMPTIONS)
    with pytest.raises(DomainError) as refusal:
        world.redeem(voucher, cashier)
    assert refusal.value.code == "already_redeemed"
    found = redemption.by_order_reference(world.core, actor=cashier, reference="first")
    assert [one.id for one in found] == [first.value.id]
    lift(world, made)


def test_other_campaigns_are_not_touched(world: World) -> None:
    stopped, other = world.offer(), world.offer()
    made = stop(world, stopped, What.CLAIMS, What.REDEMPTIONS)
    assert world.redeem(world.claim(other)).value
    lift(world, made)


def test_who_stopped_it_may_ask_to_go_on_but_not_sign(world: World) -> None:
    who = world.staff(Role.APPROVER)
    offer = world.offer()
    made = stop(world, offer, What.CLAIMS, What.REDEMPTIONS, actor=who)
    for one in made:
        proposal = campaigns.ask_to_lift(world.core, actor=world.planner, stop=one.id)
        with pytest.raises(OwnWork):
            approvals.approve(world.core, actor=who, approval=proposal)
        approvals.approve(world.core, actor=world.approver, approval=proposal)
    assert world.redeem(world.claim(offer)).value


def test_a_rejected_proposal_leaves_it_stopped(world: World) -> None:
    offer = world.offer()
    (made,) = stop(world, offer, What.REDEMPTIONS)
    proposal = campaigns.ask_to_lift(world.core, actor=world.planner, stop=made.id)
    approvals.reject(world.core, actor=world.approver, approval=proposal, reason="还没查清")
    with pytest.raises(RedemptionStopped):
        world.redeem(world.claim(offer))
    lift(world, [made])
    with pytest.raises(IllegalTransition):
        campaigns.ask_to_lift(world.core, actor=world.planner, stop=made.id)


def test_a_pause_is_the_stop_of_a_campaigns_claims(world: World) -> None:
    offer = world.offer()
    paused = campaigns.pause(
        world.core, actor=world.planner, campaign=offer.campaign_id, reason="先等等"
    )
    assert paused.status is CampaignStatus.PAUSED
    (found,) = in_force(world.core)
    assert (found.what, found.reason, found.stopped_by) == (
        What.CLAIMS,
        "先等等",
        world.planner.id,
    )
    proposal = campaigns.resume(world.core, actor=world.planner, campaign=offer.campaign_id)
    approvals.approve(world.core, actor=world.approver, approval=proposal)
    assert in_force(world.core) == []


def test_a_closed_campaign_leaves_no_stop_of_its_claims(world: World) -> None:
    offer = world.offer()
    stop(world, offer)
    proposal = campaigns.close(world.core, actor=world.planner, campaign=offer.campaign_id)
    approvals.approve(world.core, actor=world.approver, approval=proposal)
    assert in_force(world.core) == []
    assert world.reload(offer.id).status is OfferStatus.CLOSED


def test_the_same_is_stopped_once(world: World) -> None:
    offer = world.offer()
    made = stop(world, offer, What.REDEMPTIONS)
    with pytest.raises(AlreadyStopped):
        stop(world, offer, What.REDEMPTIONS)
    lift(world, made)


def test_a_county_stops_its_own_campaigns_and_nothing_above_them(world: World) -> None:
    county = world.staff(Role.PLANNER, area=JIANGCHENG)
    own = world.offer(campaign=world.draft(area=JIANGCHENG))
    city = world.offer()
    made = stop(world, own, What.REDEMPTIONS, actor=county)
    with pytest.raises(NoSuchThing):
        stop(world, city, What.REDEMPTIONS, actor=county)
    for scope in (Scope.PROGRAMME, Scope.EVERYTHING):
        with pytest.raises(NotAllowed):
            stop(world, city, scope=scope, actor=county)
    above = stop(world, city, What.REDEMPTIONS)
    with pytest.raises(NoSuchThing):
        campaigns.ask_to_lift(world.core, actor=county, stop=above[0].id)
    seen = stops.page(world.core, actor=county, status=Status.IN_FORCE, cursor=None, limit=9).items
    assert [one.id for one in seen] == [made[0].id]
    everything = stop(world, city, What.REDEMPTIONS, scope=Scope.EVERYTHING)
    seen = stops.page(world.core, actor=county, status=Status.IN_FORCE, cursor=None, limit=9).items
    assert {one.id for one in seen} == {made[0].id, everything[0].id}  # it concerns them too
    lift(world, [*made, *above, *everything])


def test_a_stopped_merchant_is_suspended_until_two_agree(world: World) -> None:
    offer, cashier = world.offer(), world.cashier()
    with world.core.transaction() as session:
        assert cashier.id
        merchant = merchants.till(session, cashier=cashier.id).merchant_id  # type: ignore[arg-type]

    def stop_merchant(what: What) -> list[Stop]:
        return campaigns.stop(
            world.core,
            actor=world.planner,
            scope=Scope.MERCHANT,
            subject=merchant,
            what=[what],
            reason="疑似套现",
        )

    with pytest.raises(StopInvalid):
        stop_merchant(What.CLAIMS)
    made = stop_merchant(What.REDEMPTIONS)
    voucher = world.claim(offer)
    with pytest.raises(MerchantSuspended):
        world.redeem(voucher, cashier)
    lift(world, made)
    assert world.redeem(voucher, cashier).value


def test_every_stop_raises_an_alarm_and_leaves_a_record(world: World, core: Core) -> None:
    offer = world.offer()
    (made,) = stop(world, offer, What.REDEMPTIONS)
    page = alarms.page(core, actor=world.planner, still_open=True, cursor=None, limit=50)
    (alarm,) = [one for one in page.items if one.kind is Kind.STOP]
    assert (alarm.detail["title"], alarm.detail["reason"]) == (made.title, "减多了")
    lift(world, [made])
    page = alarms.page(core, actor=world.planner, still_open=True, cursor=None, limit=50)
    assert [one for one in page.items if one.kind is Kind.STOP] == []
    with core.transaction() as session:
        events = session.scalars(
            text("SELECT action FROM audit.event WHERE object_id = :id ORDER BY id"),
            {"id": str(made.id)},
        ).all()
    assert events == ["stop.ordered", "stop.lifted"]


def test_a_stop_waits_for_nothing_that_claims_hold(world: World, core: Core) -> None:
    offer = world.offer()
    with core.engine.connect() as other, other.begin():
        # As a fill of the gate holds it, and as a batch without the gate does.
        other.execute(text("SELECT 1 FROM offer WHERE id = :id FOR UPDATE"), {"id": offer.id})
        made = stop(world, offer, What.CLAIMS, What.REDEMPTIONS)  # or it would wait in vain
    lift(world, made)


def test_a_stop_gets_through_a_rush_and_nothing_begins_after_it(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=5_000))
    crowd, over = world.residents(400), threading.Event()
    answered: list[tuple[float, str]] = []

    def claim_on(mine: list[Actor]) -> None:
        for one in itertools.cycle(mine):
            if over.is_set():
                return
            asked, said = time.monotonic(), "won"
            try:
                world.claim(offer, one, uuid4().hex)
            except DomainError as refusal:
                said = refusal.code
            answered.append((asked, said))

    threads = [threading.Thread(target=claim_on, args=(crowd[n::8],)) for n in range(8)]
    for one in threads:
        one.start()
    while sum(said == "won" for _, said in answered) < 40:
        time.sleep(0.01)
    stop(world, offer)
    stopped_at = time.monotonic()
    while sum(asked > stopped_at for asked, _ in answered) < 40:
        time.sleep(0.01)
    over.set()
    for one in threads:
        one.join()
    # The rush has no end of its own that the stop could wait for.
    assert {said for asked, said in answered if asked > stopped_at} == {"closed"}


def test_the_system_may_stop_as_well(world: World) -> None:
    offer = world.offer()
    made = stop(world, offer, What.REDEMPTIONS, actor=SYSTEM)
    assert made[0].stopped_by is None
    proposal = campaigns.ask_to_lift(world.core, actor=world.planner, stop=made[0].id)
    assert approvals.get(world.core, actor=world.approver, approval=ApprovalId(proposal)).may_sign(
        world.approver
    )
    approvals.approve(world.core, actor=world.approver, approval=proposal)
