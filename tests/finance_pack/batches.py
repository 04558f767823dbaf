"""A batch that was paid, with everything that can be in it, and what it must say."""

from __future__ import annotations

from dataclasses import dataclass

from tests.services.giving_back import refund
from tests.settlement.offices import Office, yuan
from voucher_service.kernel.actor import SYSTEM, Role
from voucher_service.merchants.service import holding
from voucher_service.proof import service as proof
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED, PAID
from voucher_service.settlement.model import Batch, HoldReason

HOSTILE = '=HYPERLINK("http://x")'
NUMBERS = ("4417000012345678", "4417000099999999")


@dataclass(frozen=True)
class Told:
    """The office and its second batch: the first one left a debt and a bounced payment."""

    office: Office
    batch: Batch


def played(office: Office) -> Told:
    """Day one: two merchants paid, one of them bounced. Then a refund of what was paid, so that the
    first merchant owes 20. Day two: five vouchers there, one refunded in part before the batch and
    one held; a merchant whose payments are held, and one without an account.
    """
    good, bad = office.till(NUMBERS[0]), office.till(NUMBERS[1])
    core = office.world.core
    paid = office.spend(good)
    office.spend(bad, 2)
    office.next_day()
    office.settle(lambda one: BOUNCED if one.amount == yuan(40) else PAID)
    refund(office.world, good, paid[0])
    office.next_day()
    spent = office.spend(good, 4)
    voucher = office.world.claim(office.world.offer(office.world.plan(quota=1)))
    office.world.redeem(voucher, good, reference=HOSTILE)
    refund(office.world, good, spent[0], fen=spent[0].order_amount.fen // 2)
    held, nowhere = office.till(), office.world.cashier()
    office.spend(held, 3)
    office.spend(nowhere, 4)
    holding.hold_payments(
        core,
        actor=office.world.staff(Role.FINANCE),
        merchant=office.merchant(held),
        reason=HOSTILE,
    )
    office.next_day()
    office.account(bad, NUMBERS[1])
    office.draft()
    with core.transaction() as session:
        settlement.hold(
            session,
            redemption=spent[3].id,
            reason=HoldReason.RISK,
            by=SYSTEM,
            now=core.now(session),
        )
    batch = office.settle()
    while proof.seal(core):
        pass
    return Told(office, office.look(batch.id))
