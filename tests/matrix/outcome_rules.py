"""Who may see and import outcome data, and say whether their own spending is compared."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

from tests.causal import panels
from voucher_service.causal.outcomes import Kind
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.ids import OfferId

from .city import City, Side
from .plans import open_offer
from .table import OFFICE, RESIDENT, Rule, Thing, called, delete, get, kind, post, typed

FINANCE = frozenset({Role.FINANCE})
API = "/api/v1/outcomes"


@kind
def compared_offer(city: City, side: Side, caller: Actor) -> Thing:
    """An offer, and a file of what was spent in one area in the weeks around it."""
    thing = open_offer.make(city, side, caller)
    offer = city.world.reload(OfferId(UUID(thing.id)))
    rows = [("441702", monday, "dining", 100, 5_000_00, 900) for monday in panels.mondays(offer)]
    file = panels.written(offer, Kind.AREAS, rows).getvalue().decode()
    return Thing(thing.id, {"file": file})


def as_text(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The file about that offer."""
    return {"file": _about(thing)}


def as_file(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same, as a form sends it."""
    return {"file": (BytesIO(_about(thing).encode()), "areas.csv")}


def _about(thing: Thing) -> str:
    lines = thing.facts["file"].splitlines()
    return "\n".join(f"offer,{thing.id}" if one.startswith("offer,") else one for one in lines)


DESK = (
    get(API, OFFICE),
    post(API, FINANCE, of=compared_offer, sends=called(as_text), answers=201, once=True),
    get("/outcomes", OFFICE),
    post("/outcomes", FINANCE, of=compared_offer, sends=typed(as_file), hides=422, once=True),
)
OWN = (
    Rule("PUT", "/api/v1/me/outcome-consent", RESIDENT, answers=204),
    delete("/api/v1/me/outcome-consent", RESIDENT),
    post("/me/outcomes", RESIDENT),
)
