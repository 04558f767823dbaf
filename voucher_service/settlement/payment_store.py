"""Reads and writes of the rows of bank files; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, exists, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from voucher_service.infra.copying import copy
from voucher_service.infra.database import MoneyFen
from voucher_service.kernel.money import ZERO, Money

from .lifecycles import PaymentStatus
from .model import BatchId, BatchLineId, PaymentId
from .store import DUE
from .tables import SettlementLineRow, SettlementPaymentRow, SettlementRow

ANSWERED: ColumnElement[bool] = (SettlementPaymentRow.status == PaymentStatus.SENT) & (
    SettlementPaymentRow.answer.is_not(None)
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
) -> dict[tuple[UUID, PaymentStatus], tuple[int, Money]]:
    """How many payments of batches stand how, and their sums."""
    row = SettlementPaymentRow
    total: Any = func.sum(row.amount_fen, type_=MoneyFen)
    rows = session.execute(
        select(row.batch_id, row.status, func.count(), total)
        .where(row.batch_id.in_(batches))
        .group_by(row.batch_id, row.status)
    )
    return {(batch, status): (count, sum_ or ZERO) for batch, status, count, sum_ in rows}


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
    waits = newer.retry_waits & (newer.status == PaymentStatus.BOUNCED)
    statement = (
        select(back, SettlementLineRow)
        .join(SettlementLineRow, SettlementLineRow.id == back.line_id)
        .join(SettlementRow, SettlementRow.id == SettlementLineRow.batch_id)
        .where(
            back.status == PaymentStatus.BOUNCED,
            DUE,
            SettlementRow.programme_id.is_not_distinct_from(of),
            ~exists().where(newer.line_id == back.line_id, live | waits),
        )
        .ext(distinct_on(back.line_id))
        .order_by(back.line_id, back.id.desc())
        .execution_options(populate_existing=True)
    )
    return [(payment, line) for payment, line in session.execute(statement)]


def waiting(session: Session, lines: Collection[UUID]) -> set[UUID]:
    """Those of these lines that a payment sent back is not to be followed by another."""
    row = SettlementPaymentRow
    chosen = row.line_id.in_(lines), row.retry_waits, row.status == PaymentStatus.BOUNCED
    return set(session.scalars(select(row.line_id).where(*chosen)))


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
    """Batches with answers of the bank that are not booked yet."""
    return exists().where(SettlementPaymentRow.batch_id == SettlementRow.id, ANSWERED)


def set_payment(session: Session, id: PaymentId, **values: Any) -> None:
    """Change columns of a payment."""
    table = cast(Table, SettlementPaymentRow.__table__)
    session.execute(update(table).where(table.c.id == id).values(**values))
