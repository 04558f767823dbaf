"""Take a bank's file: all of it or nothing, and the same file again without effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.infra.database import array
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.machine import IllegalTransition

from .. import bank_file as files
from .. import payment_store, store
from ..bank_file import BOUNCED, PAID, Answer
from ..lifecycles import BACK, BATCH, BatchStatus, PaymentStatus
from ..model import AnswerDiffers, BatchId, NotBounced, PaymentId, Taken, batch_number
from ..tables import SettlementPaymentRow, SettlementReturnRow, SettlementRow
from . import booking, residents
from .access import require_finance

_MOST_NAMED = 20
_ANSWER = text("""
UPDATE settlement_payment p
SET answer = t.answer, reason = t.reason, bank_reference = t.reference, answered_at = t.at
FROM unnest(CAST(:flows AS text[]), CAST(:answers AS text[]), CAST(:reasons AS text[]),
        CAST(:references AS text[]), CAST(:instants AS timestamptz[]))
    AS t (flow_number, answer, reason, reference, at)
WHERE p.flow_number = t.flow_number AND p.answer IS NULL
""")
_SENT_BACK = text("""
UPDATE settlement_payment p
SET reason = t.reason, return_reference = t.reference, returned_at = t.at
FROM unnest(CAST(:flows AS text[]), CAST(:answers AS text[]), CAST(:reasons AS text[]),
        CAST(:references AS text[]), CAST(:instants AS timestamptz[]))
    AS t (flow_number, answer, reason, reference, at)
WHERE p.flow_number = t.flow_number AND p.answer = 'paid' AND t.answer = 'bounced'
    AND p.returned_at IS NULL
""")


def take_return(core: Core, *, actor: Actor, content: bytes, batch: BatchId | None = None) -> Taken:
    """Take the bank's answers and book them; the batch is the one that the file names. What an
    earlier file reported paid and this one failed, at a later time, came back: it is due again.

    Raises NotAllowed, NoSuchThing for no batch or a file of none, IllegalTransition for one that
    was not sent, ReturnInvalid, also for a file of another batch, and AnswerDiffers; then nothing
    was taken.
    """
    if actor.kind is not ActorKind.SYSTEM:
        require_finance(actor)
    told = files.read(content)
    digest = sha256(content).hexdigest()
    with core.transaction() as session:
        now = core.now(session)
        row = _named(session, told.batch)
        if batch is not None and store.batch(session, SettlementRow.id == batch) is None:
            raise NoSuchThing
        if batch is not None and row.id != batch:
            raise files.refusal([(0, files.OTHER_BATCH)])
        id = BatchId(row.id)
        known = _payments(session, id)
        taken = _counted(id, told.answers, known, replayed=_taken(session, id, digest))
        if not taken.replayed:
            _check(session, row, known, told.answers, now)
            _keep(session, told.answers)
            _file(session, actor, taken, digest, now)
    booking.book(core, batch=id)
    return taken


def retry(core: Core, *, actor: Actor, payment: PaymentId) -> None:
    """Let the next batch try a payment again that the bank sent back, to the same account.

    Raises NotAllowed, NoSuchThing, NotBounced.
    """
    require_finance(actor)
    with core.transaction() as session:
        rows = payment_store.payments(session, SettlementPaymentRow.id == payment, limit=1)
        if not rows:
            raise NoSuchThing
        # Of one that was tried again since, only the newest says whether it may be once more.
        newest = payment_store.newest_payments(session, [rows[0].line_id]).values()
        if rows[0].status not in BACK or rows[0] not in newest:
            raise NotBounced
        now = core.now(session)
        payment_store.set_payment(session, payment, retry_at=now)
        audit.record(
            session,
            actor=actor,
            action="settlement_payment.retried",
            object_type="settlement_payment",
            object_id=str(payment),
            now=now,
        )


def _named(session: Session, number: str) -> SettlementRow:
    """The batch of a file's number, locked. Raises NoSuchThing."""
    _, _, count = number.partition("-")
    if not count.isdigit() or len(count) > 9:
        raise NoSuchThing
    row = store.batch(session, SettlementRow.number == int(count), lock=True)
    if row is None or batch_number(row.day, row.number) != number:
        raise NoSuchThing
    return row


def _taken(session: Session, batch: BatchId, digest: str) -> bool:
    same = select(SettlementReturnRow.id).where(
        SettlementReturnRow.batch_id == batch, SettlementReturnRow.sha256 == digest
    )
    return session.execute(same).first() is not None


