"""Who may do what at the till."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from voucher_service.kernel.actor import Actor, Role
from voucher_service.merchants import service as merchants

from .city import City, Side
from .freezes import at_till
from .purses import code, order, redemption
from .table import TILL, Thing, always, asked, called, get, material, post, prepared, typed


@material
def login(city: City, side: Side, _caller: Actor) -> Thing:
    """A cashier's username and password."""
    username = merchants.desk(city.core, actor=side.till[Role.CASHIER]).cashier.username
    return Thing("", {"typed": {"username": username, "password": f"demo-only-{username}"}})


@material
def lost(_city: City, _side: Side, _caller: Actor) -> Thing:
    """An order whose reply never came: a reference is the shop's own, so it names nobody else's."""
    return Thing("", {"typed": {"order_reference": uuid4().hex, "reason": "no reply"}})


def bill(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A code on an order of 128 yuan."""
    return dict(thing.facts) | {"order_amount_fen": 12_800}


def typed_bill(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as a cashier types it."""
    facts = thing.facts
    return {"code": facts["code"], "amount": "128", "made_reference": facts["order_reference"]}


def typed_unit(thing: Thing, caller: Actor) -> dict[str, Any]:
    """The same with the numbers of a unit."""
    return typed_bill(thing, caller) | {"gtin": "6901234567892", "serial": "SN123456"}


BY_API, BY_FORM, BY_UNIT = called(bill), typed(typed_bill), typed(typed_unit)
OF_ORDER = asked(lambda one, _: {"order_reference": one.facts["reference"]})
_ORDERS = "/api/v1/redemptions"
_ORDER = f"{_ORDERS}/<uuid:redemption_id>"


RULES = (
    post("/api/v1/sign-in", of=login, sends=called(prepared)),
    get("/api/v1/me", TILL),
    post("/api/v1/redemptions", TILL, of=code, sends=BY_API, answers=201, once=True, keyed=True),
    post(f"{_ORDERS}/freeze", TILL, of=code, sends=BY_API, answers=201, once=True, keyed=True),
    post(f"{_ORDERS}/quote", TILL, of=code, sends=BY_API, answers=200, once=True),
    post(f"{_ORDER}/commit", TILL, of=at_till, answers=200, once=True, keyed=True),
    post(f"{_ORDER}/cancel", TILL, of=at_till, answers=200, once=True, keyed=True),
    post(f"{_ORDERS}/reverse", TILL, of=lost, sends=called(prepared), keyed=True),
    get("/api/v1/redemptions", TILL, lists=redemption),
    get("/api/v1/redemptions", TILL, of=order, sends=OF_ORDER, hides=200),
    get("/api/v1/redemptions/<uuid:redemption_id>", TILL, of=redemption),
    get("/api/v1/summary", TILL),
    get("/sign-in"),
    post("/sign-in", of=login, sends=typed(prepared)),
    post("/sign-out", answers="sign-in"),
    get("/", TILL),
    get("/amount", TILL, answers=303),
    post("/amount", TILL, of=code, sends=BY_FORM, answers=200, once=True),
    get("/unit", TILL, answers=303),
    post("/unit", TILL, of=code, sends=BY_UNIT, answers=200, once=True),
    get("/redemptions", TILL, answers=303),
    post("/redemptions", TILL, of=code, sends=BY_FORM, once=True, keyed=True),
    get("/redemptions/<uuid:redemption_id>", TILL, of=redemption),
    get("/redemptions/<uuid:redemption_id>/state.json", TILL, of=redemption),
    post("/redemptions/<uuid:redemption_id>/commit", TILL, of=at_till, once=True, keyed=True),
    post("/redemptions/<uuid:redemption_id>/cancel", TILL, of=at_till, once=True, keyed=True),
    post("/redemptions/<uuid:redemption_id>/reverse", TILL, of=redemption, once=True, keyed=True),
    get("/orders", TILL, of=order, sends=OF_ORDER, answers=303),
    get("/today", TILL, lists=redemption),
    get("/shop", TILL),
    get("/service-worker.js"),
    get("/offline"),
    post("/preferences", sends=always(data={"lang": "en"})),
)
