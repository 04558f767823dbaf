"""Book what the bank answered, some payments at a time: once each, and gone on with after a crash.

The answers are kept before they are booked, so that a file is never half taken; each part is one
transaction, and a payment is booked by the transaction that moves it on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, text
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM
from voucher_service.kernel.ids import MerchantId, RedemptionId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, merchant, move
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Phase

from .. import payment_store, store
from ..bank_file import PAID
from ..lifecycles import (
    BATCH,
    LINE,
    PAYMENT,
    BatchEvent,
    BatchStatus,
    LineEvent,
    LineStatus,
    PaymentEvent,
    PaymentStatus,
)
from ..model import BatchId, LineKind
from ..tables import SettlementLineRow, SettlementPaymentRow, SettlementRow
from . import advancing, residents, retrying, sent_back, sharing, views

_ITEMS_AT_ONCE = 20_000
_PAYMENTS_AT_ONCE = 400


def book(core: Core, *, batch: BatchId) -> int:
    """Book every answer that waits, and close the batch when none is missing; how many."""
    booked = 0
    while done := _some(core, batch):
        booked += done
    return booked


def book_waiting(core: Core) -> int:
    """The same of every batch at the bank: what an interruption left. How many."""
    with core.transaction() as session:
        found = store.batches(session, SettlementRow.status == BatchStatus.SENT)
        found += store.batches(session, payment_store.has_answers())
    return sum(book(core, batch=BatchId(one)) for one in {row.id for row in found})


def _some(core: Core, batch: BatchId) -> int:
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '5min'"))
        now, row = core.now(session), store.locked(session, batch)
        if row.status not in (BatchStatus.SENT, BatchStatus.CLOSED):
            return 0
        answered, lines = _next(session, row, payment_store.ANSWERED)
        paid = [one for one in answered if one.answer == PAID]
        bounced = [one for one in answered if one.answer != PAID]
        _pay(session, row, {lines[one.line_id]: one.answered_at for one in paid}, now)
        _move(session, row, paid, PaymentEvent.PAID, now)
        for one in bounced:
            if lines[one.line_id].kind is LineKind.PERSON:
                residents.bounced(session, lines[one.line_id], one.reason)
        _move(session, row, bounced, PaymentEvent.BOUNCED, now)
        done = len(answered)
        if not done:
            # What was paid is booked before what came back of it.
            back, lines = _next(session, row, payment_store.SENT_BACK)
            sent_back.book(session, row, back, lines, now)
            done = len(back)
        if not done:
            done = _net_only(session, row, now)
        if not done and row.status is BatchStatus.SENT and not _waits(session, row):
            _close(session, row, now)
        return done


def _next(
    session: Session, row: SettlementRow, which: ColumnElement[bool]
) -> tuple[list[SettlementPaymentRow], dict[UUID, SettlementLineRow]]:
    """The batch's next payments of a kind that one transaction books, and their lines."""
    found = payment_store.payments(
        session, SettlementPaymentRow.batch_id == row.id, which, limit=_PAYMENTS_AT_ONCE
    )
    lines = {one.id: one for one in store.lines_by_id(session, {one.line_id for one in found})}
    return _within(found, lines), lines


def _within(
    answered: Sequence[SettlementPaymentRow], lines: Mapping[UUID, SettlementLineRow]
) -> list[SettlementPaymentRow]:
    """As many as one transaction books: the first one, however many orders are in it."""
    taken: list[SettlementPaymentRow] = []
    items = 0
    for one in answered:
        items += lines[one.line_id].items
        if taken and items > _ITEMS_AT_ONCE:
            break
        taken.append(one)
    return taken


def _net_only(session: Session, row: SettlementRow, now: datetime) -> int:
    """Lines of a sent batch that come to nothing because the merchant owed it all."""
    found = store.lines(
        session,
        SettlementLineRow.batch_id == row.id,
        store.DUE,
        SettlementLineRow.due_fen == SettlementLineRow.deducted_fen,
        limit=_PAYMENTS_AT_ONCE,
    )
    _pay(session, row, dict.fromkeys(found, now), now)
    return len(found)


