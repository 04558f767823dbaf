"""Write the bank file of an approved batch, once, and hand it out."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.approvals import service as approvals
from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.infra.database import array
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId, MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import AccountKind

from .. import bank_file as files
from .. import payment_store, store
from ..bank_file import Order, Payer
from ..lifecycles import BATCH, PAYMENT, BatchEvent, PaymentEvent, PaymentStatus
from ..model import Batch, BatchId, Form, LineKind, SameHands, batch_number
from ..tables import SettlementFileRow, SettlementPaymentRow, SettlementRow
from . import leaving, residents, sharing, views
from .access import require_finance

READ = "settlement_file.read"
_ADDRESSED = text("""
UPDATE settlement_payment p
SET account_id = t.account_id, name = t.name, last4 = t.last4, bank = t.bank
FROM unnest(CAST(:ids AS uuid[]), CAST(:accounts AS uuid[]), CAST(:names AS text[]),
        CAST(:last4s AS text[]), CAST(:banks AS text[]))
    AS t (id, account_id, name, last4, bank)
WHERE p.id = t.id
""")


def send(core: Core, *, actor: Actor, batch: BatchId) -> Batch:
    """Write the bank file: from here on its payments wait for the bank. Lines in which something is
    held by now are left out whole.

    Who pays neither drafted, reviewed nor signed. Asked again it answers the same. Raises
    NotAllowed, NoSuchThing, IllegalTransition, SameHands, PayoutsStopped.
    """
    require_finance(actor)
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '5min'"))
        now, row = core.now(session), store.locked(session, batch)
        if row.sent_at is not None:
            return views.batches(session, [row])[0]
        BATCH.next(row.status, BatchEvent.SENT)
        _check_hands(session, row, actor)
        alarms.check_payouts(session)
        leaving.leave_out_held(session, row, now)
        leaving.leave_out_undone(session, row, now)
        sharing.plan(session, batch, now)
        _hand_over(core, session, row, now)
        store.count_up(session, batch)
        audit.transition(
            session,
            SettlementRow,
            id=row.id,
            current=row.status,
            lifecycle=BATCH,
            event=BatchEvent.SENT,
            actor=actor,
            now=now,
            set_={"sent_by": actor.id, "sent_at": now},
        )
        return views.batches(session, [store.locked(session, batch)])[0]


def bank_file(core: Core, *, actor: Actor, batch: BatchId, form: Form) -> tuple[str, bytes]:
    """The name and the bytes of a batch's file, always the same; the read is recorded.

    Raises NotAllowed, and NoSuchThing before it was sent.
    """
    require_finance(actor)
    with core.transaction() as session:
        row = store.locked(session, batch)
        content = _file(core, session, batch, form)
        audit.record(
            session,
            actor=actor,
            action=READ,
            object_type=BATCH.name,
            object_id=str(batch),
            now=core.now(session),
            detail={"form": str(form), "sha256": sha256(content).hexdigest()},
        )
        return f"{batch_number(row.day, row.number)}.{form}", content


def _file(core: Core, session: Session, batch: BatchId, form: Form) -> bytes:
    found = session.execute(
        select(SettlementFileRow.cipher).where(
            SettlementFileRow.batch_id == batch, SettlementFileRow.form == form
        )
    ).scalar_one_or_none()
    if found is None:
        raise NoSuchThing
    return base64.b64decode(core.keyring.decrypt(found, bound_to=_bound(batch, form)))


def _check_hands(session: Session, row: SettlementRow, actor: Actor) -> None:
    assert row.approval_id is not None, "it was approved"
    signers = {
        one.staff_id
        for one in approvals.signatures_of(session, approval=ApprovalId(row.approval_id))
    }
    if actor.id in signers | {row.drafted_by, row.reviewed_by}:
        raise SameHands


def _hand_over(core: Core, session: Session, row: SettlementRow, now: datetime) -> None:
    """Withdraw what may not be paid, address the rest, and write both files."""
    id = BatchId(row.id)
    due = (
        SettlementPaymentRow.batch_id == row.id,
        SettlementPaymentRow.status == PaymentStatus.DUE,
    )
    leaving.withdraw_held_retries(session, row, now)
    payments = payment_store.payments(session, *due)
    orders = _orders(session, payments, now)
    lines = store.lines_by_id(session, {one.line_id for one in payments})
    residents.hand_over(session, lines, now)
    settings = core.settings.settlement
    payer = Payer(settings.payer_account, settings.payer_name, settings.purpose)
    number = batch_number(row.day, row.number)
    for form in Form:
        content = files.write(form, number, payer, orders)
        coded = base64.b64encode(content).decode()
        session.add(
            SettlementFileRow(
                batch_id=row.id,
                form=form,
                sha256=sha256(content).hexdigest(),
                size=len(content),
                cipher=core.keyring.encrypt(coded, bound_to=_bound(id, form)),
            )
        )
    session.flush()
    audit.transition_where(
        session,
        SettlementPaymentRow,
        where=due[:1],
        current=PaymentStatus.DUE,
        lifecycle=PAYMENT,
        event=PaymentEvent.SENT,
        actor=SYSTEM,
        now=now,
        batch=str(row.id),
    )


def _orders(
    session: Session, payments: Sequence[SettlementPaymentRow], now: datetime
) -> list[Order]:
    """Each payment with the account in force, in clear; the row keeps what may be shown."""
    lines = {one.id: one for one in store.lines_by_id(session, {one.line_id for one in payments})}
    whose = {MerchantId(one.merchant_id) for one in lines.values() if one.merchant_id}
    accounts = merchants.accounts_at(session, merchants=whose, at=now, clear=True)
    persons = [one for one in lines.values() if one.kind is LineKind.PERSON]
    # What no longer stands was left out, so that each has a card.
    cards = {id: card for id, (card, _) in residents.payees(session, persons).items()}
    orders: list[Order] = []
    shown: list[tuple[UUID, UUID | None, str, str, str]] = []
    for one in payments:
        line = lines[one.line_id]
        note = f"结算{one.flow_number[:8]}"
        if line.kind is LineKind.PERSON:
            card = cards[line.id]
            number, holder, bank, cnaps, personal = card.number, card.holder, card.bank, "", True
            shown.append((one.id, None, line.name, number[-4:], bank))
        else:
            account = accounts[MerchantId(line.merchant_id or UUID(int=0))]
            to = account.account
            number, holder, bank, cnaps = to.number, to.name, to.bank, to.cnaps
            personal = to.kind is AccountKind.PERSONAL
            shown.append((one.id, account.id, line.name, to.last4, bank))
        orders.append(
            Order(number, holder, bank, cnaps, personal, one.amount_fen, note, one.flow_number)
        )
    _address(session, shown)
    return orders


def _address(session: Session, shown: Sequence[tuple[UUID, UUID | None, str, str, str]]) -> None:
    columns: list[Any] = [list(one) for one in zip(*shown, strict=True)] or [[]] * 5
    names = ("ids", "accounts", "names", "last4s", "banks")
    session.execute(_ADDRESSED, dict(zip(names, map(array, columns), strict=True)))


def _bound(batch: BatchId, form: Form) -> str:
    return f"settlement:{batch}:{form}"
