"""Caps: what is planned against them is counted when a campaign is published, never at a till."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from sqlalchemy import ColumnElement, Table, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from voucher_service.kernel.ids import CampaignId, new_id
from voucher_service.kernel.money import ZERO, Money

from .. import store
from ..model import BudgetId, Cap, Span
from ..refusals import CampaignCapReached, CapBelowPlanned, CapReached
from ..tables import CapRow, CapUseRow

_USE = cast(Table, CapUseRow.__table__)


def caps(
    session: Session, *, budget: BudgetId | None = None, campaign: CampaignId | None = None
) -> list[Cap]:
    """The caps of a budget or of a campaign, with what is planned in each period."""
    return [
        Cap(row.span, row.amount_fen, _planned(session, row))
        for row in _caps(session, _owned(budget, campaign))
    ]


def check_caps(
    session: Session, *, campaign: CampaignId, budget: BudgetId | None, planned: Mapping[str, Money]
) -> None:
    """Raises CapReached or CampaignCapReached where a campaign doesn't fit beside what is planned:
    under its own caps, its budget's, and those of the budgets above.
    """
    for cap in _above(session, campaign, budget):
        _check(session, cap, planned)


def count(
    session: Session, *, campaign: CampaignId, budget: BudgetId | None, planned: Mapping[str, Money]
) -> None:
    """Count a campaign that is published. Two at once wait for each other at the cap's row.

    Raises CapReached and CampaignCapReached; then nothing is counted.
    """
    for cap in _above(session, campaign, budget, lock=True):
        _check(session, cap, planned)
        _add(session, cap, planned)


def uncount(
    session: Session, *, campaign: CampaignId, budget: BudgetId | None, planned: Mapping[str, Money]
) -> None:
    """Give back what a campaign will no longer issue."""
    for cap in _above(session, campaign, budget, lock=True):
        for period, amount in sorted(_of(cap.span, planned).items()):
            session.execute(
                update(_USE)
                .where(_USE.c.cap_id == cap.id, _USE.c.period == period)
                .values(planned_fen=_USE.c.planned_fen - amount)
            )


def set_caps(
    session: Session,
    *,
    budget: BudgetId | None,
    campaign: CampaignId | None,
    amounts: Mapping[Span, Money | None],
    planned: Iterable[Mapping[str, Money]],
) -> None:
    """Set (or with None lift) the caps of a budget or campaign; `planned` by published campaign.

    The caller keeps campaigns from being published meanwhile. Raises CapBelowPlanned.
    """
    counted = _sum(planned)
    for span, amount in amounts.items():
        session.execute(delete(CapRow).where(_owned(budget, campaign), CapRow.span == span))
        if amount is None:
            continue
        for period, already in sorted(_of(span, counted).items()):
            if already > amount:
                raise CapBelowPlanned(period=_name(period), planned=already, cap=amount)
        row = CapRow(
            id=new_id(), budget_id=budget, campaign_id=campaign, span=span, amount_fen=amount
        )
        session.add(row)
        session.flush()
        _add(session, row, counted)


def keep_unpublished(session: Session, *, budget: BudgetId) -> list[BudgetId]:
    """Keep campaigns of a budget and of its parts from being published until the transaction
    ends; the ids of those budgets.
    """
    ids = [one.id for one in store.below(session, budget)]
    store.lock_budgets(session, ids)
    return ids


def _check(session: Session, cap: CapRow, planned: Mapping[str, Money]) -> None:
    there = _planned(session, cap)
    for period, needed in sorted(_of(cap.span, planned).items()):
        already = there.get(period, ZERO)
        if already + needed <= cap.amount_fen:
            continue
        if cap.span is Span.CAMPAIGN:
            raise CampaignCapReached(needed=needed, cap=cap.amount_fen)
        raise CapReached(
            period=_name(period),
            cap=cap.amount_fen,
            planned=already,
            left=cap.amount_fen - already,
            needed=needed,
        )


def _add(session: Session, cap: CapRow, planned: Mapping[str, Money]) -> None:
    mine = _of(cap.span, planned)
    if not mine:
        return
    rows = [
        {"cap_id": cap.id, "period": period, "amount_fen": cap.amount_fen, "planned_fen": amount}
        for period, amount in sorted(mine.items())
    ]
    statement = insert(_USE)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[_USE.c.cap_id, _USE.c.period],
            set_={"planned_fen": _USE.c.planned_fen + statement.excluded.planned_fen},
        ),
        rows,
    )


def _planned(session: Session, cap: CapRow) -> dict[str, Money]:
    rows = session.execute(
        select(_USE.c.period, _USE.c.planned_fen)
        .where(_USE.c.cap_id == cap.id)
        .order_by(_USE.c.period)
    )
    return {row.period: row.planned_fen for row in rows}


def _above(
    session: Session, campaign: CampaignId, budget: BudgetId | None, *, lock: bool = False
) -> Sequence[CapRow]:
    chain = [] if budget is None else store.chain(session, budget)
    if lock:
        store.lock_budgets(session, chain, read=True)
    owners = or_(CapRow.campaign_id == campaign, CapRow.budget_id.in_(chain))
    return _caps(session, owners, lock=lock)


def _caps(session: Session, which: ColumnElement[bool], *, lock: bool = False) -> Sequence[CapRow]:
    statement = select(CapRow).where(which).order_by(CapRow.id)
    if lock:
        statement = statement.with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).all()


def _owned(budget: BudgetId | None, campaign: CampaignId | None) -> ColumnElement[bool]:
    if budget is not None:
        return CapRow.budget_id == budget
    return CapRow.campaign_id == campaign


def _of(span: Span, planned: Mapping[str, Money]) -> dict[str, Money]:
    return {one: amount for one, amount in planned.items() if one.startswith(f"{span}:")}


def _sum(parts: Iterable[Mapping[str, Money]]) -> dict[str, Money]:
    total: dict[str, Money] = {}
    for part in parts:
        for period, amount in part.items():
            total[period] = total.get(period, ZERO) + amount
    return total


def _name(period: str) -> str:
    """A day or a month as people write it; a campaign by its id."""
    return period.partition(":")[2]
