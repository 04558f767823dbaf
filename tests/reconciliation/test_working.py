"""A difference is worked by people: explained, or closed by two, with new entries in the books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.make import World
from tests.reconciliation.conftest import Channel
from voucher_service.alarms import service as alarms
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import SamePerson
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.differences import model, service
from voucher_service.reconciliation.differences.model import (
    CorrectionNeeded,
    Difference,
    NothingToCorrect,
    Status,
)
from voucher_service.reconciliation.model import Finding
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order
from voucher_service.redemption.refunds import NothingToRefund, RefundExceedsOrder
from voucher_service.settlement import service as settlement

Make = Callable[[], Channel]


def one(here: Channel, finding: Finding) -> Difference:
    return next(one for one in here.differences() if one.line.finding is finding)


def held(core: Core, order: RedemptionId) -> bool:
    with core.transaction() as session:
        return bool(settlement.holds(session, redemptions=[order]))


def test_a_ghost_order_is_given_back_by_two_and_let_go(channel: Make, world: World) -> None:
    here = channel()
    ghost = here.order(paid=False)
    here.order()
    here.take()
    found = one(here, Finding.ONLY_OURS)
    assert held(here.core, ghost.id)
    whole = model.give_back(found.line, Money(12_800))
    assert whole == Money(12_800)
    proposal = service.propose(
        here.core, actor=here.finance, difference=found.id, amount=whole, reason="渠道没有这笔款"
    )
    both = Actor(
        here.finance.kind, here.finance.id, here.finance.roles | {Role.APPROVER}, here.finance.area
    )
    with pytest.raises(SamePerson):
        approvals.approve(here.core, actor=both, approval=proposal)
    world.approve(proposal)
    (closed,) = here.differences(Status.CORRECTED)
    assert (closed.id, closed.correction) == (found.id, Money(12_800))
    assert not held(here.core, ghost.id)
    with here.core.transaction() as session:
        refunded, entries = session.execute(
            text(
                "SELECT r.refunded_discount_fen, (SELECT count(*) FROM redemption_refund f"
                " JOIN ledger.transfer t ON t.key = f.id::text AND t.code = 'refunded'"
                " WHERE f.redemption_id = r.id) FROM redemption r WHERE r.id = :id"
            ),
            {"id": ghost.id},
        ).one()
    assert (refunded, entries) == (2_000, 1)


def test_a_smaller_payment_is_corrected_by_its_part_of_the_order(
    channel: Make, world: World
) -> None:
    here = channel()
    order = here.order()
    here.order()
    here.take(replace(here.lines[0], paid=5_400), here.lines[1])
    found = one(here, Finding.AMOUNT_DIFFERS)
    wanted = model.give_back(found.line, Money(12_800))
    assert wanted == Money(5_400)
    world.approve(
        service.propose(
            here.core, actor=here.finance, difference=found.id, amount=wanted, reason="只付了一半"
        )
    )
    with here.core.transaction() as session:
        (row,) = session.execute(
            text("SELECT refunded_fen FROM redemption WHERE id = :id"), {"id": order.id}
        )
    assert row.refunded_fen == 5_400


def test_a_ghost_ticket_of_two_vouchers_is_held_and_given_back_whole(
    channel: Make, world: World
) -> None:
    here = channel()
    here.offer = world.offer(replace(world.plan(quota=20, limit=5), stack_limit=2))
    number = here.reference()
    ghosts = [
        redemption.redeem(
            here.core,
            actor=here.cashier,
            code=world.code(world.claim(here.offer)),
            order=Order(Money(12_800), uuid4().hex, number, ticket_reference="t-1"),
            key=uuid4().hex,
        ).value.id
        for _ in range(2)
    ]
    here.order()
    made = here.take()
    found = one(here, Finding.ONLY_OURS)
    assert [held(here.core, ghost) for ghost in ghosts] == [True, True]
    ties = []
    service.export(
        here.core,
        actor=here.finance,
        file=made.id,
        write=lambda _file, tie, _lines: ties.append(tie),
    )
    assert [(tie.orders, tie.subsidy, tie.holds) for tie in ties] == [(3, Money(6_000), True)]
    whole = model.give_back(found.line, Money(25_600))
    assert whole == Money(25_600)
    for amount in (whole + Money(1), Money(0)):
        with pytest.raises((RefundExceedsOrder, NothingToRefund)):
            service.propose(
                here.core, actor=here.finance, difference=found.id, amount=amount, reason="错数"
            )
    world.approve(
        service.propose(
            here.core, actor=here.finance, difference=found.id, amount=whole, reason="渠道没有"
        )
    )
    orders = [redemption.get(here.core, actor=here.cashier, redemption=one) for one in ghosts]
    assert [order.refunded for order in orders] == [Money(12_800), Money(12_800)]
    assert [held(here.core, ghost) for ghost in ghosts] == [False, False]


def test_who_accepts_our_books_takes_a_second_person_and_no_entry(
    channel: Make, world: World
) -> None:
    here = channel()
    order = here.order(paid=False)
    here.order()
    here.take()
    found = one(here, Finding.ONLY_OURS)
    with pytest.raises(CorrectionNeeded):
        service.explain(here.core, actor=here.finance, difference=found.id, text="现金支付")
    proposal = service.propose(
        here.core, actor=here.finance, difference=found.id, amount=None, reason="现金支付，有小票"
    )
    assert here.differences(Status.PROPOSED)[0].id == found.id
    assert held(here.core, order.id)
    world.approve(proposal)
    assert here.differences(Status.ACCEPTED)[0].id == found.id
    assert not held(here.core, order.id)
    assert redemption.get(here.core, actor=here.cashier, redemption=order.id).refunded == Money(0)


def test_a_proposal_that_is_sent_back_leaves_the_difference_open_and_held(
    channel: Make, world: World
) -> None:
    here = channel()
    order = here.order(paid=False)
    here.order()
    here.take()
    found = one(here, Finding.ONLY_OURS)
    proposal = service.propose(
        here.core,
        actor=here.finance,
        difference=found.id,
        amount=Money(12_800),
        reason="渠道没有",
    )
    approvals.reject(here.core, actor=world.approver, approval=proposal, reason="再查")
    again = one(here, Finding.ONLY_OURS)
    assert (again.status, again.correction) == (Status.OPEN, None)
    assert held(here.core, order.id)


def test_what_is_no_order_of_ours_is_explained_by_one(channel: Make, world: World) -> None:
    here = channel()
    here.order()
    here.take(*here.lines, here.line(here.reference(), 700))
    found = one(here, Finding.ONLY_THEIRS)
    with pytest.raises(NothingToCorrect):
        service.propose(
            here.core, actor=here.finance, difference=found.id, amount=Money(700), reason="试试"
        )
    other = world.staff(Role.FINANCE)
    service.take_over(here.core, actor=other, difference=found.id)
    service.comment(here.core, actor=other, difference=found.id, text="问过商户")
    service.explain(here.core, actor=other, difference=found.id, text="没用券的订单")
    told = service.difference(here.core, actor=here.finance, difference=found.id)
    assert (told.status, told.owner) == (Status.EXPLAINED, other.id)
    assert [(note.event, note.text) for note in told.notes] == [
        ("difference.taken_over", ""),
        ("difference.commented", "问过商户"),
        ("difference.explained", "没用券的订单"),
    ]


def test_a_county_sees_the_differences_of_its_own_shops_only(channel: Make, world: World) -> None:
    here = channel()
    here.order(paid=False)
    here.order()
    here.take(*here.lines, here.line(here.reference(), 700))
    found = one(here, Finding.ONLY_OURS)
    there, elsewhere = (world.staff(Role.FINANCE, area=area) for area in ("441702", "441781"))
    assert service.difference(here.core, actor=there, difference=found.id).area == "441702"
    with pytest.raises(NoSuchThing):
        service.difference(here.core, actor=elsewhere, difference=found.id)
    with pytest.raises(NoSuchThing):
        service.comment(here.core, actor=elsewhere, difference=found.id, text="不归我管")
    with pytest.raises(NotAllowed):
        service.differences(
            here.core,
            actor=world.planner,
            status=Status.OPEN,
            finding=None,
            file=None,
            cursor=None,
            limit=10,
        )


def test_a_difference_that_nobody_closes_in_time_raises_an_alarm(
    channel: Make, world: World
) -> None:
    here = channel()
    here.order(paid=False)
    here.order()
    here.take()
    auditor = world.staff(Role.AUDITOR)

    def alarmed() -> bool:
        found = alarms.page(here.core, actor=auditor, still_open=True, cursor=None, limit=100)
        return any(one.subject == service.OVERDUE for one in found.items)

    service.watch(here.core)
    assert not alarmed()
    later = with_clock(here.core, Clock(world.now() + timedelta(days=7)))
    assert service.watch(later) >= 1
    assert alarmed()
    assert service.waiting(here.core, actor=here.finance).count >= 1


def test_our_side_of_a_file_ties_to_the_ledger(channel: Make, world: World) -> None:
    here = channel()
    order = here.order()
    here.order()
    made = here.take()
    redemption.refund(
        here.core,
        actor=here.cashier,
        redemption=order.id,
        amount=Money(1_000),
        reason="少买一件",
        key="r1",
    )
    ties = []
    service.export(
        here.core,
        actor=here.finance,
        file=made.id,
        write=lambda _file, tie, lines: ties.append((tie, len(list(lines)))),
    )
    ((tie, count),) = ties
    assert (count, tie.orders, tie.subsidy) == (2, 2, Money(4_000))
    assert tie.holds
    assert tie.refunded == tie.refunded_in_ledger != Money(0)
