"""A resident's subsidy goes the same way: paid once, and once more after another card."""

from __future__ import annotations

from sqlalchemy import event, select

from tests.services.car_applicants import OTHER_CARD, approved
from tests.settlement.offices import Office
from voucher_service.kernel.actor import Role
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED
from voucher_service.settlement.lifecycles import LineStatus, PaymentStatus
from voucher_service.settlement.model import Form, LineKind
from voucher_service.settlement.service import residents, retrying
from voucher_service.settlement.tables import SettlementLineRow
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.model import ApplicationStatus, Card


def test_a_cars_subsidy_bounces_and_is_paid_to_the_other_card(office: Office) -> None:
    world = office.world
    who = approved(world)
    office.next_day()
    assert office.nothing_due()  # under notice
    for _ in range(5):
        office.next_day()
    first = office.settle(lambda _: BOUNCED)
    (line,) = office.lines(first)
    assert (line.kind, line.status, line.amount.fen) == (
        LineKind.PERSON,
        LineStatus.DUE,
        1_545_600,
    )
    call = {"actor": who.actor, "application": who.application}
    assert service.get(world.core, **call).status is ApplicationStatus.PAYOUT_REFUSED
    office.next_day()
    assert office.nothing_due()  # no card to pay to
    card = Card(who.name, OTHER_CARD, "工商银行阳江分行")
    service.save_card(world.core, card=card, **call)
    reviewer = world.staff(Role.REVIEWER)
    service.accept_card(world.core, actor=reviewer, application=who.application)
    office.next_day()
    second = office.settle()
    assert (second.retried.fen, second.paid_amount.fen) == (1_545_600, 1_545_600)
    _, content = settlement.bank_file(
        world.core, actor=office.payer, batch=second.id, form=Form.CSV
    )
    assert OTHER_CARD in content.decode("utf-8-sig")
    assert service.get(world.core, **call).status is ApplicationStatus.PAID
    (seen,) = settlement.payouts(world.core, actor=who.actor, payout=who.application)
    assert seen.payment is not None
    assert (seen.status, seen.payment.status) == (LineStatus.PAID, PaymentStatus.PAID)
    assert seen.payment.last4 == OTHER_CARD[-4:] and who.name not in seen.name
    assert office.clean() == []


def test_payouts_are_looked_up_together_however_many(office: Office) -> None:
    world = office.world
    for _ in range(3):
        approved(world)
    for _ in range(6):
        office.next_day()
    batch, asked = office.draft(), list[str]()
    event.listen(world.core.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with world.core.transaction() as session:
        mine = SettlementLineRow.batch_id == batch.id
        lines = session.scalars(select(SettlementLineRow).where(mine)).all()
        assert len(lines) == 3
        needed = []
        for some in (lines[:1], lines):
            asked.clear()
            assert residents.undone(session, some) == []
            needed.append(len(asked))
        lines[0].due_fen = lines[0].due_fen + lines[0].due_fen
        assert residents.undone(session, lines) == [lines[0].id]
        session.rollback()
    assert needed[0] == needed[1]

    def looks() -> int:
        return sum("FROM application \n" in one for one in asked)

    reviewed = office.approve(batch)
    asked.clear()
    sent = office.send(reviewed)
    assert looks() == 2  # what was undone meanwhile, and where the rest goes
    office.answer(sent, lambda _: BOUNCED)
    asked.clear()
    with world.core.transaction() as session:
        assert retrying.again(session, of=None, now=world.now()) == []  # no other card yet
    assert looks() == 1
