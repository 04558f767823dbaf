"""A day's batch: what is in it, who may do what, and that nothing is paid twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.services.giving_back import owed, refund
from tests.settlement.offices import Office, yuan
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import SYSTEM, Role
from voucher_service.kernel.money import ZERO, Money
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.settlement.lifecycles import BatchStatus, LineStatus, PaymentStatus
from voucher_service.settlement.model import (
    BatchResult,
    Form,
    Funding,
    HoldReason,
    SameHands,
    StatementRunning,
)


def test_a_day_is_paid_the_day_after_and_the_books_are_clean(office: Office) -> None:
    till = office.till()
    office.spend(till, 3)
    office.next_day()
    batch = office.draft()
    assert (batch.status, batch.lines, batch.items, batch.due) == (
        BatchStatus.DRAFTED,
        1,
        3,
        yuan(60),
    )
    assert office.clean() == []
    sent = office.send(office.approve(batch))
    assert (sent.status, sent.payments, sent.total) == (BatchStatus.SENT, 1, yuan(60))
    assert office.clean() == []
    taken = office.answer(sent)
    assert (taken.paid, taken.bounced) == (1, 0)
    done = office.look(sent.id)
    assert (done.status, done.paid_amount) == (BatchStatus.CLOSED, yuan(60))
    shares = settlement.shares(office.world.core, actor=office.payer, batch=done.id)
    assert [(one.due, one.settled) for one in shares] == [(yuan(60), yuan(60))]
    assert office.clean() == []


def test_the_same_day_is_drafted_once(office: Office) -> None:
    till = office.till()
    office.spend(till)
    office.next_day()
    assert office.draft().id == office.draft().id
    (line,) = office.lines(office.draft())
    assert line.items == 1


def test_the_file_is_the_same_bytes_every_time_and_each_read_is_on_record(office: Office) -> None:
    till = office.till()
    office.spend(till)
    office.next_day()
    batch = office.send(office.approve(office.draft()))
    core = office.world.core
    for form in Form:
        name, content = settlement.bank_file(core, actor=office.payer, batch=batch.id, form=form)
        again = settlement.bank_file(core, actor=office.payer, batch=batch.id, form=form)
        assert again == (name, content) and name == f"{batch.number}.{form}"
    text = settlement.bank_file(core, actor=office.payer, batch=batch.id, form=Form.CSV)[1]
    lines = text.decode("utf-8-sig").splitlines()
    assert "4417000012345678" in lines[1] and "20.00" in lines[1]
    assert lines[-1].startswith('"合计"') and "20.00" in lines[-1] and "共1笔" in lines[-1]


def test_who_reviews_does_not_pay_and_nobody_reviews_before_the_merchants_looked(
    office: Office,
) -> None:
    till = office.till()
    office.spend(till)
    office.next_day()
    batch = office.draft()
    core = office.world.core
    with pytest.raises(StatementRunning):
        settlement.review(core, actor=office.reviewer, batch=batch.id)
    approved = office.approve(batch)
    with pytest.raises(SameHands):
        settlement.send(core, actor=office.reviewer, batch=approved.id)
    assert settlement.send(core, actor=office.payer, batch=approved.id).status is BatchStatus.SENT


def test_a_bounced_payment_is_paid_once_to_the_corrected_account(office: Office) -> None:
    good, bad = office.till(), office.till()
    office.spend(good)
    office.spend(bad, 2)
    office.next_day()
    first = office.settle(lambda one: BOUNCED if one.amount == yuan(40) else PAID)
    assert (first.status, first.paid_amount, first.bounced_amount) == (
        BatchStatus.CLOSED,
        yuan(20),
        yuan(40),
    )
    assert office.clean() == []
    office.next_day()
    office.spend(good)
    office.next_day()
    office.account(bad, "4417000099999999")
    second = office.settle()
    assert (second.payments, second.retried, second.total) == (2, yuan(40), yuan(60))
    assert second.paid_amount == yuan(60)
    (line,) = [one for one in office.lines(first) if one.due == yuan(40)]
    assert line.status is LineStatus.PAID
    assert line.payment is not None and line.payment.status is PaymentStatus.PAID
    assert line.payment.last4 == "9999"
    assert office.clean() == []
    office.next_day()
    assert office.nothing_due()


def test_a_closed_batch_says_what_came_back_of_it(office: Office) -> None:
    office.spend(office.till())
    office.spend(office.till("4417000099999999"), 2)
    office.next_day()
    batch = office.settle(lambda one: BOUNCED if one.amount == yuan(40) else PAID)
    assert batch.result is BatchResult.PART_BACK
    office.next_day()
    office.send_back(batch)
    assert office.look(batch.id).result is BatchResult.ALL_BACK


def test_a_refund_of_all_that_waits_stops_no_batch_that_has_it(office: Office) -> None:
    till = office.till()
    done = office.spend(till, 2)
    office.next_day()
    batch = office.draft()
    refund(office.world, till, done[0])  # less is committed than the batch pays
    approved = office.approve(batch)
    refund(office.world, till, done[1])  # nothing is
    office.answer(office.send(approved))
    assert office.look(batch.id).paid_amount == yuan(40)
    assert owed(office.world, till) == (ZERO, yuan(40))
    assert office.clean() == []


def test_a_refund_in_a_running_batch_comes_off_the_next_line(office: Office) -> None:
    till = office.till()
    done = office.spend(till, 2)
    office.next_day()
    batch = office.send(office.approve(office.draft()))
    assert batch.result is None
    refund(office.world, till, done[0])
    office.answer(batch)
    assert office.look(batch.id).result is BatchResult.PAID
    assert owed(office.world, till) == (ZERO, yuan(20))
    assert office.clean() == []
    office.next_day()
    office.spend(till, 3)
    office.next_day()
    second = office.settle()
    assert (second.due, second.deducted, second.total) == (yuan(60), yuan(20), yuan(40))
    assert owed(office.world, till) == (ZERO, ZERO)
    assert office.clean() == []


def test_a_line_that_only_pays_debts_needs_no_bank(office: Office) -> None:
    till = office.till()
    done = office.spend(till, 2)
    office.next_day()
    office.settle()
    refund(office.world, till, done[0])
    refund(office.world, till, done[1])
    office.spend(till)
    office.next_day()
    batch = office.settle()
    assert (batch.payments, batch.total, batch.status) == (0, ZERO, BatchStatus.CLOSED)
    assert owed(office.world, till) == (ZERO, yuan(20))
    assert office.clean() == []


def test_what_is_held_waits_and_the_rest_is_paid(office: Office) -> None:
    till = office.till()
    held, _ = office.spend(till, 2)
    core = office.world.core
    with core.transaction() as session:
        for _ in range(2):
            settlement.hold(
                session,
                redemption=held.id,
                reason=HoldReason.RISK,
                by=SYSTEM,
                now=core.now(session),
            )
    office.next_day()
    unpaid = settlement.own_unpaid(core, actor=office.manager(till))
    assert (unpaid.amount, unpaid.held, unpaid.ready) == (yuan(40), {"risk": yuan(20)}, yuan(20))
    batch = office.settle()
    assert batch.paid_amount == yuan(20)
    with core.transaction() as session:
        assert settlement.release_hold(
            session,
            redemption=held.id,
            reason=HoldReason.RISK,
            by=SYSTEM,
            now=core.now(session),
        )
    office.next_day()
    assert office.settle().paid_amount == yuan(20)
    assert office.clean() == []


def test_a_hold_before_the_review_takes_one_redemption_out_and_after_it_the_line(
    office: Office,
) -> None:
    till, other = office.till(), office.till()
    early, late, _ = office.spend(till, 3)
    office.spend(other)
    office.next_day()
    batch = office.draft()
    core = office.world.core

    def hold(one: object) -> None:
        with core.transaction() as session:
            settlement.hold(
                session,
                redemption=one.id,  # type: ignore[attr-defined]
                reason=HoldReason.DISPUTE,
                by=SYSTEM,
                now=core.now(session),
            )

    hold(early)
    approved = office.approve(batch)
    assert (approved.items, approved.total) == (3, yuan(60))
    mine = next(one for one in office.lines(batch) if one.merchant_id == office.merchant(till))
    hold(late)
    shown = settlement.items(core, actor=office.payer, line=mine.id, cursor=None, limit=9).items
    assert early.id not in {one.redemption_id for one in shown}, "it is not paid here"
    assert [one.redemption_id for one in shown if one.hold] == [late.id]
    sent = office.send(approved)
    assert (sent.payments, sent.total) == (1, yuan(20))
    office.answer(sent)
    assert office.clean() == []


def test_a_dropped_batch_leaves_everything_free(office: Office) -> None:
    till = office.till()
    office.spend(till)
    office.next_day()
    batch = office.draft()
    core = office.world.core
    dropped = settlement.drop(core, actor=office.reviewer, batch=batch.id, reason="重做")
    assert (dropped.status, dropped.lines) == (BatchStatus.DROPPED, 0)
    assert office.draft().id != batch.id
    assert office.settle().paid_amount == yuan(20)
    assert office.clean() == []


def test_an_auditor_reads_whose_money_each_payee_got_to_the_fen(office: Office) -> None:
    world, core = office.world, office.world.core
    plan = replace(world.plan(quota=7), threshold=Money(10_000), face_value=Money(1_999))
    campaign = world.draft()
    made = campaigns.create_offer(core, actor=world.planner, campaign=campaign.id, plan=plan).value
    for funder, bps in (("central", 8_500), ("province", 1_000), ("city", 500)):
        world.line(campaign.id, Money(1_999 * 7 * 10), funder=funder, share_bps=bps)
    world.publish(campaign.id)
    tills = [office.till(f"44170000123456{number}") for number in (70, 71, 72)]
    for till, count in zip(tills, (1, 2, 4), strict=True):
        for _ in range(count):
            world.redeem(world.claim(world.reload(made.id)), till)
    office.next_day()
    batch, auditor = office.settle(), world.staff(Role.AUDITOR)
    told: list[Funding] = []
    settlement.export_funding(core, actor=auditor, batch=batch.id, write=told.extend)
    by_payee, by_funder = Counter[object](), Counter[str]()
    for one in told:
        by_payee[one.line_id] += one.due.fen
        by_funder[one.share.funder] += one.due.fen
    assert by_payee == {one.id: one.due.fen for one in office.lines(batch)}
    shares = settlement.shares(core, actor=auditor, batch=batch.id)
    assert by_funder == {one.funder: one.due.fen for one in shares}
    assert len(told) == 9 and min(by_funder.values()) > 600
    last = told[-1].line_id
    found = settlement.line_funding(core, actor=auditor, line=last)
    assert found == [one for one in told if one.line_id == last]
