"""What leaves a batch before it is paid: what is held by now, and everything of one that is
dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, text
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.ids import MerchantId, RedemptionId
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Phase

from .. import payment_store, store
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
from ..model import Batch, BatchId, BatchLineId, LeftOut, LineKind
from ..tables import SettlementLineRow, SettlementPaymentRow, SettlementRow
from . import residents, views
from .access import require_finance
from .holding import all_held
from .payees import kept_back

_LINES_AT_ONCE = 200
_PERSON = SettlementLineRow.kind == LineKind.PERSON


def drop(core: Core, *, actor: Actor, batch: BatchId, reason: str) -> Batch:
    """Give a batch up that was not sent; what is in it is free for the next one.

    Raises NotAllowed, NoSuchThing, IllegalTransition.
    """
    require_finance(actor)
    with core.transaction() as session:
        row = store.locked(session, batch)
        audit.transition(
            session,
            SettlementRow,
            id=row.id,
            current=row.status,
            lifecycle=BATCH,
            event=BatchEvent.DROPPED,
            actor=actor,
            now=core.now(session),
            detail={"reason": reason},
        )
        withdraw_all(session, row, core.now(session))
        store.count_up(session, batch)
    while free_dropped(core):
        pass
    with core.transaction() as session:
        return views.batches(session, [store.locked(session, batch)])[0]


def free_dropped(core: Core) -> int:
    """Free some lines of a dropped batch; how many. Until it answers 0 there are more."""
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '5min'"))
        found = store.batch(
            session, SettlementRow.status == BatchStatus.DROPPED, store.has_due_lines()
        )
        if found is None:
            return 0
        row = store.locked(session, BatchId(found.id))
        of = SettlementLineRow.batch_id == row.id
        lines = store.lines(session, of, store.DUE, limit=_LINES_AT_ONCE)
        leave_out(session, row, views.ids(lines), LeftOut.DROPPED, core.now(session))
        store.count_up(session, BatchId(row.id))
        return len(lines)


def take_out_held(session: Session, row: SettlementRow, now: datetime) -> None:
    """Before a batch is frozen: held redemptions leave their lines, held merchants the batch, and
    payouts that no longer stand.
    """
    leave_held_merchants(session, row, now)
    undone = residents.undone(session, _payouts_due(session, row))
    leave_out(session, row, undone, LeftOut.UNDONE, now)
    _leave_paid_before(session, row, now)
    held = _held_items(session, row)
    whole = [
        line.id
        for line in store.lines(session, SettlementLineRow.id.in_(held))
        if line.items == len(held[BatchLineId(line.id)])
    ]
    leave_out(session, row, whole, LeftOut.REDEMPTION_HOLD, now)
    parts = {line: ids for line, ids in held.items() if line not in whole}
    if parts:
        store.take_out(session, parts)
        _free(session, [one for ids in parts.values() for one in ids], now)


def leave_out_held(session: Session, row: SettlementRow, now: datetime) -> None:
    """Before a frozen batch is sent: a line in which anything is held waits as a whole."""
    leave_held_merchants(session, row, now)
    leave_out(session, row, list(_held_items(session, row)), LeftOut.REDEMPTION_HOLD, now)


def leave_held_merchants(session: Session, row: SettlementRow, now: datetime) -> None:
    """Lines of merchants that may not be paid now are left out."""
    whose = store.line_merchants(session, SettlementLineRow.batch_id == row.id, store.DUE)
    kept = kept_back(session, set(whose.values()), now)
    for why in sorted(set(kept.values())):
        waits = [line for line, one in whose.items() if kept.get(one) is why]
        leave_out(session, row, waits, why, now)


def leave_out_undone(session: Session, row: SettlementRow, now: datetime) -> None:
    """Right before a batch is sent: lock what residents are paid for, and leave out what a refund
    undid meanwhile. Nothing undoes the rest before the batch is sent.
    """
    due = _payouts_due(session, row)
    again = store.lines(session, payment_store.retried_in(BatchId(row.id)), _PERSON)
    residents.lock(session, [*due, *again])
    leave_out(session, row, residents.undone(session, due), LeftOut.UNDONE, now)
    _leave_paid_before(session, row, now)


def leave_out(
    session: Session, row: SettlementRow, lines: Sequence[UUID], why: LeftOut, now: datetime
) -> None:
    """Lines of a batch that it does not pay: what is in them is free, their payments withdrawn."""
    for first in range(0, len(lines), _LINES_AT_ONCE):
        some = lines[first : first + _LINES_AT_ONCE]
        ids = [one for items in store.items_of(session, some).values() for one in items]
        store.empty(session, some)
        _free(session, ids, now)
        audit.transition_where(
            session,
            SettlementLineRow,
            where=[SettlementLineRow.id.in_(some)],
            current=LineStatus.DUE,
            lifecycle=LINE,
            event=LineEvent.LEFT_OUT,
            actor=SYSTEM,
            now=now,
            batch=str(row.id),
            set_={"left_out": why},
        )
        _withdraw(session, row, SettlementPaymentRow.line_id.in_(some), now)


def withdraw_all(session: Session, row: SettlementRow, now: datetime) -> None:
    """No payment of a batch is due any more: the next review makes them anew."""
    _withdraw(session, row, SettlementPaymentRow.batch_id == row.id, now)


def withdraw_held_retries(session: Session, row: SettlementRow, now: datetime) -> None:
    """Payments of earlier batches' lines that may not be tried now; the lines stay due."""
    here = SettlementPaymentRow.batch_id == row.id
    rows = store.lines(session, payment_store.retried_in(BatchId(row.id)))
    whose = {one.id: MerchantId(one.merchant_id) for one in rows if one.merchant_id}
    kept = kept_back(session, set(whose.values()), now)
    waits = store.lines_with(session, views.ids(rows), set(all_held(session)))
    waits |= {line for line, one in whose.items() if one in kept}
    persons = [one for one in rows if one.kind is LineKind.PERSON]
    waits |= set(residents.undone(session, persons))
    waits |= payment_store.waiting(session, SettlementLineRow.id.in_(views.ids(rows)))
    if waits:
        _withdraw(session, row, SettlementPaymentRow.line_id.in_(waits) & here, now)


def _withdraw(
    session: Session, row: SettlementRow, which: ColumnElement[bool], now: datetime
) -> None:
    audit.transition_where(
        session,
        SettlementPaymentRow,
        where=[which],
        current=PaymentStatus.DUE,
        lifecycle=PAYMENT,
        event=PaymentEvent.WITHDRAWN,
        actor=SYSTEM,
        now=now,
        batch=str(row.id),
    )


def _free(session: Session, ids: Collection[RedemptionId], now: datetime) -> None:
    if ids:
        redemption.mark_settled(session, ids=ids, phase=Phase.NONE, now=now, actor=SYSTEM)


def _leave_paid_before(session: Session, row: SettlementRow, now: datetime) -> None:
    """Lines of differences of which the bank's statement says that the line before was paid."""
    waits = payment_store.waiting(session, SettlementLineRow.batch_id == row.id)
    leave_out(session, row, sorted(waits), LeftOut.STATEMENT, now)


def _payouts_due(session: Session, row: SettlementRow) -> list[SettlementLineRow]:
    """Lines of residents that a batch is to pay."""
    return store.lines(session, SettlementLineRow.batch_id == row.id, store.DUE, _PERSON)


def _held_items(session: Session, row: SettlementRow) -> dict[BatchLineId, list[RedemptionId]]:
    """Redemptions in a batch that are held by now, by line."""
    return store.items_among(session, BatchId(row.id), all_held(session))