def _pay(
    session: Session,
    row: SettlementRow,
    lines: Mapping[SettlementLineRow, datetime | None],
    now: datetime,
) -> None:
    """Everything that follows from lines being paid: budgets, redemptions, debts, payouts."""
    due: dict[RedemptionId, Money] = {}
    for home in {line.batch_id for line in lines}:
        here = [one for one in lines if one.batch_id == home]
        due |= _settle(session, BatchId(home), here, now)
    for line in lines:
        if line.kind is LineKind.PERSON:
            residents.paid(session, line, lines[line] or now)
        elif line.kind is LineKind.ADVANCE:
            advancing.paid(session, line, now)
    _recover(session, list(lines), now)
    sent_back.paid_again(session, list(lines), due, now)
    retrying.correct(session, views.ids(list(lines)), now, batch=str(row.id))
    audit.transition_where(
        session,
        SettlementLineRow,
        where=[SettlementLineRow.id.in_(views.ids(list(lines)))],
        current=LineStatus.DUE,
        lifecycle=LINE,
        event=LineEvent.PAID,
        actor=SYSTEM,
        now=now,
        batch=str(row.id),
        set_={"paid_at": now},
    )


def _settle(
    session: Session, home: BatchId, lines: Sequence[SettlementLineRow], now: datetime
) -> Mapping[RedemptionId, Money]:
    """The budget lines that a batch foresaw bear what is paid of it; what was due by redemption."""
    settle = partial(sharing.settle, session, home, now)
    merchants = [one.id for one in lines if one.kind is LineKind.MERCHANT]
    ids: list[RedemptionId] = [
        one for items in store.items_of(session, merchants).values() for one in items
    ]
    due: Mapping[RedemptionId, Money] = {}
    if ids:
        due = redemption.mark_settled(
            session, ids=ids, phase=Phase.PAID, now=now, actor=SYSTEM, settle=settle
        )
    sharing.for_residents(session, lines, now, settle)
    return due


def _recover(session: Session, lines: Sequence[SettlementLineRow], now: datetime) -> None:
    """What a line deducted the merchant no longer owes."""
    legs = {}
    for one in lines:
        if one.deducted_fen > ZERO and one.merchant_id is not None:
            whose = MerchantId(one.merchant_id)
            legs[str(one.id)] = move(
                one.deducted_fen,
                merchant(whose, Stage.SETTLED),
                merchant(whose, Stage.RECEIVABLE),
            )
    if legs:
        ledger.post_many(session, code=Code.RECOVERED, transfers=legs, now=now)


def _move(
    session: Session,
    row: SettlementRow,
    payments: Sequence[SettlementPaymentRow],
    event: PaymentEvent,
    now: datetime,
) -> None:
    audit.transition_where(
        session,
        SettlementPaymentRow,
        where=[SettlementPaymentRow.id.in_(views.ids(payments))],
        current=PaymentStatus.SENT,
        lifecycle=PAYMENT,
        event=event,
        actor=SYSTEM,
        now=now,
        batch=str(row.id),
    )


def _waits(session: Session, row: SettlementRow) -> bool:
    """Whether the bank owes an answer."""
    sent = SettlementPaymentRow.status == PaymentStatus.SENT
    return bool(
        payment_store.payments(session, SettlementPaymentRow.batch_id == row.id, sent, limit=1)
    )


def _close(session: Session, row: SettlementRow, now: datetime) -> None:
    audit.transition(
        session,
        SettlementRow,
        id=row.id,
        current=BatchStatus.SENT,
        lifecycle=BATCH,
        event=BatchEvent.CLOSED,
        actor=SYSTEM,
        now=now,
        set_={"closed_at": now},
    )
