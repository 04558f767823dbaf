"""Residents who apply for the subsidy of a car, as far as a test wants them to have come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from random import Random
from uuid import uuid4

from tests.make import JIANGCHENG, World
from tests.services.applicants import photo
from tests.services.car_pools import car_pools
from voucher_service.identity import service as identity
from voucher_service.infra import files
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.ids import ApprovalId, ResidentId
from voucher_service.kernel.money import Money
from voucher_service.tradein import identifiers
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.model import (
    EVIDENCE,
    Application,
    ApplicationId,
    Bought,
    Card,
    GivenUp,
    Vehicle,
)
from voucher_service.tradein.policy import Energy, Scheme

_SIGNS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
CARD = "6228480000000000000"
OTHER_CARD = "6222020000000000000"


@dataclass(frozen=True)
class Owner:
    """A resident with an application, and the name on their papers."""

    actor: Actor
    name: str
    application: ApplicationId


def vin() -> str:
    """An invented number of a vehicle that checks."""
    start, end = ("".join(Random().choices(_SIGNS, k=8)) for _ in range(2))
    every = (f"{start}{digit}{end}" for digit in "0123456789X")
    return next(one for one in every if not identifiers.vin(one).doubtful)


def digits(length: int) -> str:
    """An invented number."""
    return "".join(Random().choices("0123456789", k=length))


def new_car(name: str, area: str = JIANGCHENG) -> Bought:
    """A new electric car for 128,800 yuan, bought in September 2026."""
    return Bought(
        vin=vin(),
        plate="粤QD12345",
        energy=Energy.NEV,
        vehicle=Vehicle.SMALL,
        seats=5,
        invoice=digits(20),
        area=area,
        buyer=name,
        price=Money.of_yuan(128_800),
        tax=Money(1_481_770),
        invoiced_on=date(2026, 9, 8),
        registered_on=date(2026, 9, 10),
        listed=True,
    )


def old_car(name: str, scheme: Scheme = Scheme.CAR_SCRAP) -> GivenUp:
    """A petrol car of 2011, given up in August 2026."""
    return GivenUp(
        vin=vin(),
        plate="粤QA1234",
        energy=Energy.PETROL,
        registered_on=date(2011, 5, 20),
        owned_since=date(2016, 3, 1),
        owner=name,
        paper=digits(12 if scheme is Scheme.CAR_SCRAP else 20),
        parted_on=date(2026, 8, 20),
        closed_on=date(2026, 8, 28),
    )


def began(core: Core, actor: Actor, scheme: Scheme = Scheme.CAR_SCRAP) -> Owner:
    """A resident with an empty application."""
    assert actor.id is not None
    made = service.begin(core, actor=actor, scheme=scheme).value
    with core.transaction() as session:
        name = identity.name_of(session, keyring=core.keyring, resident=ResidentId(actor.id))
    assert name is not None
    return Owner(actor, name, made.id)


def filled(
    core: Core,
    actor: Actor,
    scheme: Scheme = Scheme.CAR_SCRAP,
    *,
    new: Bought | None = None,
    old: GivenUp | None = None,
    area: str = JIANGCHENG,
) -> Owner:
    """A resident who filled everything in; there are pools to hand it in to."""
    car_pools(core)
    who = began(core, actor, scheme)
    mine = {"actor": actor, "application": who.application}
    bought = replace(new, buyer=who.name) if new else new_car(who.name, area)
    given_up = replace(old, owner=who.name) if old else old_car(who.name, scheme)
    service.save_new_car(core, car=bought, **mine)
    service.save_old_car(core, car=given_up, **mine)
    service.save_card(core, card=Card(who.name, CARD, "农业银行阳江分行"), **mine)
    for kind in EVIDENCE[scheme]:
        service.hand_in(core, kind=kind, content=paper(), **mine)
    return who


def filled_at_once(core: Core, actor: Actor, *, new: Bought | None = None) -> Owner:
    """A resident who filled in an application for a scrapped car in one call."""
    assert actor.id is not None
    with core.transaction() as session:
        name = identity.name_of(session, keyring=core.keyring, resident=ResidentId(actor.id))
    assert name is not None
    made = service.fill_in(
        core,
        actor=actor,
        scheme=Scheme.CAR_SCRAP,
        car=replace(new, buyer=name) if new else new_car(name),
        old_car=old_car(name),
        card=Card(name, CARD, "农业银行阳江分行"),
        papers=dict.fromkeys(EVIDENCE[Scheme.CAR_SCRAP], paper()),
    )
    return Owner(actor, name, made.id)


@cache
def paper() -> files.Content:
    """A photo, made anew once."""
    return files.clean(photo(), most_bytes=1_000_000)


def submitted(
    core: Core,
    actor: Actor,
    scheme: Scheme = Scheme.CAR_SCRAP,
    *,
    new: Bought | None = None,
    old: GivenUp | None = None,
    area: str = JIANGCHENG,
) -> tuple[Owner, Application]:
    """A resident who handed everything in, and the application."""
    who = filled(core, actor, scheme, new=new, old=old, area=area)
    found = service.submit(core, actor=who.actor, application=who.application)
    return who, found.value


def proposed(
    world: World, reviewer: Actor | None = None, *, area: str = JIANGCHENG
) -> tuple[Owner, ApprovalId]:
    """An application that was checked and waits for the city."""
    who, found = submitted(world.core, world.resident(), area=area)
    checker = reviewer or world.staff(Role.REVIEWER, area=area)
    return who, service.precheck(world.core, actor=checker, application=found.id)


def approved(world: World, *, area: str = JIANGCHENG) -> Owner:
    """An application that two people agreed to."""
    who, proposal = proposed(world, area=area)
    world.approve(proposal)
    return who


def card_refused(world: World, *, area: str = JIANGCHENG) -> Owner:
    """An approved application that the bank did not pay."""
    who = approved(world, area=area)
    with world.core.transaction() as session:
        service.payout_refused(session, application=who.application, reason="户名不符")
    return who


def card_given(world: World, *, area: str = JIANGCHENG) -> Owner:
    """One whose applicant named another card since."""
    who = card_refused(world, area=area)
    card = Card(who.name, OTHER_CARD, "工商银行阳江分行")
    service.save_card(world.core, actor=who.actor, application=who.application, card=card)
    return who


def named(world: World, name: str, role: Role) -> Actor:
    """Staff of that name."""
    made = identity.create_staff(
        world.core,
        actor=SYSTEM,
        username=f"staff-{uuid4().hex[:8]}",
        password="demo-only-a-password",
        display_name=name,
        roles=[role],
        area="",
        demo=True,
    )
    return Actor(world.planner.kind, made.id, frozenset({role}), "")
