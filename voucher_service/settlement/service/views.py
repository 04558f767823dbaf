"""Rows as their readers see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import ApprovalId, MerchantId, ProgrammeId
from voucher_service.kernel.money import ZERO, Money

from .. import payment_store, store
from ..lifecycles import PaymentStatus
from ..model import (
    AdvanceId,
    Batch,
    BatchId,
    BatchLine,
    BatchLineId,
    Form,
    Payment,
    PaymentId,
    batch_number,
)
from ..standing import Advance
from ..tables import (
    SettlementAdvanceRow,
    SettlementFileRow,
    SettlementLineRow,
    SettlementPaymentRow,
    SettlementRow,
)


def batches(session: Session, rows: Sequence[SettlementRow]) -> list[Batch]:
    """Batches with what became of their payments."""
    ids = [one.id for one in rows]
    sums = payment_store.paid_sums(session, ids)
    files = session.execute(
        select(SettlementFileRow.batch_id, SettlementFileRow.form, SettlementFileRow.sha256).where(
            SettlementFileRow.batch_id.in_(ids)
        )
    )
    hashes = {(batch, form): sha256 for batch, form, sha256 in files}
    return [_batch(row, sums, hashes) for row in rows]


def _batch(row: SettlementRow, sums: Mapping[Any, Any], hashes: Mapping[Any, str]) -> Batch:
    def of(*statuses: PaymentStatus, back: bool) -> tuple[int, Money]:
        found = [sums.get((row.id, status, back), (0, ZERO)) for status in statuses]
        return sum(count for count, _ in found), Money.total(amount for _, amount in found)

    # What came back and is not booked yet still counts as paid.
    unbooked, unbooked_amount = of(PaymentStatus.PAID, back=True)
    paid, paid_amount = of(PaymentStatus.PAID, back=False)
    bounced, bounced_amount = of(PaymentStatus.BOUNCED, PaymentStatus.CORRECTED, back=False)
    returned, returned_amount = of(PaymentStatus.RETURNED, PaymentStatus.CORRECTED, back=True)
    return Batch(
        id=BatchId(row.id),
        number=batch_number(row.day, row.number),
        day=row.day,
        programme_id=None if row.programme_id is None else ProgrammeId(row.programme_id),
        status=row.status,
        lines=row.lines,
        items=row.items,
        due=row.due_fen,
        deducted=row.deducted_fen,
        retried=row.retried_fen,
        payments=row.payments,
        total=row.total_fen,
        paid=paid + unbooked,
        paid_amount=paid_amount + unbooked_amount,
        bounced=bounced,
        bounced_amount=bounced_amount,
        returned=returned,
        returned_amount=returned_amount,
        statement_until=row.statement_until,
        drafted_at=row.drafted_at,
        drafted_by=row.drafted_by,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
        approval_id=row.approval_id,
        approved_at=row.approved_at,
        sent_by=row.sent_by,
        sent_at=row.sent_at,
        closed_at=row.closed_at,
        csv_sha256=hashes.get((row.id, Form.CSV)),
        xlsx_sha256=hashes.get((row.id, Form.XLSX)),
    )


def lines(session: Session, rows: Sequence[SettlementLineRow]) -> list[BatchLine]:
    """Lines, each with its newest payment."""
    newest = payment_store.newest_payments(session, [one.id for one in rows])
    of = {row.batch_id for row in rows}
    homes = {one.id: one for one in store.batches(session, SettlementRow.id.in_(of))}
    return [_line(row, homes[row.batch_id], newest.get(BatchLineId(row.id))) for row in rows]


def _line(
    row: SettlementLineRow, home: SettlementRow, newest: SettlementPaymentRow | None
) -> BatchLine:
    return BatchLine(
        id=BatchLineId(row.id),
        batch_id=BatchId(row.batch_id),
        batch_number=batch_number(home.day, home.number),
        day=home.day,
        kind=row.kind,
        merchant_id=None if row.merchant_id is None else MerchantId(row.merchant_id),
        resident_id=row.resident_id,
        payout_kind=row.payout_kind,
        payout_id=row.payout_id,
        name=row.name,
        items=row.items,
        due=row.due_fen,
        deducted=row.deducted_fen,
        status=row.status,
        left_out=row.left_out,
        statement_until=home.statement_until,
        paid_at=row.paid_at,
        payment=None if newest is None else payment(newest),
    )


def advance(row: SettlementAdvanceRow) -> Advance:
    """An advance."""
    assert row.approval_id is not None, "it is proposed with its row"
    return Advance(
        id=AdvanceId(row.id),
        amount=row.amount_fen,
        status=row.status,
        reason=row.reason,
        proposed_by=row.proposed_by,
        approval_id=ApprovalId(row.approval_id),
        at=row.occurred_at,
    )


def payment(row: SettlementPaymentRow) -> Payment:
    """A payment."""
    return Payment(
        id=PaymentId(row.id),
        batch_id=BatchId(row.batch_id),
        line_id=BatchLineId(row.line_id),
        flow_number=row.flow_number,
        personal=row.personal,
        name=row.name,
        last4=row.last4,
        bank=row.bank,
        amount=row.amount_fen,
        status=row.status,
        reason=row.reason,
        bank_reference=row.bank_reference,
        answered_at=row.answered_at,
        returned_at=row.returned_at,
        retry_at=row.retry_at,
    )


def ids(rows: Sequence[SettlementLineRow] | Sequence[SettlementPaymentRow]) -> list[UUID]:
    """Their ids."""
    return [one.id for one in rows]
