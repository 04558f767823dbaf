"""Who pays: funders, their funds, and how the money of those moved."""

from __future__ import annotations

from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import new_id

from .. import store
from ..model import BudgetId, Fund, Funder, FundId, Level, Move
from ..tables import FunderRow, MoveRow
from .planning import mine


def create_funder(
    core: Core, *, actor: Actor, code: str, name: str, level: Level, area: str
) -> Funder:
    """Enter a funder once; the same code again gives the one that stands."""
    with core.transaction() as session:
        found = store.funders(session, FunderRow.code == code)
        if found:
            return found[0]
        row = FunderRow(id=new_id(), code=code, name=name, level=level, area=area)
        session.add(row)
        session.flush()
        audit.record(
            session,
            actor=actor,
            action="funder.created",
            object_type="funder",
            object_id=str(row.id),
            now=core.now(session),
            detail={"code": code},
        )
        return store.funder_of(row)


def funders(core: Core) -> list[Funder]:
    """Every funder, by code."""
    with core.transaction() as session:
        return store.funders(session)


def funds(core: Core, *, actor: Actor) -> list[Fund]:
    """Funds of the funders in the actor's area, the newest year first."""
    with core.transaction() as session:
        found = store.funds(session)
    return [one for one in found if areas.within(one.funder.area, actor.area)]


def fund(core: Core, *, actor: Actor, fund: FundId) -> Fund:
    """One fund of a funder in the actor's area. Raises NoSuchThing."""
    with core.transaction() as session:
        found = store.fund(session, fund)
    if not areas.within(found.funder.area, actor.area):
        raise NoSuchThing
    return found


def moves(
    core: Core, *, actor: Actor, fund: FundId | None = None, budget: BudgetId | None = None
) -> list[Move]:
    """The movements of a fund or of a budget (name one of them), newest first.

    Raises NoSuchThing.
    """
    with core.transaction() as session:
        if budget is not None:
            mine(session, actor, budget)
            return store.moves(session, MoveRow.budget_id == budget)
        assert fund is not None
        if not areas.within(store.fund(session, fund).funder.area, actor.area):
            raise NoSuchThing
        return store.moves(session, MoveRow.fund_id == fund)
