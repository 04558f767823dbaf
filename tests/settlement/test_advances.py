"""Money paid ahead: signed, paid once, owed until later lines net it off."""

from __future__ import annotations

import pytest

from tests.services.giving_back import owed
from tests.settlement.offices import Office, yuan
from voucher_service.approvals.model import AlreadyProposed
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.settlement import service as settlement
from voucher_service.settlement.model import AdvanceTooLarge, LineKind


def test_an_advance_is_paid_once_and_netted_off_later_lines(office: Office) -> None:
    till = office.till()
    asked = settlement.propose_advance(
        office.world.core,
        actor=office.reviewer,
        merchant=office.merchant(till),
        amount=yuan(50),
        reason="备货",
    )
    office.next_day()
    assert office.nothing_due()
    office.world.approve(asked)
    office.next_day()
    ahead = office.settle()
    (line,) = office.lines(ahead)
    assert (line.kind, line.amount, ahead.paid_amount) == (LineKind.ADVANCE, yuan(50), yuan(50))
    assert owed(office.world, till) == (ZERO, yuan(50))
    office.spend(till, 4)
    office.next_day()
    later = office.settle()
    assert (later.due, later.deducted, later.paid_amount) == (yuan(80), yuan(50), yuan(30))
    assert owed(office.world, till) == (ZERO, ZERO)
    office.next_day()
    assert office.nothing_due()
    assert office.clean() == []


def test_a_merchant_is_never_ahead_by_more_than_the_most(office: Office) -> None:
    till, core = office.till(), office.world.core
    merchant = office.merchant(till)
    most = Money(core.settings.settlement.advance_most_fen)

    def ask(amount: Money) -> ApprovalId:
        return settlement.propose_advance(
            core, actor=office.reviewer, merchant=merchant, amount=amount, reason="备货"
        )

    with pytest.raises(AdvanceTooLarge):
        ask(most + Money(1))
    first = ask(most - yuan(60))
    with pytest.raises(AlreadyProposed):
        ask(yuan(1))
    office.world.approve(first)
    with pytest.raises(AdvanceTooLarge) as refused:
        ask(yuan(61))
    assert refused.value.params["left"] == yuan(60)
    office.next_day()
    office.settle()
    seen = settlement.payee(core, actor=office.payer, merchant=merchant)
    assert (seen.may_advance, seen.unpaid.owed) == (yuan(60), most - yuan(60))
    office.spend(till, 2)
    office.next_day()
    office.settle()
    assert settlement.payee(core, actor=office.payer, merchant=merchant).may_advance == yuan(100)
    ask(yuan(100))
