"""Things of people: colleagues, their sessions and factors, and residents at the desk."""

from __future__ import annotations

import base64
from uuid import UUID, uuid4

import jwt

from tests.make import CITY, World
from tests.people import newcomers
from voucher_service.identity import second_factor
from voucher_service.identity import service as identity
from voucher_service.identity.tables import PasskeyRow
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.ids import StaffId
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

from .city import YANGCHUN, City, Side
from .table import Thing, kind, material

PASSWORD = "another long password"


def newcomer_like(world: World, caller: Actor) -> Actor:
    """Somebody with the caller's role and area, of whom nobody else speaks."""
    return world.staff(*caller.roles, area=caller.area)


def session_of(city: City, who: Actor) -> str:
    """The id of a new session of somebody."""
    assert who.id is not None
    token = issue(city.core, Face.ADMIN, who.id).access_token
    return str(UUID(jwt.decode(token, options={"verify_signature": False})["jti"]))


@material
def newcomer(city: City, _side: Side, caller: Actor) -> Thing:
    """An account of which anything may be changed."""
    return Thing(caller=newcomer_like(city.world, caller))


@material
def own_password(city: City, _side: Side, caller: Actor) -> Thing:
    """An account with a password of its owner's, and another one."""
    (role,) = caller.roles
    name = f"staff-{uuid4().hex[:8]}"
    made = identity.create_staff(
        city.core,
        actor=SYSTEM,
        username=name,
        password=PASSWORD,
        display_name=name,
        roles=[role],
        area=caller.area,
    )
    who = Actor(caller.kind, made.id, caller.roles, caller.area)
    return Thing("", {"typed": {"old": PASSWORD, "new": f"{PASSWORD} still"}}, caller=who)


def beginning_otp(city: City, caller: Actor) -> tuple[Actor, str]:
    """Somebody who scans a code, and what their phone shows."""
    who = newcomer_like(city.world, caller)
    secret = identity.begin_otp(city.core, actor=who)
    step = second_factor.step_at(city.world.now())
    return who, second_factor.code_at(base64.b32decode(secret), step)


@material
def pending_otp(city: City, _side: Side, caller: Actor) -> Thing:
    """An authenticator that waits for its first code."""
    who, code = beginning_otp(city, caller)
    return Thing("", {"code": code}, caller=who)


@material
def enrolled_otp(city: City, _side: Side, caller: Actor) -> Thing:
    """Somebody with an authenticator and a code that was not used yet."""
    who, code = beginning_otp(city, caller)
    spare = identity.confirm_otp(city.core, actor=who, code=code)[0]
    return Thing("", {"code": spare}, caller=who)


@kind
def session_of_mine(city: City, _side: Side, caller: Actor) -> Thing:
    """A session of the caller."""
    return Thing(session_of(city, caller))


@kind
def passkey(city: City, _side: Side, caller: Actor) -> Thing:
    """A passkey of the caller's. Only a browser makes a true one; this one opens nothing."""
    id, now = uuid4(), city.world.now()
    with city.core.transaction() as session:
        session.add(
            PasskeyRow(
                id=id,
                staff_id=caller.id,
                credential_id=id.bytes,
                public_key=b"",
                sign_count=0,
                name="电脑",
                made_at=now,
                used_at=None,
                suspended_at=None,
            )
        )
    return Thing(str(id))


@kind
def colleague(city: City, side: Side, _caller: Actor) -> Thing:
    """Somebody of a side's staff."""
    made = city.world.staff(Role.PLANNER, area=side.area)
    return Thing(str(made.id), {"staff": str(made.id)})


@kind
def colleagues_session(city: City, side: Side, caller: Actor) -> Thing:
    """A session of a colleague."""
    found = city.world.staff(Role.PLANNER, area=side.area)
    facts = {"staff": str(found.id), "session": session_of(city, found)}
    return Thing(str(found.id), facts)


@kind
def leaver(city: City, side: Side, _caller: Actor) -> Thing:
    """A resident of a division who got nothing yet."""
    born_in = side.area if side.area != CITY else YANGCHUN
    (person,) = newcomers(1, born_in=born_in)
    (id,) = identity.register_synthetic(city.core, people=[person], now=city.world.now())
    return Thing(str(id))


@kind
def closing(city: City, side: Side, caller: Actor) -> Thing:
    """The caller's own proposal to close a colleague's account."""
    found = city.world.staff(Role.PLANNER, area=side.area)
    maker = caller if caller.has(Role.ADMINISTRATOR) else side.staff[Role.ADMINISTRATOR]
    assert found.id is not None
    made = identity.propose_closing(city.core, actor=maker, staff=StaffId(found.id))
    return Thing(str(made), {"staff": str(found.id), "approval": str(made)})


@kind
def resident(_city: City, side: Side, _caller: Actor) -> Thing:
    """A resident of a division."""
    nobody = {"mobile": "15300000000", "id_number": "441702199001011239"}
    known = {"mobile": side.person.mobile, "id_number": side.person.id_number}
    return Thing(str(side.resident.id), known, nobody)
