"""Reads and writes of the rows of bank files; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    Uuid,
    bindparam,
    exists,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from voucher_service.infra.copying import copy
from voucher_service.infra.database import MoneyFen
from voucher_service.kernel.money import ZERO, Money

from .lifecycles import BACK, PaymentStatus
from .model import BatchId, BatchLineId, PaymentId, PayoutKind
from .store import DUE
from .tables import SettlementLineRow, SettlementPaymentRow, SettlementRow

ANSWERED: ColumnElement[bool] = (SettlementPaymentRow.status == PaymentStatus.SENT) & (
    SettlementPaymentRow.answer.is_not(None)
)
# The bank sent back what it had paid, and that is not booked yet.
SENT_BACK: ColumnElement[bool] = (SettlementPaymentRow.status == PaymentStatus.PAID) & (
    SettlementPaymentRow.returned_at.is_not(None)
)


def add_payments(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append payments."""
    copy(session, SettlementPaymentRow, rows)


def payments(
    session: Session, *where: ColumnElement[bool], limit: int | None = None
) -> list[SettlementPaymentRow]:
    """Payments that match, by batch and place."""
    statement = (
        select(SettlementPaymentRow)
        .where(*where)
        .order_by(SettlementPaymentRow.batch_id, SettlementPaymentRow.place)
        .limit(limit)
    )
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def newest_payments(
    session: Session, lines: Collection[UUID]
) -> dict[BatchLineId, SettlementPaymentRow]:
    """The newest payment of each of these lines that has one; a withdrawn one counts last."""
    row = SettlementPaymentRow
    statement = (
        select(row)
        .ext(distinct_on(row.line_id))
        .where(row.line_id.in_(lines))
        .order_by(row.line_id, row.status == PaymentStatus.WITHDRAWN, row.id.desc())
        .execution_options(populate_existing=True)
    )
    return {BatchLineId(one.line_id): one for one in session.scalars(statement)}


def paid_sums(
    session: Session, batches: Collection[UUID]
) -> dict[tuple[UUID, PaymentStatus, bool], tuple[int, Money]]:
    """How many payments of batches stand how, and their sums; apart those that the bank had paid
    and sent back.
    """
    row = SettlementPaymentRow
    total: Any = func.sum(row.amount_fen, type_=MoneyFen)
    returned = row.returned_at.is_not(None)
    rows = session.execute(
        select(row.batch_id, row.status, returned, func.count(), total)
        .where(row.batch_id.in_(batches))
        .group_by(row.batch_id, row.status, returned)
    )
    return {
        (batch, status, back): (count, sum_ or ZERO) for batch, status, back, count, sum_ in rows
    }


def returned_last(session: Session, lines: Collection[UUID]) -> dict[UUID, UUID]:
    """Of those of these lines that were paid and are due again: the payment that came back last."""
    row = SettlementPaymentRow
    asked = func.any(bindparam("lines", type_=ARRAY(Uuid)))
    statement = (
        select(row.line_id, row.id)
        .ext(distinct_on(row.line_id))
        .where(row.line_id == asked, row.status == PaymentStatus.RETURNED)
        .order_by(row.line_id, row.id.desc())
    )
    rows = session.execute(statement, {"lines": list(lines)})
    return {row.line_id: row.id for row in rows}


def last_place(session: Session, batch: BatchId) -> int:
    """The last place that a payment of a batch was given; 0 without any."""
    row = SettlementPaymentRow
    return session.scalar(select(func.max(row.place)).where(row.batch_id == batch)) or 0


def retriable(
    session: Session, *, of: UUID | None
) -> list[tuple[SettlementPaymentRow, SettlementLineRow]]:
    """The last payment of each line whose payments the bank sent back, where none is under way and
    another may follow. Of the real programmes, or of one replayed programme.
    """
    back, newer = SettlementPaymentRow, aliased(SettlementPaymentRow)
    live = newer.status.in_((PaymentStatus.DUE, PaymentStatus.SENT, PaymentStatus.PAID))
    statement = (
        select(back, SettlementLineRow)
        .join(SettlementLineRow, SettlementLineRow.id == back.line_id)
        .join(SettlementRow, SettlementRow.id == SettlementLineRow.batch_id)
        .where(
            back.status.in_(BACK),
            DUE,
            SettlementRow.programme_id.is_not_distinct_from(of),
            ~exists().where(newer.line_id == back.line_id, live | newer.retry_waits),
        )
        .ext(distinct_on(back.line_id))
        .order_by(back.line_id, back.id.desc())
        .execution_options(populate_existing=True)
    )
    return [(payment, line) for payment, line in session.execute(statement)]


