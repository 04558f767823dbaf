"""What the bank sent back: what may be tried again, and what is due no longer as it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.tradein.applications.model import Card

from .. import payment_store, store
from ..lifecycles import BACK, LINE, PAYMENT, LineEvent, LineStatus, PaymentEvent, PaymentStatus
from ..model import LineKind, PayoutKind
from ..tables import SettlementLineRow, SettlementPaymentRow, SettlementRow
from . import residents, telling
from .holding import all_held


def end_lowered(session: Session, row: SettlementRow) -> None:
    """End the lines of differences that the bank sent back and of which a refund left less since:
    what is left is drafted anew. Of the programmes that a batch is about.
    """
    lines = payment_store.back_of_residents(session, of=row.programme_id)
    gone = residents.lowered(session, lines)
    correct(session, gone, row.drafted_at, batch=str(row.id))
    audit.transition_where(
        session,
        SettlementLineRow,
        where=[SettlementLineRow.id.in_(gone)],
        current=LineStatus.DUE,
        lifecycle=LINE,
        event=LineEvent.ENDED,
        actor=SYSTEM,
        now=row.drafted_at,
        batch=str(row.id),
    )


def correct(session: Session, lines: Sequence[UUID], now: datetime, *, batch: str) -> None:
    """What the bank sent back of these lines is settled: another payment followed, or none will."""
    for status in BACK:
        moved = audit.transition_where(
            session,
            SettlementPaymentRow,
            where=[SettlementPaymentRow.line_id.in_(lines)],
            current=status,
            lifecycle=PAYMENT,
            event=PaymentEvent.CORRECTED,
            actor=SYSTEM,
            now=now,
            batch=batch,
        )
        if moved and status is PaymentStatus.RETURNED:
            telling.tell_finance(session, payment_store.batches_of(session, moved), now)


def again(session: Session, *, of: UUID | None, now: datetime) -> list[SettlementLineRow]:
    """Lines whose payment the bank sent back and that may be tried again by now: to another
    account, or because finance says so. Of the real programmes, or of one replayed programme.
    """
    pairs = payment_store.retriable(session, of=of)
    whose = {MerchantId(line.merchant_id) for _, line in pairs if line.merchant_id}
    held = merchants.payments_held(session, merchants=whose)
    accounts = merchants.accounts_at(session, merchants=whose, at=now)
    waiting = store.lines_with(session, [line.id for _, line in pairs], set(all_held(session)))
    persons = [line for _, line in pairs if line.kind is LineKind.PERSON]
    cards = residents.payees(session, persons)
    found = []
    for payment, line in pairs:
        if line.id in waiting:
            continue
        if line.kind is LineKind.PERSON:
            card, due = cards.get(line.id, (None, None))
            if card is None or due != line.due_fen:
                continue
            # The card of an application is another one, or it would not be payable again.
            may = line.payout_kind is PayoutKind.APPLICATION or payment.retry_at is not None
            if may or _is_another(card, payment):
                found.append(line)
            continue
        account = accounts.get(MerchantId(line.merchant_id or UUID(int=0)))
        if account is None or line.merchant_id in held:
            continue
        if account.id != payment.account_id or payment.retry_at is not None:
            found.append(line)
    return found


def _is_another(card: Card, payment: SettlementPaymentRow) -> bool:
    """Whether this is not the card that a payment went to, as far as its row tells."""
    return (card.number[-4:], card.bank) != (payment.last4, payment.bank)
