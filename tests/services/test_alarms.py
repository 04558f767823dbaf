"""A broken book raises one alarm, stops payouts, and lets them go on only with two people."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from tests.make import World
from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import (
    Alarm,
    BooksStillBroken,
    Kind,
    PayoutsRunning,
    PayoutsStopped,
    Status,
)
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import SamePerson
from voucher_service.audit.model import OvertakenByAnother
from voucher_service.infra.core import Core
from voucher_service.jobs.schedule import check_books
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.reports import verification

CROOKED = "UPDATE voucher SET face_value_fen = face_value_fen + :by WHERE id = :voucher"


def found(core: Core, world: World, *, still_open: bool = True) -> list[Alarm]:
    """Alarms that staff of the whole city see."""
    page = alarms.page(core, actor=world.approver, still_open=still_open, cursor=None, limit=200)
    return list(page.items)


def named(core: Core, world: World, invariant: str) -> list[Alarm]:
    """Open alarms about one invariant."""
    return [one for one in found(core, world) if one.subject.split()[0] == invariant]


def check(core: Core) -> None:
    """Raises PayoutsStopped."""
    with core.transaction() as session:
        alarms.check_payouts(session)


def test_a_broken_ledger_stops_payouts_until_it_is_clean_and_a_second_person_agrees(
    world: World, core: Core, owner: Engine
) -> None:
    finance = world.staff(Role.FINANCE)
    voucher = world.claim(world.offer())
    check_books(core)
    check(core)
    with pytest.raises(PayoutsRunning):
        alarms.propose_resume(core, actor=finance)

    with owner.begin() as connection:
        connection.execute(text(CROOKED), {"by": 100, "voucher": voucher.id})
    assert check_books(core) > 0
    assert check_books(core) > 0
    (one,) = named(core, world, "L4")
    assert one.kind is Kind.LEDGER
    assert str(voucher.offer.id) in one.detail["cases"][0]
    with pytest.raises(PayoutsStopped) as stopped:
        check(core)
    assert stopped.value.extra == {"alarm_id": str(one.id)}
    with pytest.raises(BooksStillBroken):
        alarms.propose_resume(core, actor=finance)

    with owner.begin() as connection:
        connection.execute(text(CROOKED), {"by": -100, "voucher": voucher.id})
    assert check_books(core) == 0
    with pytest.raises(PayoutsStopped):
        check(core)
    proposal = alarms.propose_resume(core, actor=finance)
    with pytest.raises(SamePerson):
        approvals.approve(core, actor=finance, approval=proposal)
    approvals.approve(core, actor=world.approver, approval=proposal)
    check(core)
    assert named(core, world, "L4") == []
    (over,) = [one for one in found(core, world, still_open=False) if one.subject[:2] == "L4"]
    assert over.status is Status.CLEARED


def test_books_that_break_again_before_the_signature_stay_stopped(
    world: World, core: Core, owner: Engine
) -> None:
    voucher = world.claim(world.offer())
    with owner.begin() as connection:
        connection.execute(text(CROOKED), {"by": 100, "voucher": voucher.id})
    check_books(core)
    with owner.begin() as connection:
        connection.execute(text(CROOKED), {"by": -100, "voucher": voucher.id})
    check_books(core)
    proposal = alarms.propose_resume(core, actor=world.staff(Role.FINANCE))
    with owner.begin() as connection:
        connection.execute(text(CROOKED), {"by": 7, "voucher": voucher.id})
    check_books(core)
    with pytest.raises(BooksStillBroken):
        approvals.approve(core, actor=world.approver, approval=proposal)
    with pytest.raises(PayoutsStopped):
        check(core)
    with owner.begin() as connection:
        connection.execute(text(CROOKED), {"by": -7, "voucher": voucher.id})
    check_books(core)
    approvals.approve(core, actor=world.approver, approval=proposal)
    check(core)


def test_a_record_that_is_wrong_stops_no_payout_and_its_alarm_ends_by_itself(
    world: World, core: Core
) -> None:
    offer = world.offer()
    with core.transaction() as session:
        session.execute(text("UPDATE offer SET quota = quota + 1 WHERE id = :id"), {"id": offer.id})
    verification.watch(core)
    (one,) = named(core, world, "L9")
    assert one.kind is Kind.BOOKS
    check(core)
    with core.transaction() as session:
        session.execute(text("UPDATE offer SET quota = quota - 1 WHERE id = :id"), {"id": offer.id})
    verification.watch(core)
    assert named(core, world, "L9") == []


def test_the_same_alarm_is_raised_once_until_it_is_cleared(world: World, core: Core) -> None:
    values = {"kind": Kind.CANARY, "subject": "offer a"}
    with core.transaction() as session:
        now = core.now(session)
        first = alarms.raise_alarm(session, **values, detail={"seen": 1}, now=now)
        assert alarms.raise_alarm(session, **values, detail={"seen": 2}, now=now) == first
        assert alarms.clear(session, kind=Kind.CANARY, subject="offer a", now=now)
        assert not alarms.clear(session, kind=Kind.CANARY, subject="offer a", now=now)
        assert alarms.raise_alarm(session, **values, detail={}, now=now) != first
        with pytest.raises(ValueError, match="resuming"):
            alarms.clear(session, kind=Kind.LEDGER, subject="L1", now=now)
    assert alarms.get(core, actor=world.approver, alarm=first).detail == {"seen": 2}


def test_who_looks_after_an_alarm_says_so_once(world: World, core: Core) -> None:
    with core.transaction() as session:
        values = {"kind": Kind.STOP, "subject": "offer b", "detail": {}, "area": "441702"}
        one = alarms.raise_alarm(session, **values, now=core.now(session))
    stranger = world.staff(Role.PLANNER, area="441781")
    with pytest.raises(NoSuchThing):
        alarms.acknowledge(core, actor=stranger, alarm=one)
    assert one not in {
        alarm.id
        for alarm in alarms.page(core, actor=stranger, still_open=True, cursor=None, limit=9).items
    }
    with pytest.raises(NotAllowed):
        alarms.acknowledge(core, actor=world.staff(Role.REVIEWER), alarm=one)
    near = world.staff(Role.PLANNER, area="441702")
    told = alarms.acknowledge(core, actor=near, alarm=one)
    assert (told.status, told.acknowledged_by) == (Status.ACKNOWLEDGED, near.id)
    with pytest.raises((IllegalTransition, OvertakenByAnother)):
        alarms.acknowledge(core, actor=near, alarm=one)
    with pytest.raises(NotAllowed):
        alarms.propose_resume(core, actor=near)


def test_alarms_are_read_page_by_page_newest_first(world: World, core: Core) -> None:
    with core.transaction() as session:
        for number in range(3):
            values = {"kind": Kind.STOP, "subject": f"page {number}", "detail": {}}
            alarms.raise_alarm(session, **values, now=core.now(session))
    seen, cursor = [], None
    while True:
        page = alarms.page(core, actor=world.approver, still_open=True, cursor=cursor, limit=1)
        seen += [one.subject for one in page.items if one.subject.startswith("page")]
        cursor = page.next
        if cursor is None:
            break
    assert seen == ["page 2", "page 1", "page 0"]
