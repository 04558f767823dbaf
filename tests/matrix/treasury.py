"""Things of money above the campaigns: funds, budgets, what they were given, and alarms."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind as AlarmKind
from voucher_service.alarms.model import PayoutsRunning
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Status
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Budget, Fund, Level, Move
from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import Money

from .city import City, Side
from .plans import a_plan
from .table import Thing, kind, material, placed

SOME = Money.of_yuan(100)


def funder_of(city: City, side: Side) -> str:
    """The code of the funder of a division."""
    level = Level.CITY if side is city.above else Level.COUNTY
    return city.world.funder(f"treasury-{side.name}", level, side.area)


def funded(city: City, side: Side) -> Fund:
    """Money that a division's funder appropriated."""
    move = budgets.appropriate(
        city.core,
        actor=city.world.planner,
        funder=funder_of(city, side),
        year=2026,
        purpose_code="",
        document=f"阳财预〔2026〕{uuid4().hex[:6]} 号",
        amount=SOME * 10,
        key=uuid4().hex,
    ).value
    city.world.approve(move.approval_id)
    return budgets.fund(city.core, actor=city.world.planner, fund=move.fund.id)


def opened(city: City, side: Side) -> Budget:
    """The empty frame of a new programme in one division."""
    return budgets.create_budget(
        city.core,
        actor=city.world.planner,
        programme=city.world.programme().id,
        name="一级预算",
        area=side.area,
    )


def given(city: City, made: Budget, money: Fund) -> Move:
    """Some of a fund's money, proposed for a budget."""
    return budgets.allot(
        city.core,
        actor=city.world.planner,
        budget=made.id,
        fund=money.id,
        amount=SOME,
        key=uuid4().hex,
    ).value


@kind
def funder(city: City, side: Side, _caller: Actor) -> Thing:
    """A funder of a division, who appropriates by a document."""
    facts = {"funder": funder_of(city, side), "document": f"阳财预〔2026〕{uuid4().hex[:6]} 号"}
    return Thing("", facts, {"funder": "nobody"})


@kind
def fund(city: City, side: Side, _caller: Actor) -> Thing:
    """A fund with money that no budget has."""
    return Thing(str(funded(city, side).id))


@placed
def frame(city: City, side: Side, _caller: Actor) -> Thing:
    """A programme whose frame can be opened for a division."""
    slug = city.world.programme().slug
    return Thing("", {"typed": {"programme": slug, "name": "一级预算", "area": side.area}})


@kind
def budget(city: City, side: Side, _caller: Actor) -> Thing:
    """A budget, empty, and a fund it can be given money of."""
    return Thing(str(opened(city, side).id), {"fund": str(funded(city, side).id)})


@kind
def endowed(city: City, side: Side, _caller: Actor) -> Thing:
    """A budget that was given money."""
    made, money = opened(city, side), funded(city, side)
    city.world.approve(given(city, made, money).approval_id)
    return Thing(str(made.id), {"fund": str(money.id)})


@kind
def move_proposal(city: City, side: Side, _caller: Actor) -> Thing:
    """The proposal to give a budget money of its division's fund."""
    return Thing(str(given(city, opened(city, side), funded(city, side)).approval_id))


@kind
def line(city: City, side: Side, _caller: Actor) -> Thing:
    """A line of a campaign that was published."""
    found = a_plan(city, side)
    city.world.publish(found.id)
    _, _, (one,) = campaigns.campaign(city.core, actor=city.world.planner, campaign=found.id)
    return Thing(str(one.id))


@kind
def alarm(city: City, side: Side, _caller: Actor) -> Thing:
    """An alarm of a division."""
    with city.core.transaction() as session:
        made = alarms.raise_alarm(
            session,
            kind=AlarmKind.PRIVACY,
            subject=f"staff:{uuid4()}",
            detail={"reads": 61, "limit": 60},
            now=datetime.now(UTC),
            area=side.area,
        )
    return Thing(str(made))


@material
def mended(city: City, _side: Side, _caller: Actor) -> Thing:
    """Payouts that were stopped, for a reason that is gone, and that nobody asked to resume."""
    now = datetime.now(UTC)
    _nobody_asked(city)
    with city.core.transaction() as session:
        broken = {(AlarmKind.LEDGER, "L1"): {"cases": ["转账 1"]}}
        alarms.settle(session, kinds=[AlarmKind.LEDGER], broken=broken, now=now)
        alarms.settle(session, kinds=[AlarmKind.LEDGER], broken={}, now=now)
    return Thing()


def going_on(city: City) -> None:
    """Let payouts go on, whatever an earlier cell stopped."""
    _nobody_asked(city)
    with suppress(PayoutsRunning):
        city.world.approve(alarms.propose_resume(city.core, actor=city.world.planner))


def _nobody_asked(city: City) -> None:
    planner = city.world.planner
    asked = approvals.page(city.core, actor=planner, status=Status.WAITING, cursor=None, limit=200)
    for one in asked.items:
        if one.object_type == "payouts":
            maker = Actor(planner.kind, one.maker_id)
            approvals.reject(city.core, actor=maker, approval=ApprovalId(one.id), reason="再看看")
