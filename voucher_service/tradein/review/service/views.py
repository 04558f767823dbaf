"""Rows as the rest of the house sees them: reviews with their papers, batches with their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import MerchantId, RedemptionId
from voucher_service.kernel.money import ZERO, Money

from ...applications.model import ApplicationStatus
from ...sales import service as sales
from ...sales.model import Sale
from .. import batch_store
from ..checklists import wanted
from ..model import Batch, BatchId, Line, Proof, Review, ReviewStatus, Subject, Way
from ..papers import papers
from ..sampling import Plan
from ..tables import BatchRow, LineRow, ReviewRow

T = TypeVar("T")


def found(row: T | None) -> T:
    """The row. Raises NoSuchThing when there is none."""
    if row is None:
        raise NoSuchThing
    return row


def reviews(session: Session, rows: Sequence[ReviewRow]) -> list[Review]:
    """Reviews with their papers, in the order of the rows."""
    ids = [RedemptionId(row.id) for row in rows]
    sold, kept = sales.sales_of(session, ids=ids), papers(session, sales=ids)
    ways = batch_store.ways(session, [row.batch_id for row in rows if row.batch_id])
    return [_review(row, sold[id], kept[id], ways) for row, id in zip(rows, ids, strict=True)]


def review(session: Session, row: ReviewRow) -> Review:
    """One review with its papers."""
    return reviews(session, [row])[0]


def _review(
    row: ReviewRow, sale: Sale, proofs: Sequence[Proof], ways: Mapping[UUID, Way]
) -> Review:
    batch = row.batch_id if row.status is ReviewStatus.BATCHED else None
    return Review(
        sale_id=RedemptionId(row.id),
        merchant_id=MerchantId(row.merchant_id),
        area=row.area,
        category=row.category,
        article=f"{sale.brand} {sale.model}",
        subsidy=sale.subsidy,
        status=row.status,
        sold_at=row.sold_at,
        due_at=row.due_at,
        wanted=wanted(row.category, day_of(row.sold_at)),
        proofs={one.kind: one for one in proofs},
        reason=row.reason,
        answer_until=row.answer_until,
        released_at=row.released_at,
        alone=batch is not None and ways[batch] is Way.EACH,
    )


def batch(session: Session, row: BatchRow) -> Batch:
    """A batch with its lines in their drawn order."""
    of_sales = row.subject is Subject.SALE
    lines = _sales(session, row.id) if of_sales else _applications(session, row.id)
    return head(row, sum(one.good is not None for one in lines), lines)


def head(row: BatchRow, reviewed: int, lines: Sequence[Line] = ()) -> Batch:
    """A batch, for lists without its lines."""
    return Batch(
        id=BatchId(row.id),
        subject=row.subject,
        way=row.way,
        status=row.status,
        area=row.area,
        title=row.title,
        merchant_id=MerchantId(row.merchant_id) if row.merchant_id else None,
        period_on=row.period_on,
        made_at=row.occurred_at,
        plan=Plan(row.tolerated_bps, row.confidence_bps, row.widenings),
        weight=row.weight,
        count=row.count,
        total=row.total_fen,
        list_sha256=row.list_sha256,
        reviewed=reviewed,
        seed=row.seed,
        seed_committed_at=row.seed_committed_at,
        made_by=row.made_by,
        lines=lines,
    )


def _sales(session: Session, batch: UUID) -> list[Line]:
    return [
        _line(one.row, one.article, one.subsidy, gone=not one.stands)
        for one in batch_store.sale_lines(session, batch)
    ]


def _applications(session: Session, batch: UUID) -> list[Line]:
    rows = batch_store.lines(session, batch)
    states = batch_store.applications(session, [row.subject_id for row in rows])
    told = []
    for row in rows:
        one = states[row.subject_id]
        gone = one.status is not ApplicationStatus.SUBMITTED
        told.append(_line(row, one.new_vin or "–", one.subsidy_fen or ZERO, gone=gone))
    return told


def _line(row: LineRow, title: str, amount: Money, *, gone: bool) -> Line:
    return Line(
        subject_id=row.subject_id,
        weight=row.weight,
        amount=amount,
        title=title,
        good=row.good,
        reason=row.reason,
        reviewed_by=row.reviewed_by,
        released=row.released,
        gone=gone and not row.released,
    )
