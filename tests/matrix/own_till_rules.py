"""Who may do what with the tills of a shop's own system."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.faces.own_till import public
from voucher_service.kernel.actor import Actor, Role
from voucher_service.tills import service as tills
from voucher_service.tills.model import TillKey
from voucher_service.webhooks import service as webhooks
from voucher_service.webhooks.model import Endpoint

from .city import City, Side
from .table import TILL, Thing, always, get, kind, post, typed

MANAGER = frozenset({Role.MANAGER})


def _registered(city: City, side: Side) -> TillKey:
    return tills.register(
        city.core,
        actor=side.till[Role.MANAGER],
        name="1 号收银机",
        public_key=public(Ed25519PrivateKey.generate()),
    )


@kind
def own_till(city: City, side: Side, _caller: Actor) -> Thing:
    """A till with one key."""
    return Thing(str(_registered(city, side).cashier_id))


@kind
def till_key(city: City, side: Side, _caller: Actor) -> Thing:
    """A key of a till."""
    return Thing(str(_registered(city, side).id))


def _listening(city: City, side: Side) -> Endpoint:
    manager = side.till[Role.MANAGER]
    for one in webhooks.endpoints(city.core, actor=manager)[1:]:
        webhooks.remove(city.core, actor=manager, endpoint=one.id)  # a shop has few
    url = f"https://pos.example.com/{uuid4().hex}"
    return webhooks.add(city.core, actor=manager, url=url)


@kind
def endpoint(city: City, side: Side, _caller: Actor) -> Thing:
    """An address of a shop's system."""
    return Thing(str(_listening(city, side).id))


@kind
def message(city: City, side: Side, _caller: Actor) -> Thing:
    """What an address was told."""
    webhooks.spread(city.core)
    place = _listening(city, side)
    city.world.redeem(city.world.claim(city.offer), side.till[Role.CASHIER])
    webhooks.spread(city.core)
    manager = side.till[Role.MANAGER]
    _, page = webhooks.messages(city.core, actor=manager, endpoint=place.id, cursor=None, limit=1)
    return Thing(str(page.items[0].id))


def new_key(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A till and a key that nobody has."""
    return {"name": "2 号收银机", "public_key": public(Ed25519PrivateKey.generate())}


def only_key(thing: Thing, caller: Actor) -> dict[str, Any]:
    """The key alone."""
    return {"public_key": new_key(thing, caller)["public_key"]}


def address(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """An address that the shop has already, so that it never has too many."""
    return {"url": "https://pos.example.com/always"}


RULES = (
    # For tills of the sandbox's shop, which is none of these: nobody else learns that there is one.
    post("/api/v1/sandbox/codes", TILL, sends=always(json={}), answers=404),
    get("/.well-known/voucher-webhook-keys"),
    get("/tills", MANAGER, lists=till_key),
    post("/tills", MANAGER, sends=typed(new_key)),
    post("/tills/<uuid:till>/keys", MANAGER, of=own_till, sends=typed(only_key), once=True),
    post("/tills/keys/<uuid:key>/revoke", MANAGER, of=till_key, once=True),
    get("/tills/webhooks", MANAGER),
    post("/tills/webhooks", MANAGER, sends=typed(address)),
    get("/tills/webhooks/<uuid:endpoint>", MANAGER, of=endpoint, once=True),
    post("/tills/webhooks/<uuid:endpoint>/remove", MANAGER, of=endpoint, once=True),
    post("/tills/webhooks/<uuid:endpoint>/switch-on", MANAGER, of=endpoint, once=True),
    post("/tills/messages/<uuid:message>/replay", MANAGER, of=message, once=True),
)
