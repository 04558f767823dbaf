"""Things of lotteries at every stage, some of them begun two days ago so that hours have passed."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from uuid import uuid4

from tests.make import World
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.lotteries import service as lotteries
from voucher_service.lotteries.model import Lottery, Party, Terms

from .city import City, Side
from .table import Thing, kind, shared

HOUR = timedelta(hours=1)
SPEAKERS = {Party.FINANCE: Role.FINANCE, Party.AUDIT: Role.AUDITOR, Party.BUREAU: Role.PLANNER}


def terms_of(world: World) -> Terms:
    """Entries for an hour from now on."""
    now = world.now()
    return Terms(1, now, now + HOUR, 0, None)


def approved(world: World, area: str) -> tuple[Lottery, Offer]:
    """A lottery whose offer was approved and which was not announced yet."""
    plan = world.plan(opens_at=world.now() + 5 * HOUR)
    campaign = world.draft(area=area)
    offer = campaigns.create_offer(
        world.core, actor=world.planner, campaign=campaign.id, plan=plan
    ).value
    found = lotteries.plan(world.core, actor=world.planner, offer=offer.id, terms=terms_of(world))
    world.line(campaign.id, plan.face_value * plan.quota)
    world.publish(campaign.id)
    return found, offer


def announced(world: World, area: str) -> Lottery:
    """A lottery whose entries are open."""
    found, _ = approved(world, area)
    return lotteries.open_entries(world.core, actor=world.planner, lottery=found.id)


def promise(
    core: Core, found: Lottery, parties: dict[Party, Actor], secret: dict[Party, str]
) -> None:
    """Each party promises its secret."""
    for party, actor in parties.items():
        digest = hashlib.sha256(secret[party].encode()).hexdigest()
        lotteries.commit(core, actor=actor, lottery=found.id, party=party, sha256=digest)


def party_of(caller: Actor) -> Party:
    """For whom a member of staff may speak; for nobody means that they are refused anyway."""
    return next((party for party in Party if caller.has(*party.roles)), Party.BUREAU)


def spoken_for(city: City, side: Side, caller: Actor) -> dict[Party, Actor]:
    """The three parties, the caller speaking for the own one."""
    parties = {party: side.staff[role] for party, role in SPEAKERS.items()}
    speaks = any(caller.has(*party.roles) for party in Party)
    return parties | ({party_of(caller): caller} if speaks else {})


@kind
def lottery(city: City, side: Side, _caller: Actor) -> Thing:
    """A lottery that can be announced."""
    return Thing(str(approved(city.world, side.area)[0].id))


@kind
def open_lottery(city: City, side: Side, _caller: Actor) -> Thing:
    """A lottery that is open for entries; nobody promised anything yet."""
    return Thing(str(announced(city.world, side.area).id))


def over(city: City, side: Side, caller: Actor) -> tuple[Lottery, dict[Party, str]]:
    """A lottery of two days ago whose hour has passed, with the secrets that were promised."""
    found = announced(city.past, side.area)
    secret = {party: secrets.token_hex(32) for party in Party}
    promise(city.past.core, found, spoken_for(city, side, caller), secret)
    return found, secret


@kind
def ended(city: City, side: Side, caller: Actor) -> Thing:
    """A lottery whose list can be closed."""
    return Thing(str(over(city, side, caller)[0].id))


@kind
def closed(city: City, side: Side, caller: Actor) -> Thing:
    """A lottery whose list was closed just now; the caller may reveal."""
    found, secret = over(city, side, caller)
    lotteries.close_entries(city.core, actor=city.world.planner, lottery=found.id)
    return Thing(str(found.id), {"secret": secret[party_of(caller)]})


@kind
def overdue(city: City, side: Side, caller: Actor) -> Thing:
    """A lottery whose parties were silent for longer than a day."""
    found, _ = over(city, side, caller)
    late = with_clock(city.core, Clock(found.terms.closes_at + HOUR))
    lotteries.close_entries(late, actor=city.past.planner, lottery=found.id)
    return Thing(str(found.id))


@shared
def lottery_to_enter(city: City, side: Side, _caller: Actor) -> Thing:
    """A lottery that residents may enter."""
    return Thing(str(announced(city.world, side.area).id))


@kind
def public_lottery(city: City, side: Side, _caller: Actor) -> Thing:
    """What everybody reads of a lottery, drawn and all; the neighbour's was not announced yet."""
    if side is not city.own:
        return Thing(str(approved(city.world, side.area)[0].id))
    caller = city.own.staff[Role.PLANNER]
    found, secret = over(city, side, caller)
    lotteries.close_entries(city.core, actor=city.world.planner, lottery=found.id)
    for party, actor in spoken_for(city, side, caller).items():
        lotteries.reveal(
            city.core, actor=actor, lottery=found.id, party=party, secret=secret[party]
        )
    return Thing(str(found.id))


@kind
def entered(city: City, side: Side, _caller: Actor) -> Thing:
    """A lottery that one side's resident entered."""
    found = announced(city.world, side.area)
    lotteries.enter(city.core, actor=side.resident, lottery=found.id)
    return Thing(str(found.id), {"key": uuid4().hex})
