"""A shop's days summed up, and its disputes from the first word to the last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest

from tests.make import World
from tests.services.test_till_files import as_manager
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.disputes import service as disputes
from voucher_service.disputes.model import (
    AlreadyDisputed,
    DisputeId,
    Event,
    Reason,
    Status,
    Subject,
)
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock, day_of, end_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, OtherDiscount, Payer
from voucher_service.reports import day_end


def colleague(world: World, cashier: Actor, name: str) -> Actor:
    """Another cashier of the same shop."""
    made = merchants.create_cashier(
        world.core,
        actor=SYSTEM,
        shop=merchants.desk(world.core, actor=cashier).till.shop_id,
        username=f"c-{uuid4().hex[:8]}",
        password="demo-only-cashier",
        display_name=name,
        demo=True,
    )
    return Actor(ActorKind.CASHIER, made.id, frozenset({Role.CASHIER}), cashier.area)


def test_a_day_adds_up_by_cashier_and_offer_and_says_what_is_owed(core: Core, world: World) -> None:
    first, offers = world.cashier(), (world.offer(), world.offer(world.plan(face=30)))
    second = colleague(world, first, "陈小姐")
    today = day_of(world.now())
    nothing = day_end.day_end(core, actor=first, first=today, last=today)
    assert nothing.total == day_end.Sums() and nothing.owed.since is None
    world.redeem(world.claim(offers[0]), first, order_fen=12_800)
    done = world.redeem(world.claim(offers[0]), second, order_fen=20_000).value
    bill = Order(Money(15_000), uuid4().hex, discounts=(OtherDiscount(Payer.BANK, Money(500)),))
    redemption.redeem(
        core, actor=second, code=world.code(world.claim(offers[1])), order=bill, key=uuid4().hex
    )
    redemption.refund(
        core,
        actor=first,
        redemption=done.id,
        amount=Money(10_000),
        reason="退货",
        key=uuid4().hex,
    )
    found = day_end.day_end(core, actor=first, first=today, last=today)
    total = found.total
    assert (total.orders, total.order, total.discount) == (3, Money(47_800), Money(7_000))
    assert (total.other, total.paid) == (Money(500), Money(40_300))
    assert (total.refunds, total.refunded) == (1, Money(10_000))
    assert (total.refunded_discount, total.cash_back) == (Money(1_000), Money(9_000))
    for group in (found.cashiers, found.points, found.offers):
        assert sum(one.orders for _, one in group) == 3
        assert Money.total(one.order for _, one in group) == total.order
        assert Money.total(one.refunded for _, one in group) == total.refunded
    assert {name: one.orders for name, one in found.cashiers} == {"陈小姐": 2, "收银员": 1}
    assert {name: one.discount.fen for name, one in found.offers} == {
        "满100减20": 4_000,
        "满100减30": 3_000,
    }
    assert (found.owed.amount, found.owed.orders) == (Money(6_000), 3)
    assert found.owed.since == today
    before = day_end.day_end(
        core, actor=first, first=today - timedelta(days=1), last=today - timedelta(days=1)
    )
    assert before.total == day_end.Sums() and before.owed == found.owed


def object_to(world: World, manager: Actor, core: Core | None = None) -> DisputeId:
    """An objection to a new order of the manager's shop."""
    done = world.redeem(world.claim(world.offer()), manager).value
    return disputes.open_dispute(
        core or world.core,
        actor=manager,
        subject=Subject.REDEMPTION,
        subject_id=done.id,
        reason=Reason.AMOUNT,
        text="小票是 129 元",
        wanted=Money(1_900),
    )


@pytest.fixture
def manager(world: World) -> Actor:
    """A manager at a shop of their own."""
    return as_manager(world.cashier())


def test_a_dispute_is_a_thread_that_both_sides_read(world: World, manager: Actor) -> None:
    core, finance = world.core, world.staff(Role.FINANCE)
    id = object_to(world, manager)
    for actor, event in (
        (finance, Event.ANSWERED),
        (manager, Event.REPLIED),
        (finance, Event.REJECTED),
        (manager, Event.REPLIED),
        (finance, Event.ACCEPTED),
        (finance, Event.CLOSED),
    ):
        disputes.say(core, actor=actor, dispute=id, event=event, text=str(event))
    found = disputes.get(core, actor=manager, dispute=id)
    assert found == disputes.get(core, actor=finance, dispute=id)
    assert found.status is Status.CLOSED and found.wanted == Money(1_900)
    assert [one.ours for one in found.thread] == [False, True, False, True, False, True, True]
    with pytest.raises(IllegalTransition):
        disputes.say(core, actor=manager, dispute=id, event=Event.REPLIED, text="noch etwas")


