"""Money above the lines: appropriated, given to budgets, handed back, returned, carried over.

Each movement is proposed by a planner of the area that gives and made by the approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.approvals import service as approvals
from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome, once
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, FundsShort, Leg, Stage, fund, move

from .. import store
from ..model import MOVE, Action, Allotment, Budget, BudgetId, Fund, FundId, Move, MoveEvent, MoveId
from ..refusals import AllotmentMissing, FunderUnknown, FundUnknown
from ..tables import AllotmentRow, FunderRow, FundRow, MoveRow
from .giving import Place, give, take_back
from .planning import is_straight, mine


def appropriate(
    core: Core,
    *,
    actor: Actor,
    funder: str,
    year: int,
    purpose_code: str,
    document: str,
    amount: Money,
    key: str,
) -> Outcome[Move]:
    """Propose to book money that a funder appropriated by a document, for a year from 2000 to 2100.

    Raises FunderUnknown, for one outside the actor's area too, and KeyReused.
    """
    with core.transaction() as session:
        found = store.funders(session, FunderRow.code == funder)
        if not found or not areas.within(found[0].area, actor.area):
            raise FunderUnknown(funder=funder)
        id = store.enter_fund(
            session,
            funder=found[0].id,
            year=year,
            purpose_code=purpose_code,
            document=document,
        )
        one = store.fund(session, id)
        return _propose(core, session, actor, Action.APPROPRIATE, one, None, amount, key)


def return_to_treasury(
    core: Core, *, actor: Actor, fund: FundId, amount: Money, key: str
) -> Outcome[Move]:
    """Propose to give money no budget has back to who appropriated it.

    Raises NoSuchThing, FundsShort, KeyReused.
    """
    return _of_fund(core, actor, Action.RETURN, fund, amount, key)


def carry_over(core: Core, *, actor: Actor, fund: FundId, amount: Money, key: str) -> Outcome[Move]:
    """Propose to carry money no budget has into the same funder's and purpose's next year.

    Raises NoSuchThing, FundsShort, KeyReused.
    """
    return _of_fund(core, actor, Action.CARRY_OVER, fund, amount, key)


def allot(
    core: Core, *, actor: Actor, budget: BudgetId, fund: FundId, amount: Money, key: str
) -> Outcome[Move]:
    """Propose to give a budget money: from the fund where the budget is the frame or of the
    funder's own area, otherwise from what the budget above it has of the fund.

    Raises NoSuchThing, FundUnknown, AllotmentMissing, FundsShort, KeyReused; NotAllowed outside
    the area that gives.
    """
    with core.transaction() as session:
        target = mine(session, actor, budget)
        one = _known(session, actor, fund, target)
        if is_straight(one, target):
            if not areas.within(one.funder.area, actor.area):
                raise NotAllowed
            return _propose(
                core, session, actor, Action.ALLOT, one, target, amount, key, there=one.available
            )
        above = _parent(session, target)
        if not areas.within(above.area, actor.area):
            raise NotAllowed
        there = _allotment(session, above, one).available
        return _propose(
            core, session, actor, Action.PASS_DOWN, one, target, amount, key, there=there
        )


def hand_back(
    core: Core, *, actor: Actor, budget: BudgetId, fund: FundId, amount: Money, key: str
) -> Outcome[Move]:
    """Propose to give what a budget has not planned with back to where it came from.

    Raises NoSuchThing, FundUnknown, AllotmentMissing, FundsShort, KeyReused.
    """
    with core.transaction() as session:
        source = mine(session, actor, budget)
        one = _known(session, actor, fund, source)
        there = _allotment(session, source, one).available
        return _propose(
            core, session, actor, Action.HAND_BACK, one, source, amount, key, there=there
        )


def _of_fund(
    core: Core, actor: Actor, action: Action, fund: FundId, amount: Money, key: str
) -> Outcome[Move]:
    with core.transaction() as session:
        one = store.fund(session, fund)
        if not areas.within(one.funder.area, actor.area):
            raise NoSuchThing
        return _propose(core, session, actor, action, one, None, amount, key, there=one.available)


def _propose(
    core: Core,
    session: Session,
    actor: Actor,
    action: Action,
    one: Fund,
    budget: Budget | None,
    amount: Money,
    key: str,
    *,
    there: Money | None = None,
) -> Outcome[Move]:
    """Write the movement and ask for signatures, unless the key was used: then the first one.

    Raises FundsShort when the amount is more than is `there`.
    """
    now = core.now(session)
    id = MoveId(new_id())
    payload = {
        "action": str(action),
        "fund": str(one.id),
        "funder": one.funder.code,
        "year": one.year,
        "purpose_code": one.purpose_code,
        "document": one.document,
        "budget": budget and str(budget.id),
        "amount_fen": amount.fen,
    }
    earlier = once(session, scope=f"{actor.name}:move", key=key, body=payload, result=id)
    if earlier is not None:
        return Outcome(store.move(session, MoveId(earlier)), replayed=True)
    if there is not None and there < amount:
        raise FundsShort(short=amount - there)
    assert actor.id is not None
    approval = approvals.propose(
        session,
        action=str(action),
        object_type="budget_move",
        object_id=id,
        area=_giver(session, action, one, budget),
        title=budget.name if budget else f"{one.funder.name} {one.document}",
        payload=payload | {"move": str(id)},
        maker=actor,
        now=now,
        amount=amount,
        group=f"{action}:{budget.id if budget else one.funder.code}",
    )
    session.add(
        MoveRow(
            id=id,
            action=action,
            fund_id=one.id,
            budget_id=budget and budget.id,
            amount_fen=amount,
            status=MOVE.initial,
            approval_id=approval,
            created_by=actor.id,
            created_at=now,
        )
    )
    session.flush()
    return Outcome(store.move(session, id))


def _giver(session: Session, action: Action, one: Fund, budget: Budget | None) -> str:
    """The area whose money it is until then."""
    if budget is None or action is Action.ALLOT:
        return one.funder.area
    return _parent(session, budget).area if action is Action.PASS_DOWN else budget.area


def _make(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = store.move(session, MoveId(UUID(payload["move"])))
    budget = store.budget(session, found.budget_id) if found.budget_id else None
    _settle(session, found, MoveEvent.MADE, actor, now)
    if budget is None:
        _move_fund(session, found, now)
    else:
        _move_allotment(session, found, budget, now)


def _refuse(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = store.move(session, MoveId(UUID(payload["move"])))
    _settle(session, found, MoveEvent.REFUSED, actor, now)


def _settle(session: Session, found: Move, event: MoveEvent, actor: Actor, now: datetime) -> None:
    audit.transition(
        session,
        MoveRow,
        id=found.id,
        current=found.status,
        lifecycle=MOVE,
        event=event,
        actor=actor,
        now=now,
    )


def _move_fund(session: Session, found: Move, now: datetime) -> None:
    one, amount, key = found.fund, found.amount, str(found.id)
    store.lock(session, funds=[one.id], allotments=[])
    if found.action is Action.APPROPRIATE:
        store.change(session, FundRow, one.id, amount)
        legs = move(amount, fund(one.id, Stage.APPROPRIATION), fund(one.id, Stage.AVAILABLE))
        ledger.post(session, code=Code.APPROPRIATED, key=key, legs=legs, now=now)
    elif found.action is Action.RETURN:
        alarms.check_payouts(session)
        store.change(session, FundRow, one.id, -amount)
        legs = move(amount, fund(one.id, Stage.AVAILABLE), fund(one.id, Stage.RETURNED))
        ledger.post(session, code=Code.SENT_HOME, key=key, legs=legs, now=now)
    else:
        following = store.enter_fund(
            session,
            funder=one.funder.id,
            year=one.year + 1,
            purpose_code=one.purpose_code,
            document=one.document,
        )
        store.lock(session, funds=[following], allotments=[])
        store.change(session, FundRow, one.id, -amount)
        store.change(session, FundRow, following, amount)
        carried = (
            Leg(fund(one.id, Stage.AVAILABLE), -amount),
            Leg(fund(one.id, Stage.CARRIED), amount),
            Leg(fund(following, Stage.APPROPRIATION), -amount),
            Leg(fund(following, Stage.AVAILABLE), amount),
        )
        ledger.post(session, code=Code.CARRIED_OVER, key=key, legs=carried, now=now)


def _move_allotment(session: Session, found: Move, budget: Budget, now: datetime) -> None:
    own = store.enter_allotment(session, budget=budget.id, fund=found.fund.id)
    if is_straight(found.fund, budget):
        other, ids = Place.fund(found.fund.id), [own]
        store.lock(session, funds=[found.fund.id], allotments=ids)
    else:
        above = _allotment(session, _parent(session, budget), found.fund)
        other, ids = Place.allotment(above.id), [own, above.id]
        store.lock(session, funds=[], allotments=ids)
    place, amount, key = Place.allotment(own), found.amount, str(found.id)
    if found.action is Action.HAND_BACK:
        take_back(session, place, other, amount=amount, code=Code.HANDED_BACK, key=key, now=now)
    else:
        straight = found.action is Action.ALLOT
        code = Code.ALLOTTED if straight else Code.PASSED_DOWN
        give(session, other, place, amount=amount, code=code, key=key, now=now)


def _parent(session: Session, budget: Budget) -> Budget:
    assert budget.parent_id is not None
    return store.budget(session, budget.parent_id)


def _known(session: Session, actor: Actor, id: FundId, budget: Budget) -> Fund:
    """A fund of the actor's area, or one that the budget has money of. Raises FundUnknown."""
    found = store.funds(session, FundRow.id == id)
    if not found:
        raise FundUnknown
    has = _of(budget.id, id)
    if not areas.within(found[0].funder.area, actor.area) and not store.allotments(session, *has):
        raise FundUnknown
    return found[0]


def _allotment(session: Session, budget: Budget, one: Fund) -> Allotment:
    found = store.allotments(session, *_of(budget.id, one.id))
    if not found:
        raise AllotmentMissing(funder=one.funder.name, purpose=one.purpose_code or "–")
    return found[0]


def _of(budget: BudgetId, fund: FundId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return AllotmentRow.budget_id == budget, AllotmentRow.fund_id == fund


for _action in Action:
    approvals.register(str(_action), execute=_make, refuse=_refuse)
