"""Who may do what with lotteries at the desk: the bureau plans, three parties hold the secrets."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import SHANGHAI

from .city import City, Side
from .draws import closed, ended, lottery, open_lottery, overdue, party_of
from .plans import draft_offer
from .table import APPROVER, OFFICE, PLANNER, RUNNERS, Thing, called, get, kind, post, typed


@kind
def offer_and_hours(city: City, side: Side, caller: Actor) -> Thing:
    """An offer of a draft, and hours at which its lottery may be entered."""
    now = city.world.now().astimezone(SHANGHAI)
    opens, closes = now + timedelta(minutes=5), now + timedelta(minutes=65)
    facts = {
        "opens": opens.isoformat(timespec="seconds"),
        "closes": closes.isoformat(timespec="seconds"),
    }
    return Thing(draft_offer.make(city, side, caller).id, facts)


def new_lottery(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """One seat, entries for an hour."""
    return {"offer_id": thing.id, "seats": 1} | hours(thing)


def typed_lottery(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as a planner types it."""
    short = {name: value[:16] for name, value in hours(thing).items()}
    return {"offer": thing.id, "seats": "1"} | short


def hours(thing: Thing) -> dict[str, str]:
    """When entries are open."""
    return {"opens_at": thing.facts["opens"], "closes_at": thing.facts["closes"]}


def promised(_thing: Thing, caller: Actor) -> dict[str, Any]:
    """The hash of a new secret, for the party the caller may speak for."""
    digest = hashlib.sha256(secrets.token_hex(32).encode()).hexdigest()
    return {"party": str(party_of(caller)), "sha256": digest}


def revealed(thing: Thing, caller: Actor) -> dict[str, Any]:
    """The secret that the caller promised."""
    return {"party": str(party_of(caller)), "secret": thing.facts["secret"]}


API, LOTTERY = "/api/v1", "/lotteries/<uuid:id>"
PARTIES = PLANNER | APPROVER | frozenset({Role.FINANCE, Role.AUDITOR})
RULES = (
    get(f"{API}/lotteries", OFFICE, lists=lottery),
    post(
        f"{API}/lotteries",
        PLANNER,
        of=offer_and_hours,
        sends=called(new_lottery),
        answers=201,
    ),
    post(f"{API}{LOTTERY}/open", RUNNERS, of=lottery, once=True),
    post(f"{API}{LOTTERY}/close", RUNNERS, of=ended, once=True),
    post(f"{API}{LOTTERY}/void", RUNNERS, of=overdue, once=True),
    post(
        f"{API}{LOTTERY}/commitments",
        PARTIES,
        of=open_lottery,
        sends=called(promised),
        answers=201,
        once=True,
    ),
    post(
        f"{API}{LOTTERY}/reveals",
        PARTIES,
        of=closed,
        sends=called(revealed),
        answers=201,
        once=True,
    ),
    get("/lotteries", OFFICE, lists=lottery),
    post("/lotteries", PLANNER, of=offer_and_hours, sends=typed(typed_lottery), hides=422),
    get(LOTTERY, OFFICE, of=lottery),
    post(f"{LOTTERY}/open", RUNNERS, of=lottery, once=True),
    post(f"{LOTTERY}/close", RUNNERS, of=ended, once=True),
    post(f"{LOTTERY}/void", RUNNERS, of=overdue, once=True),
    post(f"{LOTTERY}/commitments", PARTIES, of=open_lottery, sends=typed(promised), once=True),
    post(f"{LOTTERY}/reveals", PARTIES, of=closed, sends=typed(revealed), once=True),
)