def test_the_same_thing_is_disputed_once_at_a_time(world: World, manager: Actor) -> None:
    def owed() -> DisputeId:
        return disputes.open_dispute(
            world.core,
            actor=manager,
            subject=Subject.SETTLEMENT,
            subject_id=None,
            reason=Reason.UNPAID,
            text="没到账",
        )

    first = owed()
    with pytest.raises(AlreadyDisputed):
        owed()
    disputes.say(world.core, actor=manager, dispute=first, event=Event.WITHDRAWN, text="到账了")
    assert owed() != first


def test_each_side_says_only_what_is_its_to_say(world: World, manager: Actor) -> None:
    core, id = world.core, object_to(world, manager)
    cases = (
        (manager, Event.ACCEPTED, NotAllowed),
        (world.staff(Role.FINANCE), Event.REPLIED, NotAllowed),
        (world.staff(Role.PLANNER), Event.ACCEPTED, NotAllowed),
        (world.staff(Role.REVIEWER, area="441781"), Event.ACCEPTED, NoSuchThing),
        (as_manager(world.cashier()), Event.REPLIED, NoSuchThing),
        (replace(manager, roles=frozenset({Role.CASHIER})), Event.REPLIED, NotAllowed),
    )
    for actor, event, refusal in cases:
        with pytest.raises(refusal):
            disputes.say(core, actor=actor, dispute=id, event=event, text="…")
    assert len(disputes.get(core, actor=manager, dispute=id).thread) == 1


def test_another_shops_order_cannot_be_disputed(world: World, manager: Actor) -> None:
    theirs = world.redeem(world.claim(world.offer())).value
    with pytest.raises(NoSuchThing):
        disputes.open_dispute(
            world.core,
            actor=manager,
            subject=Subject.REDEMPTION,
            subject_id=theirs.id,
            reason=Reason.NOT_OURS,
            text="这是别家的",
        )


def test_the_office_has_days_to_answer_and_new_ones_after_a_reply(
    world: World, manager: Actor
) -> None:
    core, days = world.core, world.core.settings.books.dispute_days
    id, finance = object_to(world, manager), world.staff(Role.FINANCE)
    found = disputes.get(core, actor=manager, dispute=id)
    assert found.due_at == end_of(day_of(found.opened_at) + timedelta(days=days))
    assert not found.late(found.due_at - timedelta(seconds=1)) and found.late(found.due_at)
    disputes.say(core, actor=finance, dispute=id, event=Event.ANSWERED, text="请寄小票")
    assert not disputes.get(core, actor=manager, dispute=id).late(found.due_at)
    later = with_clock(core, Clock(found.opened_at + timedelta(days=3)))
    disputes.say(later, actor=manager, dispute=id, event=Event.REPLIED, text="已寄")
    again = disputes.get(core, actor=manager, dispute=id)
    assert again.due_at == found.due_at + timedelta(days=3)


def test_of_two_decisions_at_once_one_stands(world: World, manager: Actor) -> None:
    core, id, ready = world.core, object_to(world, manager), Barrier(2)
    said: list[str] = []

    def decide(event: Event) -> None:
        actor = world.staff(Role.REVIEWER)
        ready.wait()
        try:
            disputes.say(core, actor=actor, dispute=id, event=event, text="…")
            said.append("done")
        except (OvertakenByAnother, IllegalTransition):
            said.append("late")

    both = [Thread(target=decide, args=(one,)) for one in (Event.ACCEPTED, Event.REJECTED)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(said) == ["done", "late"]
    assert len(disputes.get(core, actor=manager, dispute=id).thread) == 2


def test_the_queue_shows_the_oldest_of_its_area_first_a_page_at_a_time(
    world: World, manager: Actor
) -> None:
    core, reviewer = world.core, world.staff(Role.REVIEWER, area=manager.area)
    made = [object_to(world, manager) for _ in range(3)]
    seen, cursor = [], None
    while True:
        page = disputes.queue(core, actor=reviewer, status=Status.OPEN, cursor=cursor, limit=2)
        seen += [one.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert [one for one in seen if one in made] == made
    mine = disputes.of_shop(core, actor=manager, cursor=None, limit=9)
    assert [one.id for one in mine.items] == made[::-1]
