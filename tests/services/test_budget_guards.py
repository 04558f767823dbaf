"""What guards money above the lines: locks, the database, the auditor, and stopped payouts."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.make import World
from tests.services.treasury import Treasury, clean, treasury_of, yuan
from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind, PayoutsStopped
from voucher_service.approvals import service as approvals
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Move
from voucher_service.kernel.actor import Role
from voucher_service.kernel.money import Money
from voucher_service.ledger.model import FundsShort


@pytest.fixture
def treasury(world: World) -> Treasury:
    return treasury_of(world)


def test_of_two_that_take_the_same_money_at_once_one_gets_it(treasury: Treasury) -> None:
    t = treasury
    for _ in range(5):
        city = t.fund("city", yuan(100))
        t.allot(t.frame, city, yuan(100))
        down = budgets.allot(
            t.core,
            actor=t.world.planner,
            budget=t.jiangcheng.id,
            fund=city.id,
            amount=yuan(60),
            key=uuid4().hex,
        ).value
        back = budgets.hand_back(
            t.core,
            actor=t.world.planner,
            budget=t.frame.id,
            fund=city.id,
            amount=yuan(60),
            key=uuid4().hex,
        ).value
        start, told = threading.Barrier(2), []

        def sign(move: Move, start=start, told=told) -> None:
            signer = t.world.staff(Role.APPROVER)
            start.wait()
            try:
                approvals.approve(t.core, actor=signer, approval=move.approval_id)
                told.append("made")
            except FundsShort:
                told.append("short")

        threads = [threading.Thread(target=sign, args=(one,)) for one in (down, back)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(told) == ["made", "short"]
        sums = t.of_fund(city)
        assert sums.given == sums.placed == yuan(100)


def test_a_balance_row_that_is_not_the_ledgers_is_named(treasury: Treasury) -> None:
    t = treasury
    city = t.fund("city", yuan(100))
    t.allot(t.frame, city, yuan(60))
    assert clean(t.core) == set()
    for table, id in (("fund", city.id), ("allotment", t.frame.id)):
        column = "id" if table == "fund" else "budget_id"
        change = f"UPDATE {table} SET available_fen = available_fen + :by WHERE {column} = :id"
        with t.core.transaction() as session:
            session.execute(text(change), {"by": 1, "id": id})
        assert {one[:2] for one in clean(t.core)} == {"L7"}
        with t.core.transaction() as session:
            session.execute(text(change), {"by": -1, "id": id})


def test_no_money_goes_home_while_the_books_are_in_doubt(treasury: Treasury) -> None:
    t = treasury
    city = t.fund("city", yuan(100))
    move = budgets.return_to_treasury(
        t.core, actor=t.world.planner, fund=city.id, amount=yuan(40), key=uuid4().hex
    ).value
    with t.core.transaction() as session:
        now = t.core.now(session)
        alarms.raise_alarm(session, kind=Kind.LEDGER, subject="L1 test", detail={}, now=now)
    with pytest.raises(PayoutsStopped):
        t.world.approve(move.approval_id)
    assert t.of_fund(city).returned == Money(0)
    with t.core.transaction() as session:
        session.execute(
            text(
                "UPDATE alarm SET status = 'cleared', cleared_at = now() WHERE subject = 'L1 test'"
            )
        )
    t.world.approve(move.approval_id)
    assert t.of_fund(city).returned == yuan(40)
