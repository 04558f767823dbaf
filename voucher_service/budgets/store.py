"""Reads and writes of funders, funds, budgets, allotments and lines; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import (
    ApprovalId,
    BudgetLineId,
    CampaignId,
    FunderId,
    OfferId,
    ProgrammeId,
    new_id,
)
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger.model import FundsShort

from .model import (
    Allotment,
    AllotmentId,
    Budget,
    BudgetId,
    BudgetLine,
    Fund,
    Funder,
    FundId,
    Move,
    MoveId,
    parts_of,
)
from .tables import (
    AllotmentRow,
    BudgetLineRow,
    BudgetRow,
    FunderRow,
    FundRow,
    MoveRow,
    ReservationRow,
)


def funder_of(row: FunderRow) -> Funder:
    """The view of a funder's row."""
    return Funder(FunderId(row.id), row.code, row.name, row.level, row.area)


def funders(session: Session, *where: ColumnElement[bool]) -> list[Funder]:
    """Funders that match, by code."""
    rows = session.scalars(select(FunderRow).where(*where).order_by(FunderRow.code))
    return [funder_of(row) for row in rows]


def funds(session: Session, *where: ColumnElement[bool]) -> list[Fund]:
    """Funds that match: the newest year first, then by funder, purpose and document."""
    rows = session.execute(
        select(FundRow, FunderRow)
        .join(FunderRow, FunderRow.id == FundRow.funder_id)
        .where(*where)
        .order_by(FundRow.year.desc(), FunderRow.code, FundRow.purpose_code, FundRow.document)
        .execution_options(populate_existing=True)
    )
    return [_fund(row, funder) for row, funder in rows]


