"""Any sequence of redemptions, refunds, reversals, settlements, lapses and closes keeps the rule.

After every step the subsidy kept is the rule of the goods kept, each voucher has spent what it
should, the ledger and the quotas hold, and nobody was given more than was taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tests.make import World
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferKind, PartialRefund, RefundRule
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.money import ZERO, Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, OtherDiscount, Payer, Phase, Redemption
from voucher_service.redemption.refunds import Bill, Fate, kept_subsidy
from voucher_service.reports import invariants
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher

TERMS: dict[OfferKind, dict[str, Any]] = {
    OfferKind.THRESHOLD: {},
    OfferKind.FIXED: {},
    OfferKind.PERCENT_CAPPED: {"rate_bps": 1_300},
    OfferKind.PACK: {"pieces": 3},
    OfferKind.BALANCE: {"threshold": Money(1)},
}
CHECKED = {
    name: statement
    for name, statement in (invariants.LEDGER | invariants.QUOTAS).items()
    if not name.startswith("L8")
}


@dataclass
class Done:
    """An order as it was redeemed, and what went back of it since."""

    voucher: Voucher
    redemption: Redemption
    cash: Money = ZERO
    phase: Phase = Phase.NONE
    reversed: bool = False
    refunded: Money = ZERO
    back: Money = ZERO  # of the voucher

    @property
    def left(self) -> Money:
        return self.redemption.order_amount - self.refunded


@dataclass
class Town:
    """What all examples share: one city on one clock that only goes forward."""

    world: World
    clock: Clock
    till: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.till = self.world.cashier()


class Refunds(RuleBasedStateMachine):
    """One offer, its vouchers and their orders."""

    town: ClassVar[Town]

    @initialize(
        kind=st.sampled_from(OfferKind),
        refund_rule=st.sampled_from(RefundRule),
        partial=st.sampled_from(PartialRefund),
    )
    def begin(self, kind: OfferKind, refund_rule: RefundRule, partial: PartialRefund) -> None:
        world = self.town.world
        plan = replace(
            world.plan(quota=5, limit=5, valid_days=4),
            kind=kind,
            refund_rule=refund_rule,
            partial_refund=partial,
            **TERMS[kind],
        )
        self.offer: Offer = world.offer(plan)
        self.core: Core = world.core
        self.held: list[Voucher] = []
        self.done: list[Done] = []
        self.spent: dict[Any, Money] = {}
        self.closed = False

    @precondition(lambda self: len(self.held) < 5 and not self.closed)
    @rule()
    def claim(self) -> None:
        try:
            found = self.town.world.claim(self.offer)
        except Conflict:
            return  # what was given up isn't back at the gate yet
        self.held.append(found)
        self.spent[found.id] = ZERO

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 9), fen=st.integers(10_000, 20_000), bank=st.integers(0, 900))
    def redeem(self, which: int, fen: int, bank: int) -> None:
        voucher = self.held[which % len(self.held)]
        fen = fen // 20 if self.offer.kind is OfferKind.BALANCE else fen
        others = (OtherDiscount(Payer.BANK, Money(bank)),) if bank > 450 and fen > 5_000 else ()
        try:
            made = redemption.redeem(
                self.core,
                actor=self.town.till,
                code=self.town.world.code(voucher),
                order=Order(Money(fen), uuid4().hex, discounts=others),
                key=uuid4().hex,
            ).value
        except (Conflict, Unprocessable):
            return  # used up, expired, given up, or not before tomorrow
        self.done.append(Done(voucher, made))
        self.spent[voucher.id] += made.discount

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 9), share=st.sampled_from([1, 7, 30, 50, 99, 100, 100, 100]))
    def refund(self, which: int, share: int) -> None:
        done = self.done[which % len(self.done)]
        amount = Money(max(1, done.left.fen * share // 100))
        try:
            made = redemption.refund(
                self.core,
                actor=self.town.till,
                redemption=done.redemption.id,
                amount=amount,
                reason="顾客退货",
                key=uuid4().hex,
            ).value
        except (Conflict, Unprocessable):
            assert done.reversed or not done.left
            return
        assert not done.reversed
        done.refunded += amount
        done.cash += made.parts.cash
        assert done.cash <= done.redemption.paid
        if not done.left:
            assert done.cash == done.redemption.paid
        if made.fate.reusable or made.fate is Fate.RETURNED:
            whole = done.redemption.discount - done.back
            back = made.parts.subsidy if done.left else whole
            assert not done.left or self.offer.kind is OfferKind.BALANCE
            done.back += back
            self.spent[done.voucher.id] -= back

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 9))
    def reverse(self, which: int) -> None:
        done = self.done[which % len(self.done)]
        try:
            redemption.reverse(
                self.core,
                actor=self.town.till,
                reference=done.redemption.order_reference,
                reason="错单",
                key=uuid4().hex,
            )
        except Conflict:
            return  # too late, refunded or settled
        if not done.reversed:
            assert not done.refunded and done.phase is Phase.NONE
            done.reversed = True
            self.spent[done.voucher.id] -= done.redemption.discount

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 9), phase=st.sampled_from(Phase))
    def settle(self, which: int, phase: Phase) -> None:
        done = self.done[which % len(self.done)]
        try:
            with self.core.transaction() as session:
                redemption.mark_settled(
                    session,
                    ids=[done.redemption.id],
                    phase=phase,
                    now=self.core.now(session),
                    actor=SYSTEM,
                )
        except OvertakenByAnother:
            return
        done.phase = phase

    @rule(hours=st.sampled_from([1, 20, 60]))
    def wait(self, hours: int) -> None:
        self.town.clock.set(self.town.world.now() + timedelta(hours=hours))
        while vouchers.expire_due(self.core):
            pass

    @rule()
    def fold(self) -> None:
        with self.core.transaction() as session:
            now = self.core.now(session)
            budgets.fold(session, campaign=self.offer.campaign_id, offer=self.offer.id, now=now)

    @precondition(lambda self: self.done and not self.closed)
    @rule()
    def close(self) -> None:
        world = self.town.world
        proposal = campaigns.close(self.core, actor=world.planner, campaign=self.offer.campaign_id)
        world.approve(proposal)
        self.closed = True

    @invariant()
    def the_subsidy_kept_is_the_rule_of_the_goods_kept(self) -> None:
        for done in self.done:
            if done.reversed:
                continue
            found = redemption.get(self.core, actor=self.town.till, redemption=done.redemption.id)
            bill = Bill(self.offer, found.order_amount, found.discount)
            kept = found.discount - found.refunded_discount
            assert found.refunded == done.refunded
            assert kept == kept_subsidy(bill, done.left)

    @invariant()
    def each_voucher_has_spent_what_it_should(self) -> None:
        for one in self.held:
            owner = Actor(ActorKind.RESIDENT, one.resident_id)
            found = vouchers.get(self.core, actor=owner, voucher=one.id)
            assert found.spent == self.spent[one.id]

    @invariant()
    def the_books_hold(self) -> None:
        with self.core.transaction() as session:
            broken = [
                f"{name}: {case}"
                for name, statement in CHECKED.items()
                for case in session.execute(text(f"{statement} LIMIT 3")).scalars()
            ]
        assert broken == []


def test_whatever_happens_the_rule_is_kept(core: Core, clock: Clock) -> None:
    class Here(Refunds):
        town = Town(World(with_clock(core, clock)), clock)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            suppress_health_check=list(HealthCheck),
        ),
    )
