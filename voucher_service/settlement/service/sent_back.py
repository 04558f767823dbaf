"""What the bank sent back days after it had paid it: due again, as if it had bounced at once.

The ledger has the bank's cash again: what the funders still bear of a line is committed on their
lines and no longer settled; the rest of the payment stands on the merchant's account, until the
line is paid again. So what was netted off, owed or recovered meanwhile stays as it was booked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import MerchantId, RedemptionId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Leg, Stage, merchant
from voucher_service.redemption import service as redemption

from .. import payment_store, store
from ..lifecycles import LINE, PAYMENT, LineEvent, LineStatus, PaymentEvent, PaymentStatus
from ..model import BatchId, BatchLineId, LineKind
from ..tables import SettlementLineRow, SettlementPaymentRow, SettlementRow
from . import advancing, residents, sharing, telling, views


def book(
    session: Session,
    row: SettlementRow,
    payments: Sequence[SettlementPaymentRow],
    lines: Mapping[UUID, SettlementLineRow],
    now: datetime,
) -> None:
    """Everything that follows from a batch's payments being sent back: budgets, redemptions,
    payouts, the merchants' accounts; merchants, applicants and finance are told.
    """
    if not payments:
        return
    whole = {one.id: lines[one.line_id] for one in payments}
    # As refunds do: the units of differences before the budget lines.
    residents.lock(session, list(whole.values()))
    borne = _unsettled(session, list(whole.values()), now)
    for one in payments:
        line = whole[one.id]
        if line.kind is LineKind.PERSON:
            residents.came_back(session, line, one.reason, now)
            continue
        if line.kind is LineKind.ADVANCE:
            advancing.came_back(session, line, now)
        rest = one.amount_fen - borne.get(BatchLineId(line.id), ZERO)
        _post(session, Code.SENT_BACK, one.id, line, -rest, now)
        telling.tell_merchant(session, line, one)
    _move(session, row, payments, now)
    telling.tell_finance(session, [BatchId(row.id)], now)


def paid_again(
    session: Session,
    lines: Sequence[SettlementLineRow],
    due: Mapping[RedemptionId, Money],
    now: datetime,
) -> None:
    """Lines that the bank had sent back are paid: what was no funder's stands on no account any
    more. `due`: what of each redemption was booked for this payment.
    """
    last = payment_store.returned_last(session, views.ids(lines))
    again = [one for one in lines if one.id in last and one.kind is not LineKind.PERSON]
    items = store.items_of(session, views.ids(again))
    for one in again:
        booked = Money.total(due[id] for id in items.get(BatchLineId(one.id), ()))
        rest = one.due_fen - one.deducted_fen - booked
        _post(session, Code.PAID_AGAIN, last[one.id], one, rest, now)


def _unsettled(
    session: Session, lines: Sequence[SettlementLineRow], now: datetime
) -> dict[BatchLineId, Money]:
    """Take what the funders bear of these lines off what they settled; of each line, how much."""
    borne: dict[BatchLineId, Money] = {}
    homes: dict[UUID, list[SettlementLineRow]] = defaultdict(list)
    for line in lines:
        homes[line.batch_id].append(line)
    for home, here in sorted(homes.items()):
        unsettle = partial(sharing.unsettle, session, BatchId(home), now)
        items = store.items_of(session, views.ids(here))
        ids = [id for some in items.values() for id in some]
        if ids:
            kept = redemption.mark_sent_back(
                session, ids=ids, now=now, actor=SYSTEM, unsettle=unsettle
            )
            for line_id, some in items.items():
                borne[line_id] = Money.total(kept[id] for id in some)
        sharing.for_residents(session, here, now, unsettle)
    return borne


def _post(
    session: Session,
    code: Code,
    payment: UUID,
    line: SettlementLineRow,
    amount: Money,
    now: datetime,
) -> None:
    """So much more was paid to a line's merchant than funders bear; a negative sum came back."""
    assert line.merchant_id is not None, "residents are paid by funders alone"
    whose = MerchantId(line.merchant_id)
    legs = [
        Leg(merchant(whose, Stage.SETTLED), amount),
        Leg(merchant(whose, Stage.RECEIVABLE), -amount),
    ]
    if amount:
        ledger.post(session, code=code, key=str(payment), legs=legs, now=now)


def _move(
    session: Session,
    row: SettlementRow,
    payments: Sequence[SettlementPaymentRow],
    now: datetime,
) -> None:
    audit.transition_where(
        session,
        SettlementPaymentRow,
        where=[SettlementPaymentRow.id.in_(views.ids(payments))],
        current=PaymentStatus.PAID,
        lifecycle=PAYMENT,
        event=PaymentEvent.RETURNED,
        actor=SYSTEM,
        now=now,
        batch=str(row.id),
        named=True,
    )
    audit.transition_where(
        session,
        SettlementLineRow,
        where=[SettlementLineRow.id.in_([one.line_id for one in payments])],
        current=LineStatus.PAID,
        lifecycle=LINE,
        event=LineEvent.SENT_BACK,
        actor=SYSTEM,
        now=now,
        batch=str(row.id),
        set_={"paid_at": None},
        named=True,
    )