def back_of_residents(session: Session, *, of: UUID | None) -> list[SettlementLineRow]:
    """The lines of residents among them that pay a difference."""
    pairs = retriable(session, of=of)
    return [line for _, line in pairs if line.payout_kind is PayoutKind.REVISION]


def batches_of(session: Session, payments: Collection[UUID]) -> set[BatchId]:
    """In which batches these payments are."""
    row = SettlementPaymentRow
    found = session.scalars(select(row.batch_id).where(row.id.in_(payments)).distinct())
    return {BatchId(one) for one in found}


def standing_returned(session: Session, batch: BatchId) -> tuple[int, Money]:
    """How many payments of a batch came back after they were paid and wait for another, and their
    sum.
    """
    found = paid_sums(session, [batch])
    return found.get((batch, PaymentStatus.RETURNED, True), (0, ZERO))


def held_payouts(session: Session) -> set[tuple[UUID, UUID]]:
    """Differences, by revision and decision, of which a payment came back by our books alone: no
    other is to follow it.
    """
    return {(payout, subject) for _, payout, subject in _held(session) if payout and subject}


def waiting(session: Session, *where: ColumnElement[bool]) -> set[UUID]:
    """Those of the unpaid lines that match which a payment is not to be followed by another of:
    their own, or one of the line before, which ended because less was left of a difference.
    """
    held = _held(session)
    if not held:
        return set()
    row = SettlementLineRow
    payouts = [(payout, subject) for _, payout, subject in held if payout and subject]
    same = tuple_(row.payout_id, row.subject_id).in_(payouts)
    own = row.id.in_([line for line, _, _ in held])
    return set(session.scalars(select(row.id).where(DUE, own | same, *where)))


def _held(session: Session) -> Sequence[tuple[UUID, UUID | None, UUID | None]]:
    """The lines of payments that wait, few as they are, and what these pay."""
    row = SettlementLineRow
    rows = session.execute(
        select(row.id, row.payout_id, row.subject_id)
        .join(SettlementPaymentRow, SettlementPaymentRow.line_id == row.id)
        .where(SettlementPaymentRow.retry_waits)
    )
    return [(line, payout, subject) for line, payout, subject in rows]


def fingerprint(session: Session, batch: BatchId) -> str:
    """The payments of a batch as one hash in hex: each line and what it is paid, by place."""
    digest = sha256()
    row = SettlementPaymentRow
    for line, amount in session.execute(
        select(row.line_id, row.amount_fen)
        .where(row.batch_id == batch, row.status != PaymentStatus.WITHDRAWN)
        .order_by(row.place)
    ):
        digest.update(f"{line} {amount.fen}\n".encode())
    return digest.hexdigest()


def retried_in(batch: BatchId) -> ColumnElement[bool]:
    """Lines of earlier batches that a batch is to pay."""
    row = SettlementPaymentRow
    here = exists().where(
        row.line_id == SettlementLineRow.id, row.batch_id == batch, row.status == PaymentStatus.DUE
    )
    return here & (SettlementLineRow.batch_id != batch)


def has_answers() -> ColumnElement[bool]:
    """Batches with answers of the bank, or with payments it sent back, that are not booked yet."""
    here = SettlementPaymentRow.batch_id == SettlementRow.id
    return exists().where(here, ANSWERED) | exists().where(here, SENT_BACK)


def set_payment(session: Session, id: PaymentId, **values: Any) -> None:
    """Change columns of a payment."""
    table = cast(Table, SettlementPaymentRow.__table__)
    session.execute(update(table).where(table.c.id == id).values(**values))