def _payments(session: Session, batch: BatchId) -> dict[str, SettlementPaymentRow]:
    of_batch = SettlementPaymentRow.batch_id == batch
    return {one.flow_number: one for one in payment_store.payments(session, of_batch)}


def _counted(
    batch: BatchId,
    answers: Sequence[Answer],
    known: Mapping[str, SettlementPaymentRow],
    *,
    replayed: bool,
) -> Taken:
    paid = sum(one.answer == PAID for one in answers)
    returned = sum(
        one.answer != PAID and one.flow_number in known and known[one.flow_number].answer == PAID
        for one in answers
    )
    bounced = len(answers) - paid - returned
    return Taken(batch, len(answers), paid, bounced, returned, replayed)


def _check(
    session: Session,
    row: SettlementRow,
    known: Mapping[str, SettlementPaymentRow],
    answers: Sequence[Answer],
    now: datetime,
) -> None:
    """Raises ReturnInvalid and AnswerDiffers, with the numbers of the lines."""
    if row.status not in (BatchStatus.SENT, BatchStatus.CLOSED):
        raise IllegalTransition(state=str(row.status), event="settlement.answered")
    wrong = [(one.line, said) for one in answers if (said := _wrong(known, one, now))]
    wrong += _given_back(session, known, answers)
    if wrong:
        raise files.refusal(wrong)
    other = [one for one in answers if not _agrees(known[one.flow_number], one)]
    if other:
        lines = [{"line": one.line, "text": files.DIFFERS} for one in other]
        raise AnswerDiffers(extra={"lines": lines[:_MOST_NAMED]})


def _wrong(known: Mapping[str, SettlementPaymentRow], answer: Answer, now: datetime) -> str | None:
    payment = known.get(answer.flow_number)
    if payment is None:
        return files.UNKNOWN
    if payment.status is PaymentStatus.WITHDRAWN:
        return files.NOT_SENT
    if payment.amount_fen != answer.amount:
        return files.OTHER_AMOUNT
    return files.FUTURE if answer.at > now else None


def _given_back(
    session: Session, known: Mapping[str, SettlementPaymentRow], answers: Sequence[Answer]
) -> list[tuple[int, str]]:
    """Differences that come back from the bank although their residents gave some back already."""
    back = {
        known[one.flow_number].line_id: one.line
        for one in answers
        if one.flow_number in known and _comes_back(known[one.flow_number], one)
    }
    lines = store.lines_by_id(session, back)
    return [(back[id], files.GIVEN_BACK) for id in residents.lowered(session, lines)]


def _agrees(payment: SettlementPaymentRow, answer: Answer) -> bool:
    """Whether the bank says what it said before, if it did, or sends back what it paid before."""
    if payment.answer is None or _comes_back(payment, answer):
        return True
    told = (answer.answer, answer.reference, answer.at)
    if told == (payment.answer, payment.bank_reference, payment.answered_at):
        return True
    return told == (BOUNCED, payment.return_reference, payment.returned_at)


def _comes_back(payment: SettlementPaymentRow, answer: Answer) -> bool:
    """Whether the bank says for the first time that it sent back what it had paid: later than it
    paid it, so that two files taken in the wrong order are no return.
    """
    if payment.answer != PAID or payment.returned_at is not None or answer.answer == PAID:
        return False
    return payment.answered_at is not None and answer.at > payment.answered_at


def _keep(session: Session, answers: Sequence[Answer]) -> None:
    columns = {
        "flows": array(one.flow_number for one in answers),
        "answers": array(one.answer for one in answers),
        "reasons": array(one.reason for one in answers),
        "references": array(one.reference for one in answers),
        "instants": array(one.at.isoformat() for one in answers),
    }
    session.execute(_SENT_BACK, columns)
    session.execute(_ANSWER, columns)


def _file(session: Session, actor: Actor, taken: Taken, digest: str, now: datetime) -> None:
    session.add(
        SettlementReturnRow(
            id=new_id(),
            batch_id=taken.batch_id,
            sha256=digest,
            rows=taken.rows,
            paid=taken.paid,
            bounced=taken.bounced,
            returned=taken.returned,
            taken_by=actor.name,
            taken_at=now,
        )
    )
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="settlement.answered",
        object_type=BATCH.name,
        object_id=str(taken.batch_id),
        now=now,
        detail={
            "rows": taken.rows,
            "paid": taken.paid,
            "bounced": taken.bounced,
            "returned": taken.returned,
            "sha256": digest,
        },
    )
