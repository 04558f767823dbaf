"""Reads and writes of reviews and their papers; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.kernel.ids import OfferId

from ..policy import Category
from ..sales.model import SaleStatus
from ..sales.tables import SaleRow
from .model import LIFECYCLE, ProofKind, ReviewStatus
from .tables import ProofRow, ReviewRow


def newest(session: Session) -> UUID | None:
    """The newest sale whose review was opened."""
    newest = select(ReviewRow.id).order_by(ReviewRow.id.desc()).limit(1)
    return session.scalars(newest).one_or_none()


def unopened(
    session: Session, *, offers: Collection[OfferId], after: UUID, most: int
) -> list[UUID]:
    """Sold since that one from these pools, by id, without a review."""
    opened = exists().where(ReviewRow.id == SaleRow.redemption_id)
    return list(
        session.scalars(
            select(SaleRow.redemption_id)
            .where(SaleRow.redemption_id > after, SaleRow.status == SaleStatus.SOLD, ~opened)
            .where(SaleRow.offer_id.in_(offers))
            .order_by(SaleRow.redemption_id)
            .limit(most)
        )
    )


def open_(session: Session, values: Mapping[str, Any]) -> None:
    """Open the review of a sale, unless it is open already."""
    first = {"status": LIFECYCLE.initial} | dict(values)
    session.execute(pg_insert(ReviewRow).values(first).on_conflict_do_nothing())


def review(session: Session, sale: UUID, *, lock: bool = False) -> ReviewRow | None:
    """The review of a sale; with `lock` as it stands once the lock is held."""
    statement = select(ReviewRow).where(ReviewRow.id == sale)
    if lock:
        statement = statement.with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def reviews(
    session: Session, *where: ColumnElement[bool], most: int, newest: bool = True
) -> list[ReviewRow]:
    """Reviews that match, newest or oldest sale first."""
    keys = ReviewRow.sold_at, ReviewRow.id
    order = tuple(key.desc() for key in keys) if newest else keys
    return list(
        session.scalars(
            select(ReviewRow)
            .where(*where)
            .order_by(*order)
            .limit(most)
            .execution_options(populate_existing=True)
        )
    )


def before(moment: tuple[datetime, UUID]) -> ColumnElement[bool]:
    """Reviews that stand after this one in a list that begins with the newest."""
    return tuple_(ReviewRow.sold_at, ReviewRow.id) < moment


def count(session: Session, *where: ColumnElement[bool]) -> int:
    """How many reviews match."""
    return session.scalars(select(func.count()).select_from(ReviewRow).where(*where)).one()


def undone(session: Session, status: ReviewStatus, most: int) -> list[UUID]:
    """Sales that came to nothing since, whose review stands so."""
    return list(
        session.scalars(
            select(ReviewRow.id)
            .join(SaleRow, SaleRow.redemption_id == ReviewRow.id)
            .where(ReviewRow.status == status, SaleRow.status == SaleStatus.UNDONE)
            .limit(most)
        )
    )


def released(session: Session, sales: Collection[UUID]) -> set[UUID]:
    """Those of these sales that were released and still stand."""
    found = (
        select(ReviewRow.id)
        .join(SaleRow, SaleRow.redemption_id == ReviewRow.id)
        .where(
            ReviewRow.id.in_(sales),
            ReviewRow.status == ReviewStatus.RELEASED,
            SaleRow.status == SaleStatus.SOLD,
        )
    )
    return set(session.scalars(found))


def put_proof(session: Session, values: Mapping[str, Any]) -> bool:
    """Keep a paper in place of an earlier one; False when its number stands with another sale.

    Waits for another that hands in the same number at this moment.
    """
    kept = ("file_id", "number", "facts", "occurred_at")
    statement = pg_insert(ProofRow).values(dict(values))
    try:
        with session.begin_nested():
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=["sale_id", "kind"],
                    set_={name: statement.excluded[name] for name in kept},
                )
            )
    except IntegrityError:
        return False
    return True


def proof(session: Session, sale: UUID, kind: ProofKind) -> UUID | None:
    """The file of a paper."""
    found = select(ProofRow.file_id).where(ProofRow.sale_id == sale, ProofRow.kind == kind)
    return session.execute(found).scalar_one_or_none()


def cash_times(
    session: Session, *where: ColumnElement[bool], area: str, most: int
) -> list[tuple[UUID | None, Category | None, int, timedelta, timedelta]]:
    """Of released sales that match, of all, by merchant and by category, the most sales first: how
    many, the median and the ninth decile of the time from sale to release.
    """
    took = ReviewRow.released_at - ReviewRow.sold_at
    rows = session.execute(
        select(
            ReviewRow.merchant_id,
            ReviewRow.category,
            func.count(),
            func.percentile_cont(0.5).within_group(took),
            func.percentile_cont(0.9).within_group(took),
        )
        .where(
            ReviewRow.status == ReviewStatus.RELEASED,
            ReviewRow.area.startswith(areas.stem(area), autoescape=True),
            *where,
        )
        .group_by(
            func.grouping_sets(tuple_(), tuple_(ReviewRow.merchant_id), tuple_(ReviewRow.category))
        )
        .order_by(
            func.count().desc(),
            ReviewRow.merchant_id.nulls_first(),
            ReviewRow.category.nulls_first(),
        )
        .limit(most)
    )
    return [(one[0], one[1], one[2], one[3], one[4]) for one in rows]
