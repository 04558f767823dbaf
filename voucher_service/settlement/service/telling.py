"""Who is told that the bank sent back what it had paid: the merchant, and finance by an alarm."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.i18n.formats import money
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants.messages import Message
from voucher_service.merchants.service import telling as merchants

from .. import payment_store, store
from ..model import BatchId, batch_number
from ..tables import SettlementLineRow, SettlementPaymentRow, SettlementRow


def tell_merchant(session: Session, line: SettlementLineRow, payment: SettlementPaymentRow) -> None:
    """Want a merchant told that its money came back, and why."""
    assert line.merchant_id is not None, "residents are told by what they are paid for"
    facts = {"name": line.name, "amount": money(payment.amount_fen), "reason": payment.reason}
    merchants.tell_merchant(
        session,
        merchant=MerchantId(line.merchant_id),
        message=Message.PAYMENT_CAME_BACK,
        facts=facts,
    )


def tell_finance(session: Session, batches: Collection[BatchId], now: datetime) -> None:
    """Raise an alarm for each batch of which something came back that nothing was paid for since;
    it ends with the last of them.
    """
    for row in store.batches(session, SettlementRow.id.in_(batches)):
        count, amount = payment_store.standing_returned(session, BatchId(row.id))
        if not count:
            alarms.clear(session, kind=Kind.RETURNED, subject=str(row.id), now=now)
            continue
        detail = {
            "number": batch_number(row.day, row.number),
            "count": count,
            "amount_fen": amount.fen,
        }
        alarms.raise_alarm(session, kind=Kind.RETURNED, subject=str(row.id), detail=detail, now=now)
