"""What a rule of the matrix says, and the few words in which the tables are written.

A rule is one route: who may call it, which kind of thing it names, what a caller sends, and what
who may is answered. Everything else that must hold is made from it in `cells`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from voucher_service.kernel.actor import Actor, Role
from voucher_service.web.face import Face

if TYPE_CHECKING:
    from .city import City, Side

EVERYBODY = None
PLANNER = frozenset({Role.PLANNER})
APPROVER = frozenset({Role.APPROVER})
RUNNERS = PLANNER | APPROVER
TILL = frozenset({Role.CASHIER, Role.MANAGER})
STAFF = frozenset(Role) - TILL
ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
AUDITOR = frozenset({Role.AUDITOR})
# Administrators give out roles and see neither money nor residents.
OFFICE = STAFF - ADMINISTRATOR
# Residents have no roles.
RESIDENT: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Thing:
    """Something that routes name: its id, and what else a caller has to know to name it.

    `lost`: facts of what does not exist, where they are no ids. `caller`: who calls about it, where
    that is nobody else's business.
    """

    id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    lost: Mapping[str, Any] = field(default_factory=dict)
    caller: Actor | None = None

    def absent(self) -> Thing:
        """A name of the same form that nothing has."""
        facts = {name: _other(value) or value for name, value in self.facts.items()}
        id = _other(self.id) or f"no-such-{uuid4().hex}"
        return replace(self, id=id, facts=facts | dict(self.lost))


def _other(value: Any) -> str | None:
    """Another id for an id; None for what is no id."""
    try:
        UUID(str(value))
    except ValueError:
        return None
    return str(uuid4())


Make = Callable[["City", "Side", Actor], Thing]
Sends = Callable[[Thing, Actor], dict[str, Any]]
Body = Callable[[Thing, Actor], dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """A kind of thing. Not `owned`: nobody's is foreign. Not `named`: nor is it looked up."""

    make: Make
    owned: bool = True
    named: bool = True

    def __str__(self) -> str:
        return self.make.__name__


def kind(make: Make) -> Kind:
    """A thing of one side."""
    return Kind(make)


def shared(make: Make) -> Kind:
    """A thing of everybody's."""
    return Kind(make, owned=False)


def placed(make: Make) -> Kind:
    """Something that a caller needs for a place, which is no secret."""
    return Kind(make, named=False)


def material(make: Make) -> Kind:
    """Something that a caller needs and that is looked up by nobody."""
    return Kind(make, owned=False, named=False)


@dataclass(frozen=True)
class Rule:
    """One route.

    `who` may call it: EVERYBODY (nobody need be signed in), RESIDENT, or staff or a till with one
    of the roles. `of`: what it names, in its path or in what is sent; `once`: a call uses the thing
    up. `answers`: the status for who may; `refused`: for another role; `hides`: the one for a
    foreign thing, as for one that does not exist; `abroad`: another one for the foreign, where its
    being there is no secret.
    `gone`: the status for an account that is no more. `keyed`: takes an idempotency key. `lists`:
    things whose ids are told to their own side and to nobody else. `whole`: only for staff of the
    whole city, so not for those of a county. `chain`: another shop of the same merchant is no
    foreign one.
    """

    method: str
    path: str
    who: frozenset[Role] | None
    of: Kind | None = None
    sends: Sends | None = None
    answers: int | str = 200
    refused: int = 403
    hides: int = 404
    abroad: int | None = None
    gone: int = 401
    once: bool = False
    keyed: bool = False
    lists: Kind | None = None
    whole: bool = False
    chain: bool = False
    face: Face = Face.ADMIN

    def __str__(self) -> str:
        return f"{self.face} {self.method} {self.path}"

    @property
    def is_api(self) -> bool:
        """Whether it speaks to machines."""
        return self.path.startswith("/api/")


def get(path: str, who: frozenset[Role] | None = EVERYBODY, **more: Any) -> Rule:
    """A route that reads."""
    return Rule("GET", path, who, **more)


def post(path: str, who: frozenset[Role] | None = EVERYBODY, **more: Any) -> Rule:
    """A route that changes something; a page leads on to another one."""
    usual = 200 if path.startswith("/api/") else 303
    return Rule("POST", path, who, **{"answers": usual} | more)


def delete(path: str, who: frozenset[Role] | None, **more: Any) -> Rule:
    """A route that ends or forgets something."""
    return Rule("DELETE", path, who, **{"answers": 204} | more)


def always(**sent: Any) -> Sends:
    """Send the same whoever calls about whatever."""
    return lambda _thing, _caller: sent


def called(body: Body) -> Sends:
    """Send this as JSON."""
    return lambda thing, caller: {"json": body(thing, caller)}


def typed(form: Body) -> Sends:
    """Send this as a form."""
    return lambda thing, caller: {"data": form(thing, caller)}


def asked(query: Body) -> Sends:
    """Ask for this in the address."""
    return lambda thing, caller: {"query_string": query(thing, caller)}


def prepared(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """What the thing was prepared with."""
    found: dict[str, Any] = thing.facts["typed"]
    return found
