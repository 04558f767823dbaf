"""A street where one thing after another happens to vouchers, as chance has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import uuid4

from tests.make import CITY, JIANGCHENG, World
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.campaigns.model import Offer, OfferKind, PartialRefund, RefundRule
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Phase, Redemption
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher

_KEPT = PartialRefund.THRESHOLD_KEPT


def refund(core: Core, till: Actor, done: Redemption, fen: int) -> None:
    redemption.refund(
        core,
        actor=till,
        redemption=done.id,
        amount=Money(fen),
        reason="顾客退货",
        key=uuid4().hex,
    )


def reverse(world: World, till: Actor, reference: str) -> None:
    redemption.reverse(
        world.core, actor=till, reference=reference, reason="重复下单", key=uuid4().hex
    )


class Street:
    """Residents, tills and offers of every kind, and one thing after another that happens."""

    def __init__(
        self, world: World, clock: Clock, rng: Random, *, days: int = 60, quota: int = 40
    ) -> None:
        self.world, self.clock, self.rng = world, clock, rng
        self.programme = programme = world.programme(days=days)
        self.slug = programme.slug
        plan = replace(world.plan(quota=quota, limit=9, valid_days=2), partial_refund=_KEPT)
        rate = replace(plan, kind=OfferKind.PERCENT_CAPPED, rate_bps=1_300)
        plans = (
            (plan, CITY),
            (replace(rate, refund_rule=RefundRule.RESTORED), JIANGCHENG),
            (replace(plan, kind=OfferKind.PACK, pieces=3, valid_days=7), CITY),
            (replace(plan, kind=OfferKind.BALANCE, threshold=Money(1)), JIANGCHENG),
        )
        self.offers: list[Offer] = [
            world.offer(one, campaign=world.draft(programme=programme, area=area))
            for one, area in plans
        ]
        self.residents = world.residents(4)
        self.tills = [
            world.cashier(area=JIANGCHENG, trade=Trade.DINING, size=SizeClass.SMALL),
            world.cashier(area="441781", trade=Trade.RETAIL, size=SizeClass.ABOVE_QUOTA),
        ]
        self.held: list[Voucher] = []
        self.orders: list[tuple[Actor, Redemption, str]] = []

    def go_on(self) -> None:
        """Something that a resident, a cashier, the office or the clock does; refusals are part."""
        often = (self.claim, self.spend, self.spend, self.give_back, self.sleep)
        try:
            self.rng.choice((*often, self.undo, self.ticket, self.settle, self.correct))()
        except (DomainError, OvertakenByAnother):
            return

    def claim(self) -> None:
        offer = self.rng.choice(self.offers)
        self.held.append(self.world.claim(offer, self.rng.choice(self.residents)))

    def spend(self, ticket: str | None = None, till: Actor | None = None) -> None:
        at, reference = till or self.rng.choice(self.tills), uuid4().hex
        voucher = self.rng.choice(self.held or [self.world.claim(self.offers[0])])
        paid_by = self.rng.choice((None, "one", "two", uuid4().hex))
        amount = Money(self.rng.randrange(10_000, 30_000))
        done = redemption.redeem(
            self.world.core,
            actor=at,
            code=self.world.code(voucher),
            order=Order(amount, reference, paid_by, ticket_reference=ticket),
            key=uuid4().hex,
        ).value
        self.orders.append((at, done, reference))

    def ticket(self) -> None:
        """Two vouchers on one receipt."""
        till, receipt = self.rng.choice(self.tills), uuid4().hex
        for _ in range(2):
            self.spend(receipt, till)

    def give_back(self) -> None:
        if self.orders:
            till, done, _ = self.rng.choice(self.orders)
            parts = (500, 4_000, 9_000, done.order_amount.fen, done.order_amount.fen)
            refund(self.world.core, till, done, self.rng.choice(parts))

    def undo(self) -> None:
        if self.orders:
            till, _, reference = self.orders[-1]
            reverse(self.world, till, reference)

    def settle(self) -> None:
        """An order is batched or paid: what comes back of it now is netted off, or owed."""
        if self.orders:
            core, done = self.world.core, self.rng.choice(self.orders)[1]
            phase = self.rng.choice((Phase.BATCHED, Phase.PAID))
            with core.transaction() as session:
                now = core.now(session)
                redemption.mark_settled(session, ids=[done.id], phase=phase, now=now, actor=SYSTEM)

    def correct(self) -> None:
        """The office takes a part of an order out of the books."""
        if self.orders:
            core, done = self.world.core, self.rng.choice(self.orders)[1]
            with core.transaction() as session:
                redemption.correct(
                    session,
                    redemption=done.id,
                    amount=Money(self.rng.choice((700, done.order_amount.fen))),
                    reason="对账更正",
                    key=uuid4().hex,
                    actor=SYSTEM,
                    now=core.now(session),
                )

    def sleep(self) -> None:
        assert self.clock.at
        self.clock.set(self.clock.at + timedelta(hours=self.rng.choice((1, 9, 30))))
        while vouchers.expire_due(self.world.core):
            pass
