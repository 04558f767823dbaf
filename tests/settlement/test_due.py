"""What the schedule drafts by itself."""

from __future__ import annotations

from tests.settlement.offices import Office
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
