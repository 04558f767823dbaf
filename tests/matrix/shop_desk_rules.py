"""Who may do what at a shop's own desk: people, devices, points, premises."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.ids import PointId, ShopId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Cashier
from voucher_service.merchants.stands import PointPlan

from .city import City, Side
from .table import TILL, Rule, Thing, always, called, delete, get, kind, material, post, typed
from .table import asked as in_address

MANAGER = frozenset({Role.MANAGER})
PASSWORD = "a long enough password"


def shop_of(city: City, side: Side) -> ShopId:
    """The shop of one side."""
    return merchants.desk(city.core, actor=side.till[Role.MANAGER]).till.shop_id


def hired(city: City, side: Side) -> Cashier:
    """A new cashier of one side."""
    return merchants.create_cashier(
        city.core,
        actor=SYSTEM,
        shop=shop_of(city, side),
        username=f"d-{uuid4().hex[:12]}",
        password=PASSWORD,
        display_name="小张",
    )


@kind
def shop(city: City, side: Side, _caller: Actor) -> Thing:
    """A shop."""
    return Thing(str(shop_of(city, side)))


@kind
def person(city: City, side: Side, _caller: Actor) -> Thing:
    """Somebody of a shop, and the shop."""
    found = hired(city, side)
    return Thing(str(found.id), {"to": str(found.shop_id)}, lost={"to": str(found.shop_id)})


@material
def own_account(city: City, side: Side, caller: Actor) -> Thing:
    """An account whose password its owner changes."""
    (role,) = caller.roles
    made = merchants.create_cashier(
        city.core,
        actor=SYSTEM,
        shop=shop_of(city, side),
        username=f"o-{uuid4().hex[:12]}",
        password=PASSWORD,
        display_name="小陈",
        role=role,
    )
    return Thing("", caller=Actor(caller.kind, made.id, caller.roles, caller.area))


@kind
def device(city: City, side: Side, _caller: Actor) -> Thing:
    """An enrolled device."""
    manager = side.till[Role.MANAGER]
    made = merchants.make_enrolment_code(city.core, actor=manager, shop=shop_of(city, side))
    enrolled = merchants.enrol(
        city.core, code=made.code, name="前台手机", agent="", address_prefix=None
    )
    return Thing(str(enrolled.device.id))


@material
def enrolment_code(city: City, side: Side, _caller: Actor) -> Thing:
    """A code on a manager's screen, for each call a fresh one."""
    manager = side.till[Role.MANAGER]
    made = merchants.make_enrolment_code(city.core, actor=manager, shop=shop_of(city, side))
    return Thing("", {"code": made.code}, caller=manager)


@kind
def point(city: City, side: Side, _caller: Actor) -> Thing:
    """A stall."""
    made = merchants.add_point(
        city.core,
        actor=side.till[Role.MANAGER],
        shop=shop_of(city, side),
        plan=PointPlan(f"摊位 {uuid4().hex[:6]}"),
    )
    return Thing(str(PointId(made.id)))


