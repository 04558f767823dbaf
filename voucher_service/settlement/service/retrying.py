"""What the bank sent back and may be tried again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants import service as merchants

from .. import payment_store, store
from ..model import LineKind
from ..tables import SettlementLineRow
from . import residents
from .holding import all_held


def again(session: Session, *, of: UUID | None, now: datetime) -> list[SettlementLineRow]:
    """Lines whose payment the bank sent back and that may be tried again by now: to another
    account, or because finance says so. Of the real programmes, or of one replayed programme.
    """
    pairs = [
        (payment, line)
        for payment, line in payment_store.retriable(session)
        if store.home(session, line).programme_id == of
    ]
    whose = {MerchantId(line.merchant_id) for _, line in pairs if line.merchant_id}
    held = merchants.payments_held(session, merchants=whose)
    accounts = merchants.accounts_at(session, merchants=whose, at=now)
    waiting = store.lines_with(session, [line.id for _, line in pairs], set(all_held(session)))
    found = []
    for payment, line in pairs:
        if line.id in waiting or payment.retry_waits:
            continue
        if line.kind is LineKind.PERSON:
            may = line.payout_kind == "application" or payment.retry_at is not None
            if may and residents.stands(session, line):
                found.append(line)
            continue
        account = accounts.get(MerchantId(line.merchant_id or UUID(int=0)))
        if account is None or line.merchant_id in held:
            continue
        if account.id != payment.account_id or payment.retry_at is not None:
            found.append(line)
    return found
