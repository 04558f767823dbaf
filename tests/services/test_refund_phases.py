"""Refunds in every phase of settlement, beside it, after the close, and on their own day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.make import World
from tests.services.giving_back import clean, holds, look, mark, owed, refund, spent
from tests.services.treasury import treasury_of, yuan
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import PartialRefund
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, line, merchant
from voucher_service.merchants import service as merchants
from voucher_service.reconciliation import service as reconciliation
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import (
    Phase,
    Recovery,
    Redemption,
)
from voucher_service.redemption.refunds import (
    Fate,
    Refund,
)
from voucher_service.reports import leverage
from voucher_service.reports.groups import Basis, GroupBy
from voucher_service.vouchers.model import Status


def test_in_a_running_batch_the_next_batch_subtracts_it(world: World) -> None:
    till = world.cashier()
    _, done = spent(world, till)
    assert mark(world.core, [done], Phase.BATCHED) == {done.id: Money(2_000)}
    made = refund(world, till, done, 6_400).value
    assert (made.phase, made.recovery) == (Phase.BATCHED, Recovery.NET_OFF)
    assert owed(world, till) == (Money(1_000), ZERO)
    assert clean(world.core) == []
    assert mark(world.core, [done], Phase.PAID) == {done.id: Money(2_000)}
    assert owed(world, till) == (ZERO, Money(1_000))
    assert clean(world.core) == []


def test_a_dropped_batch_leaves_nothing_to_subtract(world: World) -> None:
    till = world.cashier()
    _, done = spent(world, till)
    mark(world.core, [done], Phase.BATCHED)
    made = refund(world, till, done, 6_400).value
    assert mark(world.core, [done], Phase.NONE) == {done.id: Money(1_000)}
    assert owed(world, till) == (ZERO, ZERO)
    found = redemption.get_refund(world.core, actor=till, refund=made.id)
    assert found.recovery is Recovery.NONE
    assert mark(world.core, [done], Phase.BATCHED) == {done.id: Money(1_000)}
    assert mark(world.core, [done], Phase.PAID) == {done.id: Money(1_000)}
    assert owed(world, till) == (ZERO, ZERO)
    assert clean(world.core) == []


def test_after_the_payout_the_merchant_owes_it_and_no_funder_bears_it(world: World) -> None:
    t = treasury_of(world)
    fund = t.fund("city", yuan(600))
    other = t.fund("jiangcheng", yuan(600))
    t.allot(t.frame, fund, yuan(600))
    t.allot(t.frame, other, yuan(600))
    campaign = t.draft(t.frame)
    t.line(campaign, "city", yuan(200), 6_667, fallback=True)
    t.line(campaign, "jiangcheng", yuan(200), 3_333)
    of = t.publish(campaign, t.offer(campaign, 10))
    till = world.cashier()
    pair = [world.claim(of) for _ in range(2)]
    done = [world.redeem(one, till).value for one in pair]
    mark(world.core, done, Phase.BATCHED)
    mark(world.core, done, Phase.PAID)
    with world.core.transaction() as session:
        lines = budgets.lines(session, campaign=of.campaign_id)
        paid = ledger.balances(session, [line(one.id, Stage.SETTLED) for one in lines])
    assert sorted(one.fen for one in paid.values()) == [1_333, 2_667]
    made = refund(world, till, done[0]).value
    assert (made.recovery, made.fate) == (Recovery.CLAW_BACK, Fate.LIVES)
    assert owed(world, till) == (ZERO, Money(2_000))
    with world.core.transaction() as session:
        of_merchant = merchants.till(session, cashier=till.id).merchant_id  # type: ignore[arg-type]
        bears = ledger.balances(session, [line(one.id, Stage.SETTLED) for one in lines])
        overpaid = ledger.balance(session, merchant(of_merchant, Stage.SETTLED))
    assert (Money.total(bears.values()), overpaid) == (Money(2_000), Money(2_000))
    assert sorted(one.fen for one in bears.values()) == [667, 1_333]
    assert clean(world.core) == []
    assert world.redeem(pair[0], till).value.discount == Money(2_000)
    t.fold(of)
    assert clean(world.core) == []


def test_a_phase_is_set_for_all_or_for_none(world: World) -> None:
    till = world.cashier()
    _, first = spent(world, till)
    _, second = spent(world, till)
    mark(world.core, [first], Phase.BATCHED)
    for phase in (Phase.BATCHED, Phase.PAID):
        with pytest.raises(OvertakenByAnother):
            mark(world.core, [first, second], phase)
    assert redemption.get(world.core, actor=till, redemption=second.id).phase is Phase.NONE


def test_a_refund_and_a_batch_never_cross(world: World) -> None:
    till = world.cashier()
    done = [spent(world, till)[1] for _ in range(6)]

    def settle(one: Redemption) -> Money:
        mark(world.core, [one], Phase.BATCHED)
        return mark(world.core, [one], Phase.PAID)[one.id]

    def give_back(one: Redemption) -> Refund:
        return refund(world, till, one, 6_400).value

    with ThreadPoolExecutor(8) as pool_:
        paid = [pool_.submit(settle, one) for one in done]
        made = [pool_.submit(give_back, one) for one in done]
        for money, back in zip(paid, made, strict=True):
            expected = 1_000 if back.result().recovery is Recovery.NONE else 2_000
            assert money.result() == Money(expected)
    more = sum(back.result().recovery is not Recovery.NONE for back in made)
    assert owed(world, till) == (ZERO, Money(1_000 * more))
    assert clean(world.core) == []


def test_after_the_close_the_money_goes_home_and_a_half_used_right_is_not_remade(
    world: World,
) -> None:
    till = world.cashier()
    half, half_done = spent(world, till)
    whole = world.claim(half.offer)
    whole_done = world.redeem(whole, till).value
    refund(world, till, half_done, 6_400)
    proposal = campaigns.close(world.core, actor=world.planner, campaign=half.offer.campaign_id)
    world.approve(proposal)
    made = refund(world, till, half_done, 6_400).value
    assert (made.fate, look(world, half).status) == (Fate.CLOSED, Status.REDEEMED)
    assert refund(world, till, whole_done).value.fate is Fate.LIVES
    assert holds(world, half.offer) == {"reserved": 0, "outstanding": 2_000, "committed": 0}
    assert clean(world.core) == []


def test_a_refund_counts_on_its_own_day(core: Core, clock: Clock) -> None:
    world = World(with_clock(core, clock))
    till = world.cashier()
    _, done = spent(world, till)
    clock.set(world.now() + timedelta(days=1))
    refund(world, till, done, 6_400)
    today = day_of(world.now())
    then = redemption.summary(world.core, actor=till, day=today - timedelta(days=1))
    now = redemption.summary(world.core, actor=till, day=today)
    assert (then.count, then.refunded) == (1, ZERO)
    assert (now.count, now.refunded) == (0, Money(6_400))


def test_the_report_takes_a_refund_off_the_day_it_was_made(core: Core, clock: Clock) -> None:
    world = World(with_clock(core, clock))
    programme = world.programme()
    of = world.offer(campaign=world.draft(programme=programme))
    till = world.cashier()
    done = world.redeem(world.claim(of), till).value
    first = day_of(world.now())
    clock.set(world.now() + timedelta(days=1))
    refund(world, till, done, 6_400)
    reconciliation.run(world.core, programme=programme.slug)

    def days(basis: Basis) -> dict[str | None, tuple[int, int, int]]:
        report = leverage.report(
            world.core, programme=programme.slug, group_by=GroupBy.DAY, basis=basis
        )
        found = {row.key: row.figures for row in report.rows}
        return {
            key: (one.redeemed.fen, one.leveraged.fen, one.refunded.fen)
            for key, one in found.items()
            if one.leveraged
        }

    second = first + timedelta(days=1)
    assert days(Basis.PERIOD) == {
        first.isoformat(): (2_000, 12_800, 0),
        second.isoformat(): (-1_000, -6_400, 6_400),
    }
    assert days(Basis.COHORT) == {first.isoformat(): (1_000, 6_400, 6_400)}


def test_refunds_and_a_reversal_at_once_leave_clean_books(world: World) -> None:
    till = world.cashier()
    done = [spent(world, till)[1] for _ in range(4)]

    def undo(one: Redemption) -> str:
        try:
            redemption.reverse(
                world.core,
                actor=till,
                reference=one.order_reference,
                reason="错单",
                key=uuid4().hex,
            )
        except DomainError as refusal:
            return refusal.code
        return "reversed"

    def give_back(one: Redemption) -> str:
        try:
            refund(world, till, one, 6_400)
        except DomainError as refusal:
            return refusal.code
        return "refunded"

    with ThreadPoolExecutor(8) as pool_:
        results = [
            {pool_.submit(undo, one), pool_.submit(give_back, one), pool_.submit(give_back, one)}
            for one in done
        ]
        for each in results:
            said = {future.result() for future in each}
            assert said <= {"reversed", "nothing_to_refund"} or said <= {
                "refunded",
                "reversal_too_late",
                "overtaken",
            }
    assert clean(world.core) == []


def test_a_refund_that_leaves_the_subsidy_is_reported_too(world: World) -> None:
    programme = world.programme()
    plan = replace(world.plan(), partial_refund=PartialRefund.THRESHOLD_KEPT)
    of = world.offer(plan, campaign=world.draft(programme=programme))
    till = world.cashier()
    done = world.redeem(world.claim(of), till).value
    reconciliation.run(world.core, programme=programme.slug)
    _, newest = reconciliation.changed(world.core, since=0)
    assert reconciliation.changed(world.core, since=newest)[0] == []
    assert refund(world, till, done, 2_800).value.parts.subsidy == ZERO
    assert clean(world.core) == []
    assert reconciliation.changed(world.core, since=newest)[0] == [programme.slug]
