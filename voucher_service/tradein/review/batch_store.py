"""Reads and writes of batches of sales and applications, and of their draws; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.money import Money

from ..applications.model import ApplicationStatus
from ..applications.tables import ApplicationRow
from ..sales.model import SaleStatus
from ..sales.tables import SaleRow
from .model import BatchStatus, ReviewStatus, Way
from .tables import BatchRow, LineRow, ReviewRow, SeedRow

_BATCH: Any = BatchRow.__table__
_LINE: Any = LineRow.__table__
_SEED: Any = SeedRow.__table__


@dataclass(frozen=True, slots=True)
class SaleLine:
    """A line of a batch with what is told of its sale. `stands`: it was neither undone nor refused
    since, nor batched again.
    """

    row: LineRow
    article: str
    subsidy: Money
    stands: bool


def next_seed(session: Session, merchant: UUID | None, area: str) -> SeedRow | None:
    """The seed that is on record for the next draw."""
    return session.scalars(
        select(SeedRow)
        .where(
            SeedRow.merchant_id.is_not_distinct_from(merchant),
            SeedRow.area == area,
            SeedRow.batch_id.is_(None),
        )
        .execution_options(populate_existing=True)
    ).one_or_none()


def add_seed(session: Session, values: Mapping[str, Any]) -> bool:
    """Insert a seed; False when one is there already."""
    made = session.execute(
        pg_insert(SeedRow).values(dict(values)).on_conflict_do_nothing().returning(SeedRow.id)
    )
    return made.scalar_one_or_none() is not None


def use_seed(session: Session, seed: UUID, batch: UUID) -> None:
    """Say which batch a seed drew."""
    session.execute(update(_SEED).where(_SEED.c.id == seed).values(batch_id=batch))


def due(session: Session, *, before: datetime, period_on: date, most: int) -> list[tuple[Any, str]]:
    """Merchants and divisions with sales that were complete by then and no batch of the period."""
    batched = exists().where(
        BatchRow.merchant_id == ReviewRow.merchant_id,
        BatchRow.area == ReviewRow.area,
        BatchRow.period_on == period_on,
    )
    rows = session.execute(
        select(ReviewRow.merchant_id, ReviewRow.area)
        .where(_complete(before), ~batched)
        .group_by(ReviewRow.merchant_id, ReviewRow.area)
        .order_by(ReviewRow.merchant_id, ReviewRow.area)
        .limit(most)
    )
    return [(merchant, area) for merchant, area in rows]


def complete(
    session: Session, merchant: UUID, area: str, *, before: datetime
) -> list[tuple[ReviewRow, SaleRow]]:
    """What of a merchant in a division was complete by then and still stands, locked."""
    rows = session.execute(
        select(ReviewRow, SaleRow)
        .join(SaleRow, SaleRow.redemption_id == ReviewRow.id)
        .where(
            ReviewRow.merchant_id == merchant,
            ReviewRow.area == area,
            _complete(before),
            SaleRow.status == SaleStatus.SOLD,
        )
        .order_by(ReviewRow.id)
        .with_for_update(of=ReviewRow)
    )
    return [(review, sale) for review, sale in rows]


def add_batch(
    session: Session, values: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> None:
    """Insert a batch and its lines in their drawn order."""
    session.execute(insert(_BATCH), dict(values))
    rows = [
        {"batch_id": values["id"], "place": place} | dict(line) for place, line in enumerate(lines)
    ]
    session.execute(insert(_LINE), rows)


def batch(session: Session, id: UUID, *, lock: bool = False) -> BatchRow | None:
    """A batch; with `lock` as it stands once the lock is held."""
    statement = select(BatchRow).where(BatchRow.id == id)
    if lock:
        statement = statement.with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def batches(
    session: Session, *where: ColumnElement[bool], area: str, most: int
) -> list[tuple[BatchRow, int]]:
    """Batches of a division that match, heaviest first, then oldest; each with how many of its
    lines were reviewed.
    """
    reviewed = (
        select(func.count())
        .where(LineRow.batch_id == BatchRow.id, LineRow.good.is_not(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(BatchRow, reviewed)
        .where(*where, BatchRow.area.startswith(areas.stem(area), autoescape=True))
        .order_by(BatchRow.weight.desc(), BatchRow.occurred_at, BatchRow.id)
        .limit(most)
        .execution_options(populate_existing=True)
    )
    return [(row, number) for row, number in rows]


def behind(weight: int, at: datetime, id: UUID) -> ColumnElement[bool]:
    """Batches that stand after this one in a list that begins with the heaviest."""
    return tuple_(-BatchRow.weight, BatchRow.occurred_at, BatchRow.id) > (-weight, at, id)


def waiting(session: Session, *where: ColumnElement[bool], area: str) -> int:
    """How many batches of a division match."""
    return session.scalars(
        select(func.count())
        .select_from(BatchRow)
        .where(*where, BatchRow.area.startswith(areas.stem(area), autoescape=True))
    ).one()


def lines(session: Session, batch: UUID) -> list[LineRow]:
    """The lines of a batch in their drawn order."""
    return list(
        session.scalars(
            select(LineRow)
            .where(LineRow.batch_id == batch)
            .order_by(LineRow.place)
            .execution_options(populate_existing=True)
        )
    )


def sale_lines(session: Session, batch: UUID) -> list[SaleLine]:
    """The lines of a batch of sales in their drawn order, with how sale and review stand."""
    rows = session.execute(
        select(
            LineRow,
            SaleRow.brand,
            SaleRow.model,
            SaleRow.subsidy_fen,
            (SaleRow.status == SaleStatus.SOLD)
            & (ReviewRow.batch_id == LineRow.batch_id)
            & ReviewRow.status.in_((ReviewStatus.BATCHED, ReviewStatus.RELEASED)),
        )
        .join(SaleRow, SaleRow.redemption_id == LineRow.subject_id)
        .join(ReviewRow, ReviewRow.id == LineRow.subject_id)
        .where(LineRow.batch_id == batch)
        .order_by(LineRow.place)
        .execution_options(populate_existing=True)
    )
    return [
        SaleLine(line, f"{brand} {model}", amount, stands)
        for line, brand, model, amount, stands in rows
    ]


def ways(session: Session, batches: Collection[UUID]) -> dict[UUID, Way]:
    """How batches are looked at."""
    rows = session.execute(select(BatchRow.id, BatchRow.way).where(BatchRow.id.in_(batches)))
    return {id: way for id, way in rows.all()}  # noqa: C416 - rows are no pairs to mypy


def waiting_applications(
    session: Session, *, area: str, most: int, unbatched: bool = False
) -> list[ApplicationRow]:
    """Applications of a division that wait for a first check, longest waiting first; with
    `unbatched` those in no open batch.
    """
    batched = (
        exists()
        .where(LineRow.subject_id == ApplicationRow.id, LineRow.batch_id == BatchRow.id)
        .where(BatchRow.status == BatchStatus.OPEN)
    )
    return list(
        session.scalars(
            select(ApplicationRow)
            .where(
                ApplicationRow.status == ApplicationStatus.SUBMITTED,
                ApplicationRow.area.startswith(areas.stem(area), autoescape=True),
                *([~batched] if unbatched else []),
            )
            .order_by(ApplicationRow.submitted_at, ApplicationRow.id)
            .limit(most)
        )
    )


def applications(session: Session, ids: Collection[UUID]) -> dict[UUID, ApplicationRow]:
    """Applications by id, as they stand."""
    rows = session.scalars(
        select(ApplicationRow)
        .where(ApplicationRow.id.in_(ids))
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def buyers(session: Session, sales: Collection[UUID]) -> set[UUID]:
    """The residents who bought in these sales."""
    found = select(SaleRow.resident_id).where(SaleRow.redemption_id.in_(sales))
    return set(session.scalars(found))


def judge(session: Session, batch: UUID, subject: UUID, values: Mapping[str, Any]) -> None:
    """Keep what was said of a line."""
    session.execute(
        update(_LINE)
        .where(_LINE.c.batch_id == batch, _LINE.c.subject_id == subject)
        .values(**values)
    )


def release(session: Session, batch: UUID, subjects: Collection[UUID]) -> None:
    """Mark lines as released."""
    session.execute(
        update(_LINE)
        .where(_LINE.c.batch_id == batch, _LINE.c.subject_id.in_(subjects))
        .values(released=True)
    )


def _complete(before: datetime) -> ColumnElement[bool]:
    return (ReviewRow.status == ReviewStatus.COMPLETE) & (ReviewRow.completed_at < before)
