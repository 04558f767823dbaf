"""Budgets of a programme: the frame, its parts, and which of them a campaign draws on."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ProgrammeId, new_id

from .. import store
from ..model import Allotment, Budget, BudgetId, Fund
from ..refusals import BudgetAreaInvalid, BudgetExists, BudgetNeeded, BudgetNotFound
from ..tables import AllotmentRow, BudgetRow


def create_budget(
    core: Core,
    *,
    actor: Actor,
    programme: ProgrammeId,
    name: str,
    area: str,
    parent: BudgetId | None = None,
) -> Budget:
    """Open a frame for a programme, or a part of a budget for an area inside it; empty so far.

    Raises BudgetNotFound for a foreign parent, BudgetAreaInvalid, BudgetExists, NotAllowed for a
    frame outside the actor's area.
    """
    with core.transaction() as session:
        if parent is not None:
            above = _named(session, actor, parent)
            inside = areas.within(area, above.area) and area != above.area
            if above.programme_id != programme or not inside or not areas.known(area):
                raise BudgetAreaInvalid(parent=above.name)
        elif not areas.known(area):
            raise BudgetAreaInvalid
        elif not areas.within(area, actor.area):
            raise NotAllowed
        id = BudgetId(new_id())
        row = BudgetRow(id=id, programme_id=programme, parent_id=parent, name=name, area=area)
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError as error:
            raise BudgetExists from error
        audit.record(
            session,
            actor=actor,
            action="budget.created",
            object_type="budget",
            object_id=str(id),
            now=core.now(session),
            detail={"programme": str(programme), "area": area},
        )
        return store.budget(session, id)


def budgets(core: Core, *, actor: Actor, programme: ProgrammeId | None = None) -> list[Budget]:
    """Budgets of the actor's area, of one programme or all; a frame before its parts."""
    where = [] if programme is None else [BudgetRow.programme_id == programme]
    with core.transaction() as session:
        found = store.budgets(session, *where)
    return [one for one in found if areas.within(one.area, actor.area)]


def budget(core: Core, *, actor: Actor, budget: BudgetId) -> Budget:
    """One budget of the actor's area. Raises NoSuchThing."""
    with core.transaction() as session:
        return mine(session, actor, budget)


def allotments(core: Core, *, actor: Actor, budget: BudgetId) -> list[Allotment]:
    """What a budget of the actor's area was given, the oldest fund first. Raises NoSuchThing."""
    with core.transaction() as session:
        mine(session, actor, budget)
        return store.allotments(session, AllotmentRow.budget_id == budget)


def mine(session: Session, actor: Actor, budget: BudgetId) -> Budget:
    """A budget of the actor's area. Raises NoSuchThing."""
    found = store.budget(session, budget)
    if actor is not SYSTEM and not areas.within(found.area, actor.area):
        raise NoSuchThing
    return found


def check_budget(
    session: Session, *, actor: Actor, budget: BudgetId, programme: ProgrammeId, area: str
) -> None:
    """Raises BudgetNotFound unless a campaign of that area may draw on the budget."""
    found = _named(session, actor, budget)
    if found.programme_id != programme or not areas.within(area, found.area):
        raise BudgetNotFound


def check_drawn(session: Session, *, budget: BudgetId | None, programme: ProgrammeId) -> None:
    """Raises BudgetNeeded for a campaign beside the budgets of a programme that has them."""
    if budget is None and store.budgets(session, BudgetRow.programme_id == programme):
        raise BudgetNeeded


def _named(session: Session, actor: Actor, budget: BudgetId) -> Budget:
    try:
        return mine(session, actor, budget)
    except NoSuchThing:
        raise BudgetNotFound from None


def sources(core: Core, *, actor: Actor, budget: BudgetId) -> list[Fund]:
    """The funds a budget can be given money of by the actor. Raises NoSuchThing."""
    with core.transaction() as session:
        target = mine(session, actor, budget)
        straight = [
            one
            for one in store.funds(session)
            if is_straight(one, target) and areas.within(one.funder.area, actor.area)
        ]
        if target.parent_id is None:
            return straight
        above = store.budget(session, target.parent_id)
        if not areas.within(above.area, actor.area):
            return straight
        passed = store.allotments(session, AllotmentRow.budget_id == above.id)
        return straight + [one.fund for one in passed if not is_straight(one.fund, target)]


def is_straight(fund: Fund, budget: Budget) -> bool:
    """Whether the budget gets this fund's money from the fund itself, not from the budget above:
    the frame does, and a part for the funder's own area. There is one way for each, also back.
    """
    return budget.parent_id is None or areas.within(fund.funder.area, budget.area)