def at_shop(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """For that shop."""
    return {"shop": thing.id}


def to_shop(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """To that shop."""
    return {"shop": thing.facts["to"]}


def newcomer(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """An account at that shop."""
    named = {"username": f"n-{uuid4().hex[:12]}", "display_name": "阿英", "role": "cashier"}
    return named | {"shop": thing.id, "password": PASSWORD}


def named(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A name for that shop's new thing."""
    return {"shop": thing.id, "name": f"新的 {uuid4().hex[:6]}"}


def with_code(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The code, and a name."""
    return {"code": thing.facts["code"], "name": "前台手机"}


def at_point(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """At that point."""
    return {"point": thing.id}


NEW_PASSWORD = {"password": "another long password"}
CHANGED = {"old": PASSWORD, "new": "another long password"}
NAMED = {"name": "新名字"}
PREMISES = {"opening_hours": None, "position": None}
API = "/api/v1"
ONE, POINT = "/staff/<uuid:cashier>", "/points/<uuid:point>"


def put(path: str, who: frozenset[Role], **more: Any) -> Rule:
    """A route that sets something."""
    return Rule("PUT", path, who, **more)


PEOPLE = (
    get(f"{API}/cashiers", MANAGER, lists=person, chain=True),
    get(f"{API}/cashiers", MANAGER, of=shop, sends=in_address(at_shop), chain=True),
    post(f"{API}/cashiers", MANAGER, of=shop, sends=called(newcomer), answers=201, chain=True),
    post(
        f"{API}/cashiers/<uuid:cashier>/password",
        MANAGER,
        of=person,
        sends=always(json=NEW_PASSWORD),
        answers=204,
        once=True,
        chain=True,
    ),
    post(
        f"{API}/cashiers/<uuid:cashier>/move",
        MANAGER,
        of=person,
        sends=called(to_shop),
        once=True,
        chain=True,
    ),
    post(
        f"{API}/cashiers/<uuid:cashier>/close",
        MANAGER,
        of=person,
        answers=204,
        once=True,
        chain=True,
    ),
    post(
        f"{API}/me/password",
        TILL,
        of=own_account,
        sends=always(json=CHANGED),
        answers=204,
        once=True,
    ),
    get("/staff", MANAGER, lists=person, chain=True),
    get("/staff/new", MANAGER),
    post("/staff/new", MANAGER, of=shop, sends=typed(newcomer), chain=True),
    get(ONE, MANAGER, of=person, chain=True),
    post(f"{ONE}/password", MANAGER, of=person, sends=always(data=NEW_PASSWORD), chain=True),
    post(f"{ONE}/move", MANAGER, of=person, sends=typed(to_shop), chain=True),
    post(f"{ONE}/close", MANAGER, of=person, once=True, chain=True),
    get("/me/password", TILL),
    post("/me/password", TILL, of=own_account, sends=always(data=CHANGED), once=True),
)

DEVICES = (
    get(f"{API}/devices", MANAGER, lists=device, chain=True),
    post(
        f"{API}/devices/codes",
        MANAGER,
        of=shop,
        sends=called(at_shop),
        answers=201,
        chain=True,
    ),
    put(f"{API}/devices/rule", MANAGER, sends=always(json={"required": False})),
    delete(f"{API}/devices/<uuid:device>", MANAGER, of=device, once=True, chain=True),
    post(f"{API}/enrolments", of=enrolment_code, sends=called(with_code), answers=201, once=True),
    get("/devices", MANAGER, lists=device, chain=True),
    post("/devices/codes", MANAGER, of=shop, sends=typed(at_shop), answers=200, chain=True),
    post("/devices/here", MANAGER, of=shop, sends=typed(named), chain=True),
    post("/devices/rule", MANAGER, sends=always(data={"required": "false"})),
    post("/devices/<uuid:device>/revoke", MANAGER, of=device, once=True, chain=True),
    get("/enrol"),
    post("/enrol", of=enrolment_code, sends=typed(with_code), once=True),
    get("/enrol/done"),
)

POINTS = (
    get(f"{API}/points", MANAGER, of=shop, sends=in_address(at_shop), chain=True),
    post(f"{API}/points", MANAGER, of=shop, sends=called(named), answers=201, chain=True),
    put(f"{API}{POINT}", MANAGER, of=point, sends=always(json=NAMED), once=True, chain=True),
    post(f"{API}{POINT}/close", MANAGER, of=point, once=True, chain=True),
    put(f"{API}/me/point", TILL, of=point, sends=called(at_point), once=True),
    get("/shops/<uuid:shop>/points", MANAGER, of=shop, chain=True),
    post("/shops/<uuid:shop>/points", MANAGER, of=shop, sends=always(data=NAMED), chain=True),
    get(POINT, MANAGER, of=point, chain=True),
    post(POINT, MANAGER, of=point, sends=always(data=NAMED), chain=True),
    post(f"{POINT}/close", MANAGER, of=point, once=True, chain=True),
    get(f"{POINT}/sign", MANAGER, of=point, chain=True),
    post("/shop/point", TILL, of=point, sends=typed(at_point)),
)

PREMISES_RULES = (
    get(f"{API}/shops", MANAGER, lists=shop, chain=True),
    put(
        f"{API}/shops/<uuid:shop>/premises",
        MANAGER,
        of=shop,
        sends=always(json=PREMISES),
        chain=True,
    ),
    get("/shops/<uuid:shop>/premises", MANAGER, of=shop, chain=True),
    post("/shops/<uuid:shop>/premises", MANAGER, of=shop, sends=always(data={}), chain=True),
)

RULES = (*PEOPLE, *DEVICES, *POINTS, *PREMISES_RULES)
