"""Reads and writes of sales and of the numbers of units; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import MerchantId, OfferId, RedemptionId, ResidentId, ShopId

from ..applications import recording
from ..qualifications import QualificationId
from ..revision import Decision
from ..risk.facts import Link
from .model import NumberKind, Sale, SaleStatus
from .tables import SaleRow, SoldUnitRow

_SALE: Any = SaleRow.__table__
_UNIT: Any = SoldUnitRow.__table__
_AT_ONCE = 1_000
Number = tuple[NumberKind, str]


def add(session: Session, values: Mapping[str, Any], numbers: Collection[Number]) -> bool:
    """Insert a sale with its unit's numbers; False when another sale holds one of them.

    Waits for another sale of the same unit that is under way. Then the transaction is to be let go.
    """
    session.execute(insert(_SALE), dict(values))
    rows = [
        {"sale_id": values["redemption_id"], "kind": kind, "number": number, "holds": True}
        for kind, number in sorted(numbers)
    ]
    statement = insert(_UNIT).on_conflict_do_nothing().returning(_UNIT.c.number)
    return len(session.execute(statement.values(rows)).all()) == len(rows)


def held(session: Session, numbers: Collection[Number]) -> set[Number]:
    """Those of these numbers that a sale holds."""
    rows = session.execute(
        select(_UNIT.c.kind, _UNIT.c.number).where(
            _UNIT.c.holds, tuple_(_UNIT.c.kind, _UNIT.c.number).in_(numbers)
        )
    )
    return {(NumberKind(kind), number) for kind, number in rows}


def change(session: Session, sale: RedemptionId, current: SaleStatus, **values: Any) -> bool:
    """Change a sale that stands as `current`; False when it stands otherwise."""
    statement = (
        update(_SALE)
        .where(_SALE.c.redemption_id == sale, _SALE.c.status == current)
        .values(**values)
        .returning(_SALE.c.redemption_id)
    )
    return session.execute(statement).first() is not None


def let_go(session: Session, sale: RedemptionId) -> None:
    """Let another sale have the numbers of this one's unit."""
    session.execute(update(_UNIT).where(_UNIT.c.sale_id == sale).values(holds=False))


def sales(session: Session, *where: ColumnElement[bool], limit: int | None = None) -> list[Sale]:
    """Sales that match, newest first."""
    statement = (
        select(SaleRow)
        .where(*where)
        .order_by(SaleRow.occurred_at.desc(), SaleRow.redemption_id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [sale_of(row) for row in session.scalars(statement)]


def each_decision(session: Session, *where: ColumnElement[bool]) -> Iterator[Decision]:
    """What was decided of sales that match, oldest first, fetched a part at a time."""
    columns = (SaleRow.redemption_id, SaleRow.case, SaleRow.subsidy_fen, SaleRow.policy_id)
    statement = (
        select(*columns)
        .where(*where)
        .order_by(SaleRow.occurred_at, SaleRow.redemption_id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for id, case, subsidy, policy in session.execute(statement):
        yield Decision(id, recording.case_from({"case": case}), subsidy, policy)


def sale_of(row: SaleRow) -> Sale:
    """The sale of a row."""
    told = {"case": row.case, "steps": row.steps}
    return Sale(
        RedemptionId(row.redemption_id),
        QualificationId(row.qualification_id),
        OfferId(row.offer_id),
        ResidentId(row.resident_id),
        MerchantId(row.merchant_id),
        ShopId(row.shop_id),
        row.category,
        row.gtin,
        row.serial,
        row.imei1,
        row.imei2,
        row.brand,
        row.model,
        row.grade,
        row.list_price_fen,
        row.price_fen,
        row.filed_price_fen,
        row.subsidy_fen,
        row.policy_id,
        recording.case_from(told),
        recording.lines_from(told),
        row.payer_matches,
        row.receiver_matches,
        row.status,
        row.occurred_at,
        row.activated_on,
        {Link(link): key for link, key in row.links.items()},
    )
