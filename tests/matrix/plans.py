"""Things of planning: campaigns, offers and proposals at every stage of their lives."""

from __future__ import annotations

from datetime import timedelta

from tests.people import newcomer
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign
from voucher_service.identity import service as identity
from voucher_service.kernel.actor import Actor
from voucher_service.pushes import service as pushes

from .city import City, Side
from .table import Thing, kind, shared


def a_draft(city: City, side: Side) -> Campaign:
    """An empty campaign of a side."""
    return city.world.draft(area=side.area)


@kind
def draft(city: City, side: Side, _caller: Actor) -> Thing:
    """An empty campaign."""
    return Thing(str(a_draft(city, side).id))


@shared
def programme(city: City, _side: Side, _caller: Actor) -> Thing:
    """A programme, which any part of the city may plan for."""
    return Thing(city.world.programme().slug)


@kind
def draft_offer(city: City, side: Side, _caller: Actor) -> Thing:
    """An offer of a campaign that is not complete."""
    found = a_draft(city, side)
    plan = city.world.plan(opens_at=city.world.now() + timedelta(hours=5))
    made = campaigns.create_offer(
        city.core, actor=city.world.planner, campaign=found.id, plan=plan
    ).value
    return Thing(str(made.id))


def a_plan(city: City, side: Side) -> Campaign:
    """A campaign with an offer and the money for it."""
    found, plan = a_draft(city, side), city.world.plan()
    campaigns.create_offer(city.core, actor=city.world.planner, campaign=found.id, plan=plan)
    city.world.line(found.id, plan.face_value * plan.quota)
    return found


@kind
def planned(city: City, side: Side, _caller: Actor) -> Thing:
    """A campaign that can be submitted."""
    return Thing(str(a_plan(city, side).id))


@kind
def proposal(city: City, side: Side, _caller: Actor) -> Thing:
    """A proposal that waits for a second person."""
    found = a_plan(city, side)
    made = campaigns.submit(city.core, actor=city.world.planner, campaign=found.id)
    return Thing(str(made), {"campaign": str(found.id)})


def running(city: City, side: Side) -> Campaign:
    """A campaign that was published."""
    found = a_plan(city, side)
    city.world.publish(found.id)
    return found


@kind
def published(city: City, side: Side, _caller: Actor) -> Thing:
    """A campaign that runs."""
    return Thing(str(running(city, side).id))


@kind
def paused(city: City, side: Side, _caller: Actor) -> Thing:
    """A campaign that was stopped."""
    found = running(city, side)
    campaigns.pause(city.core, actor=city.world.planner, campaign=found.id)
    return Thing(str(found.id))


@kind
def open_offer(city: City, side: Side, _caller: Actor) -> Thing:
    """An offer of a campaign that runs."""
    return Thing(str(city.world.offer(campaign=a_draft(city, side)).id))


def a_list(city: City) -> str:
    """A list with one resident of its own."""
    person = newcomer()
    identity.register_synthetic(city.core, people=[person], now=city.world.now())
    return f"mobile\n{person.mobile}\n"


@kind
def listed_offer(city: City, side: Side, _caller: Actor) -> Thing:
    """An offer that can be given to a list, and such a list."""
    offer = city.world.offer(campaign=a_draft(city, side))
    return Thing(str(offer.id), {"list": a_list(city)})


@kind
def push(city: City, side: Side, _caller: Actor) -> Thing:
    """An offer that is to be given to a list."""
    offer = city.world.offer(campaign=a_draft(city, side))
    content = a_list(city).encode()
    made = pushes.propose(city.core, actor=city.world.planner, offer=offer.id, content=content)
    return Thing(str(made.id))


@kind
def push_proposal(city: City, side: Side, _caller: Actor) -> Thing:
    """The proposal of such a push."""
    offer = city.world.offer(campaign=a_draft(city, side))
    made = pushes.propose(
        city.core, actor=city.world.planner, offer=offer.id, content=a_list(city).encode()
    )
    found = approvals.latest(
        city.core, actor=city.world.planner, about=made.id, status=approvals.Status.WAITING
    )
    assert found is not None
    return Thing(str(found.id))
