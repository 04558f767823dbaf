"""Money paid ahead: signed, paid once, owed until later lines net it off."""

from __future__ import annotations

from tests.services.giving_back import owed
from tests.settlement.offices import Office, yuan
from voucher_service.kernel.money import ZERO
from voucher_service.settlement import service as settlement
from voucher_service.settlement.model import LineKind


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
    assert office.draft().lines == 0
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
    assert office.draft().lines == 0
    assert office.clean() == []
