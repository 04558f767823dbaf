"""Canaries: a slice opens first, the rest once it looked right; what looks wrong is stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from tests.make import World
from tests.services.lists import approved, csv_of, given, people
from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.allocation.model import Closed, NotOpenYet, SoldOut
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.canary import (
    LIFECYCLE,
    OWNER,
    PUBLIC,
    SIGNALS,
    Canary,
    Facts,
    Signal,
    Status,
    judge,
    kept_shut,
    planned,
    split,
)
from voucher_service.campaigns.model import CampaignStatus, Offer, OfferKind, OfferPlan
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Evidence
from voucher_service.kernel.money import ZERO, Money
from voucher_service.pushes.model import Result
from voucher_service.redemption.model import BelowThreshold, RedemptionStopped
from voucher_service.reports import canaries, verification
from voucher_service.vouchers.service.remembered import forget

QUIET = Facts(
    claims=100,
    spent=0,
    device=1,
    network=60,
    new=10,
    orders=0,
    ordered=ZERO,
    discounted=ZERO,
    refused=0,
)


@pytest.fixture(scope="module")
def quick(core: Core) -> Core:
    """The same city where a slice is three vouchers and the rest may open at once."""
    rules = replace(core.settings.canary, least=3, seconds=1, orders=2, claims=20)
    other = replace(core, settings=replace(core.settings, canary=rules))
    other.__dict__.update({"engine": core.engine, "gate": core.gate, "keyring": core.keyring})
    return other


@pytest.fixture(scope="module")
def world(quick: Core) -> World:
    """Builders on it."""
    return World(quick)


def birdcage(world: World, *, quota: int = 10, face: int = 20, threshold: int = 100) -> Offer:
    """A published offer with a canary of three vouchers."""
    plan = world.plan(quota=quota, face=face, threshold=threshold)
    return world.offer(replace(plan, canary=True))


def canary_of(world: World, offer: Offer) -> Canary:
    """Its canary."""
    (found,) = campaigns.canaries(world.core, actor=world.planner, campaign=offer.campaign_id)
    return found


def due(world: World, offer: Offer) -> None:
    """As if the slice had opened long enough ago."""
    with world.core.transaction() as session:
        session.execute(
            text("UPDATE canary SET started_at = started_at - interval '2 s' WHERE offer_id = :id"),
            {"id": offer.id},
        )


def look(world: World, offer: Offer) -> Status:
    """Judge once, as the schedule does; what became of the canary."""
    canaries.look(world.core)
    forget(offer.id)
    return canary_of(world, offer).status


def test_the_lifecycle_is_total() -> None:
    assert set(LIFECYCLE.table) == set(PUBLIC) == set(OWNER) == set(Status)
    assert set(SIGNALS) == set(Signal)


def test_the_slice_is_a_release_of_its_own_and_the_rest_stays_shut(world: World) -> None:
    offer = birdcage(world)
    assert [(one.quota, one.held) for one in offer.releases] == [(3, False), (7, True)]
    for _ in range(3):
        world.claim(offer)
    with pytest.raises(SoldOut) as refusal:
        world.claim(offer)
    assert refusal.value.params["next_at"] > world.now()  # the rest is said to open, and when


def test_the_rest_stays_shut_as_long_as_nobody_judges(world: World) -> None:
    offer = birdcage(world)
    for _ in range(3):
        world.claim(offer)
    due(world, offer)
    later = replace(offer.releases[1], opens_at=world.now() - timedelta(hours=1))
    overdue = replace(offer, releases=(offer.releases[0], later))
    assert kept_shut(overdue, world.now()).releases[1].opens_at > world.now()
    with pytest.raises(SoldOut):
        world.claim(offer)


def test_a_slice_that_looked_right_lets_the_rest_open_and_nothing_is_lost(world: World) -> None:
    offer = birdcage(world)
    vouchers = [world.claim(offer) for _ in range(3)]
    world.redeem(vouchers[0])
    assert look(world, offer) is Status.WAITING
    due(world, offer)
    assert look(world, offer) is Status.PASSED
    for _ in range(7):
        world.claim(offer)
    with pytest.raises(SoldOut):
        world.claim(offer)
    assert verification.verify(world.core).breaches == ()


def test_a_wrong_template_stops_itself_at_claims_and_tills(world: World) -> None:
    """满 20 减 19, typed for 满 200 减 19: every order gets 95 % off."""
    offer = birdcage(world, face=19, threshold=20)
    vouchers = [world.claim(offer) for _ in range(3)]
    for one in vouchers[:2]:
        world.redeem(one, order_fen=2_000)
    assert look(world, offer) is Status.STOPPED
    with pytest.raises(Closed):
        world.claim(offer)
    with pytest.raises(RedemptionStopped):
        world.redeem(vouchers[2], order_fen=2_000)
    found, _, _ = campaigns.campaign(world.core, actor=world.planner, campaign=offer.campaign_id)
    assert found.status is CampaignStatus.PAUSED
    page = alarms.page(world.core, actor=world.planner, still_open=True, cursor=None, limit=50)
    raised = [one for one in page.items if one.detail.get("offer") == str(offer.id)]
    assert [one.kind for one in raised] == [Kind.CANARY]
    assert [one.signal for one in canary_of(world, offer).findings] == [Signal.DEEP_DISCOUNT]


def test_two_people_may_overrule_a_canary_and_the_rest_opens(world: World) -> None:
    offer = birdcage(world, face=19, threshold=20)
    for _ in range(2):
        world.redeem(world.claim(offer), order_fen=2_000)
    assert look(world, offer) is Status.STOPPED
    proposal = campaigns.resume(world.core, actor=world.planner, campaign=offer.campaign_id)
    approvals.approve(world.core, actor=world.approver, approval=proposal)
    assert canary_of(world, offer).status is Status.PASSED
    forget(offer.id)
    for _ in range(8):
        world.claim(offer)
    with pytest.raises(SoldOut):
        world.claim(offer)


def test_refused_tills_are_counted_for_the_voucher_they_were_about(world: World) -> None:
    offer, cashier = birdcage(world), world.cashier()
    voucher = world.claim(offer)
    for _ in range(3):
        with pytest.raises(BelowThreshold):
            world.redeem(voucher, cashier, order_fen=500)
    assert look(world, offer) is Status.STOPPED
    (found,) = canary_of(world, offer).findings
    assert (found.signal, found.seen_bps) == (Signal.REFUSED_AT_TILLS, 10_000)
    world.redeem(voucher, cashier)  # nothing was given away: tills go on


def test_claims_of_one_device_and_new_accounts_are_seen(world: World) -> None:
    offer = birdcage(world, quota=100)
    for one in world.residents(3):
        world.claim(offer, replace(one, evidence=Evidence("10.0.0.0/24", "phone-1", "agent")))
    with world.core.transaction() as session:
        seen = canaries.facts(session, offer, world.now(), 10)
    assert (seen.claims, seen.device, seen.network, seen.new) == (3, 3, 3, 3)


def test_nobody_claiming_is_nothing_to_go_by_and_somebody_is_told(world: World) -> None:
    offer = birdcage(world)
    due(world, offer)
    assert look(world, offer) is Status.WAITING
    with world.core.transaction() as session:
        session.execute(text("UPDATE canary SET started_at = started_at - interval '1 hour'"))
    assert look(world, offer) is Status.WAITING
    page = alarms.page(world.core, actor=world.planner, still_open=True, cursor=None, limit=50)
    assert [one.detail["late"] for one in page.items if one.detail.get("offer") == str(offer.id)]


def test_a_canary_that_cannot_be_judged_stays_shut_with_an_alarm(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = birdcage(world)
    world.claim(offer)
    due(world, offer)

    def fails(*_: object) -> Facts:
        raise RuntimeError

    monkeypatch.setattr(canaries, "facts", fails)
    canaries.look(world.core)
    assert canary_of(world, offer).status is Status.WAITING
    page = alarms.page(world.core, actor=world.planner, still_open=True, cursor=None, limit=50)
    assert [one.detail["late"] for one in page.items if one.detail.get("offer") == str(offer.id)]
    monkeypatch.undo()
    assert look(world, offer) is Status.PASSED


def test_a_canary_before_its_opening_is_not_judged(world: World) -> None:
    plan = world.plan(opens_at=world.now() + timedelta(hours=1))
    offer = world.offer(replace(plan, canary=True))
    assert look(world, offer) is Status.WAITING
    with pytest.raises(NotOpenYet):
        world.claim(offer)
    assert canary_of(world, offer).started_at == offer.releases[0].opens_at


def test_a_payload_shows_the_slice_to_whoever_signs(world: World) -> None:
    offer = birdcage(world)
    found = approvals.page(world.core, actor=world.approver, status=None, cursor=None, limit=200)
    (payload,) = [one.payload for one in found.items if one.object_id == offer.campaign_id]
    assert [one["quota"] for one in payload["offers"][0]["releases"]] == [3, 7]


PLAN = OfferPlan(
    title="满100减20",
    kind=OfferKind.THRESHOLD,
    face_value=Money.of_yuan(20),
    threshold=Money.of_yuan(100),
    quota=10_000,
    per_resident_limit=1,
    valid_days=7,
    canary=True,
)


def test_a_slice_is_a_hundredth_and_never_more_than_half(world: World, core: Core) -> None:
    rules, opens = core.settings.canary, world.now()
    for quota, slice_ in ((10_000, 100), (1_000, 50), (60, 30), (2, 1), (1, 0)):
        releases = world.plan(quota=quota, opens_at=opens).releases
        plan, found = split(replace(PLAN, quota=quota, releases=releases), rules)
        assert found == slice_
        assert sum(one.quota for one in plan.releases) == quota
        assert all(one.quota > 0 for one in plan.releases)
    without, found = split(replace(PLAN, canary=False, releases=releases), rules)
    assert (without.releases, found) == (releases, 0)


def test_what_can_cost_much_gets_a_canary_unless_the_planner_says_no(core: Core) -> None:
    rules = core.settings.canary
    assert planned(Money(rules.from_fen), rules)
    assert not planned(Money(rules.from_fen - 1), rules)


@pytest.mark.parametrize(
    ("facts", "signal"),
    [
        (
            replace(QUIET, orders=1, ordered=Money(10_000), discounted=Money(1_999)),
            Signal.WRONG_DISCOUNT,
        ),
        (
            replace(QUIET, orders=5, ordered=Money(19_990), discounted=Money(10_000)),
            Signal.DEEP_DISCOUNT,
        ),
        (replace(QUIET, refused=5), Signal.REFUSED_AT_TILLS),
        (
            replace(QUIET, spent=51, orders=51, ordered=Money(999_999), discounted=Money(102_000)),
            Signal.SPENT_TOO_FAST,
        ),
        (replace(QUIET, device=21), Signal.ONE_DEVICE),
        (replace(QUIET, new=91), Signal.NEW_ACCOUNTS),
    ],
    ids=lambda value: value if isinstance(value, Signal) else "",
)
def test_each_signal_is_seen_and_a_quiet_slice_passes(
    world: World, core: Core, facts: Facts, signal: Signal
) -> None:
    offer = world.offer()
    assert judge(offer, QUIET, core.settings.canary) == ()
    assert [one.signal for one in judge(offer, facts, core.settings.canary)] == [signal]


def test_a_fixed_voucher_may_take_its_whole_order(world: World, core: Core) -> None:
    offer = replace(world.offer(), kind=OfferKind.FIXED, threshold=Money.of_yuan(20))
    whole = replace(QUIET, orders=5, ordered=Money(10_000), discounted=Money(10_000))
    assert judge(offer, whole, core.settings.canary) == ()


def test_what_takes_off_up_to_its_face_is_wrong_only_above_it(world: World, core: Core) -> None:
    percent = replace(world.offer(), kind=OfferKind.PERCENT_CAPPED, rate_bps=2_000)
    spent = replace(QUIET, spent=2, orders=2, ordered=Money(20_000), discounted=Money(3_999))
    assert judge(percent, spent, core.settings.canary) == ()
    wrong = replace(spent, discounted=Money(4_001))
    (found,) = judge(percent, wrong, core.settings.canary)
    assert found.signal is Signal.WRONG_DISCOUNT


def test_who_spends_a_pack_on_many_orders_is_no_crowd(world: World, core: Core) -> None:
    pack = replace(world.offer(), kind=OfferKind.PACK, pieces=8)
    spent = replace(QUIET, spent=10, orders=80, ordered=Money(800_000), discounted=Money(160_000))
    assert judge(pack, spent, core.settings.canary) == ()


def test_a_canary_costs_a_claim_no_statement(world: World, core: Core) -> None:
    said: list[str] = []

    def listen(_c: object, _u: object, statement: str, *_: object) -> None:
        said.append(statement)

    def statements(offer: Offer) -> int:
        world.claim(offer)
        resident, key = world.resident(), uuid4().hex
        said.clear()
        world.claim(offer, resident, key)
        return len(said)

    event.listen(core.engine, "before_cursor_execute", listen)
    try:
        assert statements(birdcage(world)) == statements(world.offer())
    finally:
        event.remove(core.engine, "before_cursor_execute", listen)


def test_a_list_waits_for_the_rest_of_an_offer(world: World) -> None:
    offer, crowd = birdcage(world), people(world, 5)
    push = approved(world, offer.id, csv_of(*(person.mobile for person, _ in crowd)))
    assert given(world, push) == {Result.GIVEN: 3, None: 2}
    due(world, offer)
    assert look(world, offer) is Status.PASSED
    with world.core.transaction() as session:
        session.execute(text("UPDATE job_outbox SET due_at = clock_timestamp()"))
    assert given(world, push) == {Result.GIVEN: 5}