def fund(session: Session, id: FundId) -> Fund:
    """One fund. Raises NoSuchThing."""
    found = funds(session, FundRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def enter_fund(
    session: Session, *, funder: FunderId, year: int, purpose_code: str, document: str
) -> FundId:
    """The fund of that document, entered without money when it is new."""
    named = {
        "funder_id": funder,
        "year": year,
        "purpose_code": purpose_code,
        "document": document,
    }
    session.execute(
        insert(FundRow).values(id=new_id(), available_fen=ZERO, **named).on_conflict_do_nothing()
    )
    return FundId(session.scalars(select(FundRow.id).filter_by(**named)).one())


def budgets(session: Session, *where: ColumnElement[bool]) -> list[Budget]:
    """Budgets that match, a frame before its parts."""
    rows = session.scalars(
        select(BudgetRow)
        .where(*where)
        .order_by(BudgetRow.programme_id.desc(), BudgetRow.parent_id.is_(None).desc())
        .order_by(BudgetRow.area)
    )
    return [_budget(row) for row in rows]


def budget(session: Session, id: BudgetId) -> Budget:
    """One budget. Raises NoSuchThing."""
    found = budgets(session, BudgetRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def chain(session: Session, id: BudgetId) -> list[BudgetId]:
    """The budget and everything above it, up to the frame."""
    found, above = [id], budget(session, id).parent_id
    while above is not None:
        found.append(above)
        above = budget(session, above).parent_id
    return found


def below(session: Session, id: BudgetId) -> list[Budget]:
    """The budget and all its parts. Raises NoSuchThing."""
    whole = BudgetRow.programme_id == budget(session, id).programme_id
    return parts_of(id, budgets(session, whole))


def lock_budgets(session: Session, ids: Collection[BudgetId], *, read: bool = False) -> None:
    """Lock budgets; with `read` beside others who read, to be undisturbed by who locks alone."""
    session.execute(
        select(BudgetRow.id)
        .where(BudgetRow.id.in_(ids))
        .order_by(BudgetRow.id)
        .with_for_update(read=read)
    )


def allotments(session: Session, *where: ColumnElement[bool]) -> list[Allotment]:
    """Allotments that match, the oldest fund first."""
    rows = session.execute(
        select(AllotmentRow, FundRow, FunderRow)
        .join(FundRow, FundRow.id == AllotmentRow.fund_id)
        .join(FunderRow, FunderRow.id == FundRow.funder_id)
        .where(*where)
        .order_by(FundRow.year, FunderRow.code, FundRow.purpose_code, FundRow.document)
        .execution_options(populate_existing=True)
    )
    return [
        Allotment(
            AllotmentId(row.id), BudgetId(row.budget_id), _fund(fund, funder), row.available_fen
        )
        for row, fund, funder in rows
    ]


def enter_allotment(session: Session, *, budget: BudgetId, fund: FundId) -> AllotmentId:
    """The budget's allotment of a fund, entered without money when it is new."""
    named = {"budget_id": budget, "fund_id": fund}
    session.execute(
        insert(AllotmentRow)
        .values(id=new_id(), available_fen=ZERO, **named)
        .on_conflict_do_nothing()
    )
    return AllotmentId(session.scalars(select(AllotmentRow.id).filter_by(**named)).one())


def lock(session: Session, *, funds: Collection[UUID], allotments: Collection[UUID]) -> None:
    """Lock balance rows, always in the same order, so that opposite movements don't deadlock."""
    for row, ids in ((FundRow, funds), (AllotmentRow, allotments)):
        table: Any = row.__table__
        session.execute(
            select(table.c.id).where(table.c.id.in_(ids)).order_by(table.c.id).with_for_update()
        )


def change(session: Session, row: type[FundRow] | type[AllotmentRow], id: UUID, by: Money) -> None:
    """Change the balance of a locked row. Raises FundsShort when it would fall below nothing."""
    table: Any = row.__table__
    there = session.execute(select(table.c.available_fen).where(table.c.id == id)).scalar_one()
    if (there + by).fen < 0:
        raise FundsShort(short=-(there + by))
    session.execute(update(table).where(table.c.id == id).values(available_fen=there + by))


def lines(session: Session, *where: ColumnElement[bool], lock: bool = False) -> list[BudgetLine]:
    """Lines that match, in the order they were entered."""
    statement = (
        select(BudgetLineRow, FunderRow)
        .join(FunderRow, FunderRow.id == BudgetLineRow.funder_id)
        .where(*where)
        .order_by(BudgetLineRow.campaign_id, BudgetLineRow.position, BudgetLineRow.id)
    )
    if lock:
        statement = statement.with_for_update(of=BudgetLineRow)
    return [line_of(row, funder_of(funder)) for row, funder in session.execute(statement)]


def line_of(row: BudgetLineRow, funder: Funder) -> BudgetLine:
    """The view of a line's row."""
    return BudgetLine(
        BudgetLineId(row.id),
        CampaignId(row.campaign_id),
        funder,
        row.amount_fen,
        row.share_bps,
        row.purpose_code,
        row.fallback,
        row.shop_area,
        None if row.allotment_id is None else AllotmentId(row.allotment_id),
    )


def offers_by_campaign(
    session: Session, lines: Sequence[BudgetLine]
) -> dict[CampaignId, list[OfferId]]:
    """The offers that lines set money aside for."""
    rows = session.execute(
        select(BudgetLineRow.campaign_id, ReservationRow.offer_id)
        .select_from(ReservationRow)
        .join(BudgetLineRow, BudgetLineRow.id == ReservationRow.line_id)
        .where(ReservationRow.line_id.in_([one.id for one in lines]))
        .distinct()
    )
    found: dict[CampaignId, list[OfferId]] = {}
    for campaign, offer in rows:
        found.setdefault(CampaignId(campaign), []).append(OfferId(offer))
    return found


def offers(session: Session, lines: Sequence[BudgetLine]) -> list[OfferId]:
    """The same of one campaign's lines, as a list."""
    return [one for found in offers_by_campaign(session, lines).values() for one in found]


def moves(session: Session, *where: ColumnElement[bool], limit: int | None = None) -> list[Move]:
    """Movements that match, newest first."""
    rows = session.execute(
        select(MoveRow, FundRow, FunderRow)
        .join(FundRow, FundRow.id == MoveRow.fund_id)
        .join(FunderRow, FunderRow.id == FundRow.funder_id)
        .where(*where)
        .order_by(MoveRow.created_at.desc(), MoveRow.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_move(row, _fund(fund, funder)) for row, fund, funder in rows]


def move(session: Session, id: MoveId) -> Move:
    """One movement. Raises NoSuchThing."""
    found: Sequence[Move] = moves(session, MoveRow.id == id)
    if not found:
        raise NoSuchThing
    return found[0]


def _fund(row: FundRow, funder: FunderRow) -> Fund:
    return Fund(
        FundId(row.id),
        funder_of(funder),
        row.year,
        row.purpose_code,
        row.document,
        row.available_fen,
    )


def _budget(row: BudgetRow) -> Budget:
    parent = None if row.parent_id is None else BudgetId(row.parent_id)
    return Budget(BudgetId(row.id), ProgrammeId(row.programme_id), parent, row.name, row.area)


def _move(row: MoveRow, fund: Fund) -> Move:
    return Move(
        id=MoveId(row.id),
        action=row.action,
        fund=fund,
        budget_id=None if row.budget_id is None else BudgetId(row.budget_id),
        amount=row.amount_fen,
        status=row.status,
        approval_id=ApprovalId(row.approval_id),
        created_by=row.created_by,
        created_at=row.created_at,
    )
