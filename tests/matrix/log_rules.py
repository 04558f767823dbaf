"""Who may read the sealed log's heads and proofs: everybody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from voucher_service.kernel.actor import Actor
from voucher_service.proof import service

from .city import City, Side
from .table import Thing, asked, get, material, shared

_NOWHERE = 2**40
PROOF = "/api/v1/proof"


@shared
def sealed(city: City, _side: Side, _caller: Actor) -> Thing:
    """The log as it is, its newest head, and a record in it."""
    while service.seal(city.core):
        pass
    head = service.publish(city.core)
    with city.core.transaction() as session:
        event = session.execute(text("SELECT max(number) FROM log_leaf WHERE kind = 'event'"))
        facts = {"size": head.size, "number": event.scalar_one()}
    return Thing("", facts, lost={"size": _NOWHERE, "number": _NOWHERE})


@material
def published(city: City, _side: Side, _caller: Actor) -> Thing:
    """A log with a head."""
    service.seal(city.core)
    service.publish(city.core)
    return Thing()


def an_entry(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """Which record."""
    return {"kind": "event", "number": thing.facts["number"]}


def two_sizes(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The first leaf, and all of them."""
    return {"old": 1, "new": thing.facts["size"]}


RULES = (
    get(f"{PROOF}/checkpoints"),
    get(f"{PROOF}/checkpoints/<int:size>", of=sealed),
    get(f"{PROOF}/inclusion", of=sealed, sends=asked(an_entry), hides=409),
    get(f"{PROOF}/consistency", of=sealed, sends=asked(two_sizes), hides=422),
    get("/checkpoints", of=published),
    get("/checkpoints/latest", of=published),
)
