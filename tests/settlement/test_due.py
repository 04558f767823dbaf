"""What the schedule drafts by itself."""

from __future__ import annotations

from tests.services.car_applicants import proposed
from tests.settlement.offices import Office, yuan
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED
from voucher_service.settlement.lifecycles import PaymentStatus


def _count(office: Office) -> int:
    core = office.world.core
    return len(settlement.batches(core, actor=office.payer, cursor=None, limit=20).items)


def test_a_bounced_payment_makes_no_batch_before_it_may_be_tried_again(office: Office) -> None:
    core = office.world.core
    office.spend(office.till())
    office.next_day()
    paid = office.settle(lambda _: BOUNCED)
    office.next_day()
    assert settlement.settle_due(core) == 0 and _count(office) == 1
    bounced = settlement.payments(
        core,
        actor=office.payer,
        batch=paid.id,
        status=PaymentStatus.BOUNCED,
        cursor=None,
        limit=1,
    )
    settlement.retry(core, actor=office.payer, payment=bounced.items[0].id)
    assert settlement.settle_due(core) == 1 and _count(office) == 2


def test_a_payout_under_notice_hides_none_that_can_be_paid(office: Office) -> None:
    world = office.world
    (_, slow), (_, quick) = proposed(world), proposed(world)
    world.approve(quick)
    for _ in range(5):
        office.next_day()
    world.approve(slow)
    office.next_day()
    assert settlement.settle_due(world.core) == 1
    (batch,) = settlement.batches(world.core, actor=office.payer, cursor=None, limit=9).items
    assert batch.lines == 1


def test_an_advance_waits_until_its_merchant_has_an_account(office: Office) -> None:
    core, till = office.world.core, office.world.cashier()
    asked = settlement.propose_advance(
        core,
        actor=office.reviewer,
        merchant=office.merchant(till),
        amount=yuan(50),
        reason="备货",
    )
    office.world.approve(asked)
    assert settlement.settle_due(core) == 0 and _count(office) == 0
    office.account(till, "4417000012345678")
    office.next_day()
    assert settlement.settle_due(core) == 1
    assert settlement.batches(core, actor=office.payer, cursor=None, limit=1).items[0].lines == 1
