"""Who may do what with a shop's books: its search and files, comparisons, disputes."""

from __future__ import annotations

import io
from typing import Any

from voucher_service.disputes import service as disputes
from voucher_service.disputes.model import Reason, Subject
from voucher_service.kernel.actor import Actor, Role
from voucher_service.reconciliation import matching

from .city import City, Side
from .purses import redeemed, redemption
from .table import OFFICE, TILL, Thing, always, get, kind, material, post, typed

MANAGER = frozenset({Role.MANAGER})
DECIDERS = frozenset({Role.REVIEWER, Role.FINANCE})
FILE = b"reference,amount\nA-1,128\n"


@kind
def comparison(city: City, side: Side, _caller: Actor) -> Thing:
    """A till's file that one shop compared."""
    manager = side.till[Role.MANAGER]
    made = matching.compare(city.core, actor=manager, file_name="till.csv", content=FILE)
    return Thing(str(made.id), {"id": str(made.id), "format_": "csv"})


@material
def csv_file(_city: City, _side: Side, _caller: Actor) -> Thing:
    """A format of a file."""
    return Thing("csv", {"format_": "csv"})


@kind
def dispute(city: City, side: Side, _caller: Actor) -> Thing:
    """What one shop objects to."""
    made = disputes.open_dispute(
        city.core,
        actor=side.till[Role.MANAGER],
        subject=Subject.REDEMPTION,
        subject_id=redeemed(city, side).id,
        reason=Reason.AMOUNT,
        text="金额不对",
    )
    return Thing(str(made))


def file(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A till's file, as a form sends it."""
    return {"file": (io.BytesIO(FILE), "till.csv")}


def objection(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """An objection to an order."""
    about = {"subject": "redemption", "subject_id": thing.id}
    return about | {"reason": "amount", "text": "金额不对"}


REPLY = {"event": "dispute.replied", "text": "小票已寄出"}
ANSWER = {"event": "dispute.answered", "text": "请寄小票"}
_COMPARISON, _DISPUTE = "/books/matchings/<uuid:id>", "/disputes/<uuid:id>"

SHOP = (
    get("/books", TILL, lists=redemption),
    get("/books/lines/<uuid:redemption_id>", TILL, of=redemption),
    get("/books/day-end", TILL),
    get("/books/statement.<any(csv, xlsx):format_>", MANAGER, of=csv_file),
    get("/books/matchings", MANAGER, lists=comparison),
    post("/books/matchings", MANAGER, sends=typed(file)),
    get(_COMPARISON, MANAGER, of=comparison),
    get(f"{_COMPARISON}/lines.<any(csv, xlsx):format_>", MANAGER, of=comparison),
    get("/disputes", MANAGER, lists=dispute),
    get("/disputes/new", MANAGER),
    post("/disputes", MANAGER, of=redemption, sends=typed(objection), once=True),
    get(_DISPUTE, MANAGER, of=dispute),
    post(_DISPUTE, MANAGER, of=dispute, sends=always(data=REPLY)),
)
DESK = (
    get("/disputes", OFFICE, lists=dispute),
    get(_DISPUTE, OFFICE, of=dispute),
    post(_DISPUTE, DECIDERS, of=dispute, sends=always(data=ANSWER)),
)
