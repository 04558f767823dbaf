"""Every kind of offer from its plan to its last fen: reserved, claimed, spent, lapsed, reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.make import World
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import (
    GoodsClass,
    Offer,
    OfferKind,
    OfferPlan,
    PartialRefund,
    PlanInvalid,
    RefundRule,
    max_liability,
)
from voucher_service.campaigns.service import reading
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import ShopId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, pool
from voucher_service.merchants import service as merchants
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import leverage, recount, verification
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status, Voucher

KINDS = pytest.mark.parametrize("kind", list(OfferKind))


@pytest.fixture
def clock(core: Core) -> Clock:
    return Clock(World(core).now())


@pytest.fixture
def world(core: Core, clock: Clock) -> World:
    return World(with_clock(core, clock))


def planned(world: World, kind: OfferKind, **changed: object) -> OfferPlan:
    """Three vouchers of a kind: ¥30 at most, or pieces of ¥10, or a balance of ¥100."""
    plan = replace(world.plan(quota=3, limit=3), kind=kind, lapse_returns=False)
    terms: dict[OfferKind, dict[str, object]] = {
        OfferKind.THRESHOLD: {},
        OfferKind.FIXED: {"threshold": plan.face_value},
        OfferKind.PERCENT_CAPPED: {"face_value": Money.of_yuan(30), "rate_bps": 2_000},
        OfferKind.PACK: {"face_value": Money.of_yuan(10), "pieces": 4},
        OfferKind.BALANCE: {"face_value": Money.of_yuan(100), "threshold": Money(1)},
    }
    return replace(plan, **terms[kind] | changed)


def stands(world: World, offer: Offer) -> tuple[Money, Money, Money]:
    """What is reserved, outstanding and committed of an offer."""
    stages = (Stage.RESERVED, Stage.OUTSTANDING, Stage.COMMITTED)
    with world.core.transaction() as session:
        found = ledger.balances(session, [pool(offer.id, stage) for stage in stages])
    by_stage = {account.stage: amount for account, amount in found.items()}
    reserved, outstanding, committed = (by_stage.get(stage, ZERO) for stage in stages)
    return reserved, outstanding, committed


def now(world: World, voucher: Voucher) -> Voucher:
    with world.core.transaction() as session:
        found = vouchers.by_code_ref(session, code_ref=voucher.code_ref)
    assert found is not None
    return found


@KINDS
def test_a_claim_takes_the_most_it_can_cost_and_a_lapse_gives_it_back(
    world: World, clock: Clock, kind: OfferKind
) -> None:
    offer = world.offer(planned(world, kind))
    most = max_liability(offer)
    voucher = world.claim(offer)
    assert (voucher.face_value, voucher.left) == (most, most)
    assert stands(world, offer) == (most * 2, most, ZERO)
    clock.set(world.now() + timedelta(days=8))
    assert vouchers.expire_due(world.core) == 1
    assert stands(world, offer) == (most * 3, ZERO, ZERO)
    assert now(world, voucher).status is Status.EXPIRED


@pytest.mark.parametrize(
    ("kind", "orders", "taken"),
    [
        (OfferKind.PACK, [12_800, 10_000], [1_000, 1_000]),
        (OfferKind.BALANCE, [2_500, 1], [2_500, 1]),
    ],
)
def test_what_is_spent_in_part_lapses_with_the_rest_only(
    world: World, clock: Clock, kind: OfferKind, orders: list[int], taken: list[int]
) -> None:
    offer, till = world.offer(planned(world, kind, lapse_returns=True)), world.cashier()
    most, voucher = max_liability(offer), world.claim(offer)
    whole = world.claim(offer)
    done = [world.redeem(voucher, till, order_fen=one).value for one in orders]
    assert [one.discount.fen for one in done] == taken
    spent = Money(sum(taken))
    assert now(world, voucher).left == most - spent
    clock.set(world.now() + timedelta(days=8))
    assert vouchers.expire_due(world.core) == 2
    assert stands(world, offer)[:2] == (most * 3 - spent, ZERO)
    with world.core.transaction() as session:
        asked = text("SELECT id, holds_slot FROM voucher WHERE offer_id = :offer")
        rows = session.execute(asked, {"offer": offer.id}).all()
    held = {row.id: row.holds_slot for row in rows}
    # Its money is gone, so nobody else can claim it; the other's slot flows back.
    assert held == {voucher.id: True, whole.id: False}


def test_a_pack_is_spent_piece_by_piece_to_the_last(world: World) -> None:
    offer, till = world.offer(planned(world, OfferKind.PACK)), world.cashier()
    voucher = world.claim(offer)
    seen = []
    for _ in range(4):
        assert world.redeem(voucher, till).value.discount == Money.of_yuan(10)
        seen.append(now(world, voucher).status)
    assert seen == [Status.CLAIMED, Status.CLAIMED, Status.CLAIMED, Status.REDEEMED]


def test_what_a_percentage_leaves_over_is_free_again(world: World) -> None:
    offer = world.offer(planned(world, OfferKind.PERCENT_CAPPED))
    voucher = world.claim(offer)
    assert world.redeem(voucher, order_fen=12_345).value.discount == Money(2_469)
    reserved, outstanding, _ = stands(world, offer)
    assert (reserved, outstanding) == (max_liability(offer) * 3 - Money(2_469), ZERO)


def test_floors_and_totals_hold_for_every_kind(world: World, core: Core) -> None:
    programme, till = world.programme(), world.cashier()
    orders = {
        OfferKind.THRESHOLD: (12_800, 10_000, 2_000),
        OfferKind.FIXED: (12_800, 2_000, 2_000),
        OfferKind.PERCENT_CAPPED: (12_800, 12_800, 2_560),
        OfferKind.PACK: (12_800, 10_000, 1_000),
        OfferKind.BALANCE: (5_000, 5_000, 5_000),
    }
    for kind, (order, _, taken) in orders.items():
        campaign = world.draft(programme=programme)
        offer = world.offer(planned(world, kind), campaign=campaign)
        assert world.redeem(world.claim(offer), till, order_fen=order).value.discount.fen == taken
    voucher = world.claim(offer)  # a balance that is spent twice is one voucher
    for _ in range(2):
        world.redeem(voucher, till, order_fen=100)
    reconciliation.run(world.core, programme=programme.slug)
    found = leverage.report(world.core, programme=programme.slug).totals.figures
    least = sum(one[1] for one in orders.values()) + 200
    assert found.threshold == Money(least)
    assert found.face_redeemed == found.redeemed == Money(sum(o[2] for o in orders.values()) + 200)
    assert (found.vouchers_issued, found.vouchers_redeemed) == (6, 6)
    with world.core.transaction() as session:
        raw = recount.totals(session, programme.slug)
    assert (raw.released, raw.issued) == (found.released, found.issued)
    assert verification.verify(core).breaches == ()


def test_a_campaign_costs_what_all_pieces_of_its_packs_can(world: World, core: Core) -> None:
    draft = world.draft(area="441781")
    plan = planned(world, OfferKind.PACK)
    campaigns.create_offer(core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, Money.of_yuan(120))
    shown = campaigns.simulation(core, actor=world.planner, campaign=draft.id)
    assert shown["worst_case_fen"] == 12_000
    assert shown["discounts"] == [{"title": plan.title, "bps": 1_000, "steep": False}]
    proposal = campaigns.submit(core, actor=world.planner, campaign=draft.id)
    assert approvals.get(core, actor=world.approver, approval=proposal).amount == Money(12_000)


def test_an_approver_signs_for_every_term(world: World, core: Core) -> None:
    with core.transaction() as session:
        till = merchants.till(session, cashier=world.cashier().id)
    draft = world.draft()
    terms: dict[str, object] = {
        "shops": (till.shop_id,),
        "hours": ((time(10), time(14)), (time(18), time(2))),
        "weekdays": (1, 2, 3),
        "excluded_items": (GoodsClass.FUEL, GoodsClass.TOBACCO),
        "stack_limit": 3,
        "refund_rule": RefundRule.RESTORED,
        "partial_refund": PartialRefund.THRESHOLD_KEPT,
        "paper": True,
    }
    plan = planned(world, OfferKind.PERCENT_CAPPED, **terms)
    made = campaigns.create_offer(core, actor=world.planner, campaign=draft.id, plan=plan).value
    assert {name: getattr(made, name) for name in terms} == terms
    world.line(draft.id, max_liability(made) * made.quota)
    proposal = campaigns.submit(core, actor=world.planner, campaign=draft.id)
    (signed,) = approvals.get(core, actor=world.approver, approval=proposal).payload["offers"]
    assert {name: signed[name] for name in (*terms, "kind", "rate_bps", "pieces")} == {
        "kind": "percent_capped",
        "rate_bps": 2_000,
        "pieces": 1,
        "shops": [str(till.shop_id)],
        "hours": [["10:00", "14:00"], ["18:00", "02:00"]],
        "weekdays": [1, 2, 3],
        "excluded_items": ["fuel", "tobacco"],
        "stack_limit": 3,
        "refund_rule": "restored",
        "partial_refund": "threshold_kept",
        "paper": True,
    }


def test_a_shop_that_nobody_knows_is_refused(world: World, core: Core) -> None:
    plan = planned(world, OfferKind.FIXED, shops=(ShopId(uuid4()),))
    with pytest.raises(PlanInvalid) as refused:
        campaigns.create_offer(core, actor=world.planner, campaign=world.draft().id, plan=plan)
    assert list(refused.value.extra["errors"]) == ["shops"]


@pytest.mark.parametrize(
    "nonsense",
    [
        "kind = 'pack'",
        "pieces = 4",
        "kind = 'percent_capped'",
        "rate_bps = 2000",
        "kind = 'percent_capped', rate_bps = 2000, threshold_fen = 4",
        "kind = 'balance', paper = true",
        "kind = 'balance', threshold_fen = 0",
        "weekdays = '{8}'",
        "stack_limit = 11",
    ],
)
def test_the_database_refuses_nonsense(world: World, nonsense: str) -> None:
    offer = world.offer()
    with pytest.raises(IntegrityError), world.core.transaction() as session:
        session.execute(text(f"UPDATE offer SET {nonsense} WHERE id = :id"), {"id": offer.id})


def test_terms_are_told_when_those_remembered_are_dropped(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, other = World(core).offer(), World(core).offer()
    with core.transaction() as session:
        campaigns.terms(session, offers=[known.id])
        monkeypatch.setattr(reading, "_MOST_TERMS", 0)
        found = campaigns.terms(session, offers=[known.id, other.id])
    assert list(found) == [known.id, other.id]
