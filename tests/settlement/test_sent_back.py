"""退汇: the bank sends back what it had paid, days later; it is due again and paid once, net."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.services.applicants import admitted
from tests.services.car_applicants import OTHER_CARD, approved
from tests.services.giving_back import owed, refund
from tests.services.test_onboarding import told as messages
from tests.settlement.offices import Office, yuan
from tests.settlement.test_bank_statement import FORMAT, names, said, take
from tests.settlement.walks import Walk, broken
from voucher_service.alarms import service as alarms
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, merchant
from voucher_service.reconciliation.differences import service as differences
from voucher_service.reconciliation.differences.model import Status
from voucher_service.settlement import bank_file
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID, Answer
from voucher_service.settlement.lifecycles import (
    AdvanceStatus,
    BatchStatus,
    LineStatus,
    PaymentStatus,
)
from voucher_service.settlement.model import AnswerDiffers, Batch, Form, NotBounced, ReturnInvalid
from voucher_service.settlement.service import booking
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.applications.model import ApplicationStatus, Card


def borne(core: Core) -> Mapping[str, int]:
    """What all budget lines have committed and settled, in fen."""
    with core.transaction() as session:
        rows = session.execute(
            text(
                "SELECT a.stage, sum(e.amount_fen) FROM ledger.account a"
                " JOIN ledger.entry e ON e.account_id = a.id"
                " WHERE a.owner_type = 'line' AND a.stage IN ('committed', 'settled')"
                " GROUP BY a.stage"
            )
        )
        return {stage: int(fen) for stage, fen in rows}


def receivable(office: Office, till: Actor) -> Money:
    account = merchant(office.merchant(till), Stage.RECEIVABLE)
    with office.world.core.transaction() as session:
        return ledger.balance(session, account)


def told(office: Office) -> list[str]:
    """The titles of the open alarms, by what they count."""
    page = alarms.page(
        office.world.core, actor=office.payer, still_open=True, cursor=None, limit=10
    )
    return [f"{one.kind} {one.detail['count']} {one.detail['amount_fen']}" for one in page.items]


def refused(office: Office, batch: Batch, answer: Answer) -> list[str]:
    """Why a file of one line is not taken; nothing may change."""
    before = borne(office.world.core)
    content = bank_file.write_answers(Form.CSV, batch.number, [answer])
    with pytest.raises((AnswerDiffers, ReturnInvalid)) as caught:
        settlement.take_return(office.world.core, actor=office.payer, content=content)
    assert borne(office.world.core) == before
    return [f"{one['line']} {one['text']}" for one in caught.value.extra["lines"]]


def test_what_comes_back_days_later_is_due_again_and_paid_to_the_other_account(
    office: Office,
) -> None:
    good, bad = office.till(), office.till()
    office.spend(good)
    office.spend(bad, 2)
    office.next_day()
    first = office.settle()
    office.next_day()
    office.next_day()
    back = office.returns(first, lambda one: BOUNCED if one.amount == yuan(40) else PAID)
    content = bank_file.write_answers(Form.XLSX, first.number, back)
    core = office.world.core
    taken = settlement.take_return(core, actor=office.payer, content=content)
    assert (taken.rows, taken.paid, taken.bounced, taken.returned) == (1, 0, 0, 1)
    seen = office.look(first.id)
    assert (seen.status, seen.paid_amount, seen.returned_amount, seen.bounced) == (
        BatchStatus.CLOSED,
        yuan(20),
        yuan(40),
        0,
    )
    (line,) = [one for one in office.lines(first) if one.due == yuan(40)]
    assert (line.status, line.paid_at) == (LineStatus.DUE, None)
    assert line.payment is not None and line.payment.returned_at == back[0].at
    assert (line.payment.status, line.payment.reason) == (
        PaymentStatus.RETURNED,
        "收款账户已销户",
    )
    assert borne(core) == {"committed": 4_000, "settled": 2_000}
    assert told(office) == ["returned 1 4000"]
    assert broken(office) == []
    again = settlement.take_return(core, actor=office.payer, content=content)
    as_csv = bank_file.write_answers(Form.CSV, first.number, back)
    twice = settlement.take_return(core, actor=office.payer, content=as_csv)
    assert (again.replayed, twice.replayed, twice.returned) == (True, False, 1)
    assert borne(core) == {"committed": 4_000, "settled": 2_000}
    assert office.nothing_due()  # the same account, and nobody said "again"
    office.account(bad, "4417000099999999")
    office.next_day()
    second = office.settle()
    assert (second.payments, second.retried, second.paid_amount) == (1, yuan(40), yuan(40))
    (line,) = [one for one in office.lines(first) if one.due == yuan(40)]
    assert line.status is LineStatus.PAID and line.payment is not None
    assert (line.payment.last4, office.look(first.id).returned) == ("9999", 1)
    assert borne(core) == {"committed": 0, "settled": 6_000}
    assert (told(office), office.clean()) == ([], [])
    office.next_day()
    assert office.nothing_due()


def test_the_merchant_is_told_once_what_came_back_and_why(office: Office) -> None:
    who, _ = admitted(office.world)
    for _ in range(4):
        office.next_day()  # its account counts
    office.spend(who.manager)
    office.next_day()
    batch = office.settle()
    office.next_day()
    back = office.returns(batch)
    for form in Form:
        content = bank_file.write_answers(form, batch.number, back)
        settlement.take_return(office.world.core, actor=office.payer, content=content)
    mine = [one for one in messages(office.world.core) if one["code"] == "payment_came_back"]
    assert len(mine) == 1
    assert f"付给“{who.name}”的货款 ¥20.00 被银行退了回来：收款账户已销户。" in mine[0]["text"]


def test_what_does_not_fit_is_refused_with_its_line_and_changes_nothing(office: Office) -> None:
    office.spend(office.till())
    office.spend(office.till(), 2)
    office.next_day()
    batch = office.send(office.approve(office.draft()))
    (paid,) = [one for one in office.answers(batch) if one.amount == yuan(20)]
    assert (
        office.answer(batch, lambda one: BOUNCED if one.amount == yuan(40) else PAID).returned == 0
    )
    assert (office.look(batch.id).bounced, len(office.returns(batch))) == (1, 1)
    same = replace(paid, answer=BOUNCED, reason="销户", reference="")
    assert refused(office, batch, same) == [f"2 {bank_file.DIFFERS}"]
    earlier = replace(same, at=paid.at - timedelta(days=1))
    assert refused(office, batch, earlier) == [f"2 {bank_file.DIFFERS}"]  # files in the wrong order
    office.next_day()
    office.next_day()
    (back,) = office.returns(batch)
    less = replace(back, amount=back.amount - Money(1))
    assert refused(office, batch, less) == [f"2 {bank_file.OTHER_AMOUNT}"]
    unknown = replace(back, flow_number=f"{back.flow_number[:-1]}9")
    assert refused(office, batch, unknown) == [f"2 {bank_file.UNKNOWN}"]
    office.send_back(batch)
    office.next_day()
    later = replace(back, at=back.at + timedelta(hours=1))
    assert refused(office, batch, later) == [f"2 {bank_file.DIFFERS}"]
    paid_after_all = replace(paid, at=back.at + timedelta(hours=1))
    assert refused(office, batch, paid_after_all) == [f"2 {bank_file.DIFFERS}"]
    content = bank_file.write_answers(Form.CSV, batch.number, [paid])  # what it said at first
    settlement.take_return(office.world.core, actor=office.payer, content=content)
    assert (office.look(batch.id).returned, office.clean()) == (1, [])


def test_debts_and_what_later_lines_recovered_stay_as_they_were(office: Office) -> None:
    till = office.till()
    done = office.spend(till, 4)
    office.next_day()
    running = office.send(office.approve(office.draft()))
    refund(office.world, till, done[0])  # the batch pays it all the same
    office.answer(running)
    refund(office.world, till, done[1], 6_400)  # of what was paid
    assert receivable(office, till) == -yuan(30)
    office.spend(till, 2)
    office.next_day()
    later = office.settle()
    assert (later.due, later.deducted, later.paid_amount) == (yuan(40), yuan(30), yuan(10))
    office.next_day()
    office.send_back(running)
    # The merchant is owed the orders it kept, and what it gave back of a payment it no longer has.
    assert receivable(office, till) == yuan(30)
    assert borne(office.world.core) == {"committed": 5_000, "settled": 4_000}
    assert (owed(office.world, till), broken(office)) == ((ZERO, ZERO), [])
    refund(office.world, till, done[2])  # it stands in a batch again
    assert owed(office.world, till) == (yuan(20), ZERO)
    assert (
        settlement.payee(
            office.world.core, actor=office.payer, merchant=office.merchant(till)
        ).unpaid.owed
        == ZERO
    )
    (line,) = office.lines(running)
    assert line.payment is not None
    settlement.retry(office.world.core, actor=office.payer, payment=line.payment.id)
    office.next_day()
    assert office.settle().paid_amount == yuan(80)
    assert (receivable(office, till), broken(office)) == (-yuan(20), [])
    assert borne(office.world.core) == {"committed": 0, "settled": 7_000}
    # The line that deducted comes back as well: the debt it took off stands again.
    office.next_day()
    office.send_back(later)
    assert (receivable(office, till), broken(office)) == (-yuan(50), [])
    office.spend(till, 2)
    office.next_day()
    last = office.settle()
    assert (last.due, last.deducted) == (yuan(40), yuan(20))
    (line,) = office.lines(later)
    assert line.payment is not None
    settlement.retry(office.world.core, actor=office.payer, payment=line.payment.id)
    office.next_day()
    assert office.settle().paid_amount == yuan(10)
    assert (receivable(office, till), office.clean()) == (ZERO, [])


def test_an_advance_that_comes_back_is_not_deducted_until_it_is_paid_again(
    office: Office,
) -> None:
    till, core = office.till(), office.world.core
    merchant_id = office.merchant(till)
    asked = settlement.propose_advance(
        core, actor=office.reviewer, merchant=merchant_id, amount=yuan(50), reason="备货"
    )
    office.world.approve(asked)
    office.next_day()
    ahead = office.settle()
    office.spend(till)
    office.next_day()
    assert office.settle().deducted == yuan(20)
    office.next_day()
    office.send_back(ahead)
    seen = settlement.payee(core, actor=office.payer, merchant=merchant_id)
    assert [one.status for one in seen.advances] == [AdvanceStatus.APPROVED]
    most = Money(core.settings.settlement.advance_most_fen)
    assert (seen.may_advance, seen.unpaid.owed) == (most - yuan(50), ZERO)
    assert (receivable(office, till), broken(office)) == (yuan(20), [])
    office.spend(till)
    office.next_day()
    assert office.settle().deducted == ZERO
    office.account(till, "4417000099999999")
    office.next_day()
    assert office.settle().paid_amount == yuan(50)
    assert (receivable(office, till), broken(office)) == (-yuan(30), [])
    office.spend(till, 2)
    office.next_day()
    assert (office.settle().deducted, receivable(office, till)) == (yuan(30), ZERO)
    assert office.clean() == []


def test_a_cars_subsidy_that_comes_back_asks_for_another_card(office: Office) -> None:
    world = office.world
    who = approved(world)
    for _ in range(6):
        office.next_day()
    first = office.settle()
    call = {"actor": who.actor, "application": who.application}
    assert applications.get(world.core, **call).status is ApplicationStatus.PAID
    office.next_day()
    office.send_back(first)
    seen = applications.get(world.core, **call)
    assert (seen.status, seen.paid_at) == (ApplicationStatus.PAYOUT_REFUSED, None)
    assert seen.reason == "收款账户已销户"
    assert broken(office) == []
    office.next_day()
    assert office.nothing_due()
    card = Card(who.name, OTHER_CARD, "工商银行阳江分行")
    applications.save_card(world.core, card=card, **call)
    applications.accept_card(
        world.core, actor=world.staff(Role.REVIEWER), application=who.application
    )
    office.next_day()
    assert office.settle().paid_amount.fen == 1_545_600
    assert applications.get(world.core, **call).status is ApplicationStatus.PAID
    assert office.clean() == []


def test_it_comes_back_after_its_campaign_was_closed_and_for_a_second_time(office: Office) -> None:
    till = office.till()
    (done,) = office.spend(till)
    office.next_day()
    first = batch = office.settle()
    core = office.world.core
    with core.transaction() as session:
        campaign = campaigns.offer(session, offer=done.offer_id).campaign_id
    office.world.approve(campaigns.close(core, actor=office.world.planner, campaign=campaign))
    for number in ("4417000011111111", "4417000022222222"):
        office.next_day()
        office.send_back(batch)
        (line,) = office.lines(first)
        assert (borne(core), line.status) == ({"committed": 2_000, "settled": 0}, LineStatus.DUE)
        office.account(till, number)
        office.next_day()
        batch = office.settle()
        assert (batch.paid_amount, office.clean()) == (yuan(20), [])
        assert line.payment is not None
        with pytest.raises(NotBounced):
            settlement.retry(core, actor=office.payer, payment=line.payment.id)
    assert borne(core) == {"committed": 0, "settled": 2_000}


def test_what_was_kept_and_not_booked_is_booked_once_by_the_schedule(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.spend(office.till(), 2)
    office.next_day()
    batch = office.settle()
    office.next_day()
    with monkeypatch.context() as patch:
        patch.setattr(booking, "book", lambda _core, **_: 0)  # killed right after the file was kept
        office.send_back(batch)
    assert (office.look(batch.id).paid, told(office)) == (1, [])
    core = office.world.core
    assert [settlement.book_waiting(core) for _ in range(2)] == [1, 0]
    assert (office.look(batch.id).returned, told(office)) == (1, ["returned 1 4000"])
    assert office.clean() == []


def test_the_banks_statement_says_paid_on_one_day_and_sent_back_on_another(
    office: Office,
) -> None:
    office.spend(office.till())
    office.next_day()
    batch = office.settle()
    (line,) = office.lines(batch)
    assert line.payment is not None
    flow, fen = line.payment.flow_number, line.payment.amount.fen
    take(office, [said(office, flow, fen)])
    for _ in range(3):
        office.next_day()
    take(office, [said(office, flow, fen, back=True)])
    assert names(office) == {(flow, "refund", "only_theirs")}
    office.world.core.clock.set(office.world.now() + timedelta(hours=1))
    office.send_back(batch)
    out = io.BytesIO()
    today = day_of(office.world.now())
    assert differences.sample(office.world.core, format=FORMAT, day=today, out=out) == 1
    out.seek(0)
    made = differences.take(
        office.world.core, actor=office.payer, format=FORMAT, file_name="s.csv", source=out
    )
    assert (made.lines, made.different, names(office)) == (1, 0, set())
    assert (flow, "refund", "only_theirs") in names(office, Status.EXPLAINED)
    ties = []
    differences.export(
        office.world.core,
        actor=office.payer,
        file=made.id,
        write=lambda _file, tie, lines: ties.append((tie, list(lines))),
    )
    assert ties[0][0].holds


def test_money_that_came_back_by_our_books_alone_is_not_paid_again(office: Office) -> None:
    till = office.till()
    office.spend(till)
    office.next_day()
    batch = office.settle()
    office.next_day()
    office.send_back(batch)
    office.account(till, "4417000099999999")
    take(office, [said(office, "2026010100000100000001", 1)])  # its day, without the return
    office.next_day()
    assert office.nothing_due()
    assert office.clean() == []


def test_paid_bounced_sent_back_and_tried_again_in_any_order_is_paid_once_net(
    office: Office,
) -> None:
    Walk(office, seed=1).run(days=3)
