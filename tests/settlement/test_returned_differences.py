"""先退补贴后退货: a unit goes back, and its buyer keeps no difference that a later policy paid."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from tests.services.car_applicants import OTHER_CARD
from tests.settlement.offices import Office
from tests.settlement.test_bank_statement import found, said, take
from tests.tradein.raised import Shop, publish
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.differences import service as differences
from voucher_service.redemption.model import Redemption
from voucher_service.settlement import bank_file
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.settlement.lifecycles import LineStatus, PaymentStatus
from voucher_service.settlement.model import LeftOut, NotBounced, ReturnInvalid
from voucher_service.settlement.service import retrying
from voucher_service.tradein.applications.model import Card
from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import (
    DifferenceOnItsWay,
    DifferenceToReturn,
    LineState,
    ReturnReferenceReused,
    ReturnTooMuch,
    Revision,
)

PRICE, GAP = 300_000, 15_000
BANK = "工商银行阳江分行"


@pytest.fixture
def owed(
    shop: Shop, office: Office, monkeypatch: pytest.MonkeyPatch
) -> tuple[Revision, Actor, Redemption]:
    """A difference with a card to pay it to, on the day after."""
    buyer, done = shop.sold()
    publish(monkeypatch)
    made = shop.approved()
    shop.claimed(made, buyer, done)
    office.next_day()
    return made, buyer, done


Owed = tuple[Revision, Actor, Redemption]


def borne(core: Core, made: Revision) -> tuple[int, int]:
    """What the lines of the paying campaign have committed and settled, in fen."""
    with core.transaction() as session:
        found = session.execute(
            text(
                "SELECT coalesce(sum(e.amount_fen) FILTER (WHERE a.stage = 'committed'), 0),"
                " coalesce(sum(e.amount_fen) FILTER (WHERE a.stage = 'settled'), 0)"
                " FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id"
                " JOIN budget_line l ON l.id = a.owner_id"
                " WHERE a.owner_type = 'line' AND l.campaign_id = :campaign"
            ),
            {"campaign": made.campaign_id},
        ).one()
    return int(found[0]), int(found[1])


def test_a_difference_that_is_not_paid_shrinks_with_the_price_and_goes_with_the_unit(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    assert borne(shop.core, made) == (GAP, 0)
    shop.counter.refund(done, 100_000)  # 20 % of 2,000 yuan against 15 %
    assert shop.payable()[done.id].amount == Money(10_000)
    assert borne(shop.core, made) == (10_000, 0)
    shop.counter.refund(done, PRICE - 100_000)
    line = shop.line(buyer)
    assert (line.state, line.kept.fen, line.difference.fen) == (LineState.CANCELLED, 0, GAP)
    assert borne(shop.core, made) == (0, 0)
    assert shop.payable() == {} and office.nothing_due()
    shop.counter.clean()


def test_a_paid_difference_comes_back_before_the_unit_does(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    with pytest.raises(NoSuchThing):  # nothing to give back yet
        service.propose_return(
            shop.core,
            actor=office.world.staff(Role.FINANCE),
            revision=made.id,
            sale=done.id,
            amount=Money(1),
            reference="B0",
        )
    batch = office.send(office.approve(office.draft()))
    assert shop.line(buyer).state is LineState.SENT
    with pytest.raises(DifferenceOnItsWay):
        shop.counter.refund(done, PRICE)
    office.answer(batch)
    assert borne(shop.core, made) == (0, GAP)
    with pytest.raises(DifferenceToReturn) as refused:
        shop.counter.refund(done, PRICE)
    to = shop.core.settings.settlement
    assert refused.value.extra == {
        "to_return_fen": GAP,
        "account": to.return_account,
        "holder": to.return_name,
    }
    with pytest.raises(DifferenceToReturn) as refused:
        shop.counter.refund(done, 100_000)
    assert refused.value.extra["to_return_fen"] == 5_000

    finance = office.world.staff(Role.FINANCE)

    def returned(fen: int, reference: str) -> ApprovalId:
        return service.propose_return(
            shop.core,
            actor=finance,
            revision=made.id,
            sale=done.id,
            amount=Money(fen),
            reference=reference,
        )

    with pytest.raises(ReturnTooMuch):
        returned(GAP + 1, "B1")
    office.world.approve(returned(5_000, "B1"))
    assert borne(shop.core, made) == (0, GAP - 5_000)
    with pytest.raises(ReturnReferenceReused):
        returned(5_000, "B1")
    assert shop.counter.refund(done, 100_000).parts.cash.fen > 0  # what is left is of 2,000 yuan
    proposed = returned(GAP - 5_000, "B2")
    with pytest.raises(DifferenceToReturn):  # not yet agreed to
        shop.counter.refund(done, PRICE - 100_000)
    office.world.approve(proposed)
    assert borne(shop.core, made) == (0, 0)
    line = shop.line(buyer)
    assert (line.state, line.kept.fen) == (LineState.RETURNED, 0)
    with pytest.raises(ReturnTooMuch):
        returned(1, "B3")
    shop.counter.refund(done, PRICE - 100_000)
    shop.counter.clean()


def test_a_difference_that_the_bank_sent_back_is_cancelled_with_its_unit(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    office.settle(lambda _: BOUNCED)
    assert shop.line(buyer).state is LineState.PAYABLE
    shop.counter.refund(done, PRICE)
    assert borne(shop.core, made) == (0, 0)
    office.next_day()
    assert office.nothing_due()
    shop.counter.clean()


def test_what_a_refund_left_of_a_difference_that_came_back_is_paid_once(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    first = office.settle(lambda _: BOUNCED)
    shop.counter.refund(done, 100_000)
    office.next_day()
    second = office.settle()
    assert (second.payments, second.total, second.paid_amount) == (1, Money(10_000), Money(10_000))
    (old,), (new,) = office.lines(first), office.lines(second)
    assert (old.status, old.due, new.status) == (LineStatus.ENDED, Money(GAP), LineStatus.PAID)
    assert old.payment is not None and new.payment is not None
    assert (old.payment.status, office.look(first.id).bounced) == (PaymentStatus.CORRECTED, 1)
    with pytest.raises(NotBounced):
        settlement.retry(shop.core, actor=office.payer, payment=old.payment.id)
    assert shop.line(buyer).state is LineState.PAID
    assert borne(shop.core, made) == (0, 10_000)
    office.next_day()
    assert office.nothing_due()
    shop.counter.clean()


def test_a_difference_that_a_bank_statement_says_was_paid_is_not_paid_at_what_a_refund_left(
    shop: Shop, office: Office, owed: Owed
) -> None:
    _, _, done = owed
    (line,) = office.lines(office.settle(lambda _: BOUNCED))
    assert line.payment is not None
    now = office.world.now()
    with shop.core.transaction() as session:
        settlement.hold_payment(session, payment=line.payment.id, by=SYSTEM, now=now)
    shop.counter.refund(done, 100_000)
    office.next_day()
    assert office.nothing_due()
    with shop.core.transaction() as session:
        settlement.release_payment(session, payment=line.payment.id, by=SYSTEM, now=now)
    office.next_day()
    assert office.settle().paid_amount == Money(10_000)
    shop.counter.clean()


def test_a_difference_that_the_bank_sends_back_is_paid_again_at_what_a_refund_left(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    first = office.settle()
    office.next_day()
    office.send_back(first)
    assert (shop.line(buyer).state, borne(shop.core, made)) == (LineState.PAYABLE, (GAP, 0))
    shop.counter.clean()
    shop.counter.refund(done, 100_000)  # nothing to give back first: it is not paid
    assert borne(shop.core, made) == (10_000, 0)
    office.next_day()
    second = office.settle()
    assert (second.payments, second.paid_amount) == (1, Money(10_000))
    (old,), (new,) = office.lines(first), office.lines(second)
    assert (old.status, new.status) == (LineStatus.ENDED, LineStatus.PAID)
    assert old.payment is not None and old.payment.status is PaymentStatus.CORRECTED
    assert (office.look(first.id).returned, borne(shop.core, made)) == (1, (0, 10_000))
    shop.counter.clean()


def test_a_difference_that_came_back_is_paid_again_when_finance_says_so(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, buyer, done = owed
    first = office.settle()
    office.next_day()
    office.send_back(first)
    (line,) = office.lines(first)
    assert line.payment is not None
    settlement.retry(shop.core, actor=office.payer, payment=line.payment.id)
    office.next_day()
    again = office.send(office.approve(office.draft()))
    with pytest.raises(DifferenceOnItsWay):
        shop.counter.refund(done, PRICE)
    office.answer(again)
    assert (shop.line(buyer).state, borne(shop.core, made)) == (LineState.PAID, (0, GAP))
    shop.counter.clean()


@pytest.mark.parametrize("days_later", [False, True])
def test_a_difference_that_came_back_is_paid_by_the_next_batch_to_the_card_named_since(
    shop: Shop, office: Office, owed: Owed, days_later: bool
) -> None:
    made, buyer, done = owed
    first = office.settle(lambda _: PAID if days_later else BOUNCED)
    if days_later:
        office.next_day()
        office.send_back(first)
    office.next_day()
    with shop.core.transaction() as session:
        assert retrying.again(session, of=None, now=office.world.now()) == []  # to the same card
    card = Card(shop.name(buyer), OTHER_CARD, BANK)
    service.name_card(shop.core, actor=buyer, revision=made.id, subject=done.id, card=card)
    second = office.settle()
    assert (second.payments, second.retried) == (1, Money(GAP))
    (line,) = office.lines(first)
    assert line.payment is not None and line.payment.bank == BANK
    assert (shop.line(buyer).state, borne(shop.core, made)) == (LineState.PAID, (0, GAP))
    shop.counter.clean()


def test_what_its_resident_gave_back_in_part_is_not_taken_from_the_bank_as_well(
    shop: Shop, office: Office, owed: Owed
) -> None:
    made, _, done = owed
    batch = office.settle()
    proposed = service.propose_return(
        shop.core,
        actor=office.world.staff(Role.FINANCE),
        revision=made.id,
        sale=done.id,
        amount=Money(5_000),
        reference="B1",
    )
    office.world.approve(proposed)
    office.next_day()
    with pytest.raises(ReturnInvalid) as refused:
        office.send_back(batch)
    assert refused.value.extra["lines"] == [{"line": 2, "text": bank_file.GIVEN_BACK}]
    assert borne(shop.core, made) == (0, GAP - 5_000)
    shop.counter.clean()


@pytest.mark.parametrize("signed", [False, True])
def test_a_statement_that_comes_after_the_old_line_ended_stops_the_new_one(
    shop: Shop, office: Office, owed: Owed, signed: bool
) -> None:
    _, _, done = owed
    (old,) = office.lines(office.settle(lambda _: BOUNCED))
    assert old.payment is not None
    shop.counter.refund(done, 100_000)
    office.spend(office.till())  # somebody else is paid all the same
    office.next_day()
    batch = office.draft()
    assert sorted(one.due.fen for one in office.lines(batch)) == [2_000, 10_000]
    if signed:
        batch = office.approve(batch)
    days = (day_of(old.payment.answered_at or office.world.now()) - day_of(office.world.now())).days
    flow = old.payment.flow_number
    take(office, [said(office, flow, old.payment.amount.fen, days=days)])  # paid, and not sent back
    (held,) = [one for one in found(office) if one.holds]
    assert (held.line.reference, str(held.line.kind)) == (flow, "refund")
    if not signed:
        batch = office.approve(batch)
    office.answer(office.send(batch))
    assert office.look(batch.id).paid_amount == Money(2_000)
    (left,) = [one for one in office.lines(batch) if one.due == Money(10_000)]
    assert (left.status, left.left_out) == (LineStatus.LEFT_OUT, LeftOut.STATEMENT)
    office.next_day()
    assert office.nothing_due()  # not even drafted while it waits
    asked = differences.propose(
        shop.core, actor=office.payer, difference=held.id, amount=None, reason="银行来函：确已退票"
    )
    office.world.approve(asked)
    office.next_day()
    assert office.settle().paid_amount == Money(10_000)
    shop.counter.clean()


def test_refunds_and_the_payment_at_once_never_pay_for_a_unit_that_went_back(
    shop: Shop, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold = [shop.sold() for _ in range(4)]
    publish(monkeypatch)
    made = shop.approved()
    for buyer, done in sold:
        shop.claimed(made, buyer, done)
    office.next_day()
    batch = office.approve(office.draft())
    gate, kept = threading.Barrier(len(sold) + 1), []

    def refund(done: Redemption) -> None:
        gate.wait()
        try:
            shop.counter.refund(done, PRICE)
        except DifferenceOnItsWay:
            kept.append(done.id)

    def send() -> None:
        gate.wait()
        office.send(batch)

    threads = [threading.Thread(target=refund, args=(done,)) for _, done in sold]
    threads.append(threading.Thread(target=send))
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    office.answer(batch)
    states = [shop.line(buyer).state for buyer, _ in sold]
    assert states.count(LineState.PAID) == len(kept)
    assert states.count(LineState.CANCELLED) == len(sold) - len(kept)
    assert borne(shop.core, made) == (0, len(kept) * GAP)
    paid = [one for one in office.lines(batch) if one.status is LineStatus.PAID]
    assert len(paid) == len(kept)
    shop.counter.clean()


def test_a_refund_and_the_approval_at_once_leave_no_money_for_a_unit_that_went_back(
    shop: Shop, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, done = shop.sold()
    publish(monkeypatch)
    made, proposed = shop.proposed()
    gate, refused = threading.Barrier(2), []

    def approve() -> None:
        gate.wait()
        try:
            office.world.approve(proposed)
        except ChangedSinceProposed as error:
            refused.append(error)

    signing = threading.Thread(target=approve)
    signing.start()
    gate.wait()
    shop.counter.refund(done, PRICE)
    signing.join(60)
    assert borne(shop.core, made) == (0, 0)
    with shop.core.transaction() as session:
        status = session.execute(text("SELECT status FROM revision")).scalar_one()
    assert status == ("proposed" if refused else "approved")
    shop.counter.clean()
