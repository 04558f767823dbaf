"""Two sides that must not see each other, the faces they call, and the tokens they call with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import jwt
from flask import Flask
from werkzeug.test import Client, TestResponse

from admin.app import create_app as create_admin
from merchant_portal.app import create_app as create_merchant
from tests.make import CITY, World
from tests.people import newcomer
from voucher_service.campaigns.model import Offer
from voucher_service.identity import service as identity
from voucher_service.identity.model import SyntheticPerson
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import SizeClass, Trade
from voucher_service.replay.strangers import credit_code
from voucher_service.resident.app import create_app as create_resident
from voucher_service.web.auth import issue
from voucher_service.web.face import Face

from .table import Kind, Rule, Thing

JIANGCHENG, YANGDONG, YANGCHUN = "441702", "441704", "441781"
ARGUMENT = re.compile(r"<(?:[^:>]+:)?(\w+)>")
FACES: dict[Face, Callable[[Core], Flask]] = {
    Face.RESIDENT: create_resident,
    Face.MERCHANT: create_merchant,
    Face.ADMIN: create_admin,
}


class Staff(dict[Role, Actor]):
    """The staff of a division, each entered when first asked for."""

    def __init__(self, world: World, area: str) -> None:
        super().__init__()
        self.world, self.area = world, area

    def __missing__(self, role: Role) -> Actor:
        self[role] = self.world.staff(role, area=self.area)
        return self[role]


@dataclass
class Side:
    """A division with its staff, a resident, and a shop with its cashier and its manager."""

    name: str
    area: str
    staff: Staff
    person: SyntheticPerson
    resident: Actor
    till: dict[Role, Actor]

    def caller(self, face: Face, role: Role | None) -> Actor:
        """Who calls a face from this side; residents have no role."""
        if face is Face.RESIDENT:
            return self.resident
        return (self.till if face is Face.MERCHANT else self.staff)[role or Role.PLANNER]


@dataclass
class City:
    """The servers, three faces, and the sides. Things are made once a side, unless used up."""

    core: Core
    world: World = field(init=False)
    past: World = field(init=False)
    doors: dict[Face, Callable[[], Client]] = field(init=False)
    faces: dict[Face, Flask] = field(init=False)
    own: Side = field(init=False)
    neighbour: Side = field(init=False)
    above: Side = field(init=False)
    whole: Staff = field(init=False)
    offer: Offer = field(init=False)
    _tokens: dict[tuple[Face, UUID], str] = field(default_factory=dict)
    _made: dict[tuple[Kind, str], Thing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(self.core)
        # Where hours must have passed: its lotteries can be closed, or given up, by now.
        self.past = World(with_clock(self.core, Clock(self.world.now() - timedelta(days=2))))
        self.faces = {face: create(self.core) for face, create in FACES.items()}
        self.doors = {face: app.test_client for face, app in self.faces.items()}
        chain = self._merchant()
        self.own = self._side("own", JIANGCHENG, chain)
        self.neighbour = self._side("neighbour", YANGDONG, self._merchant())
        # the city above the county, and another shop of the same merchant
        self.above = self._side("above", CITY, chain)
        self.whole = Staff(self.world, "")
        self.offer = self.world.offer(self.world.plan(quota=500, limit=100))

    def _side(self, name: str, area: str, merchant: MerchantId) -> Side:
        born_in = area if area != CITY else YANGCHUN
        person = newcomer(born_in=born_in)
        (id,) = identity.register_synthetic(self.core, people=[person], now=self.world.now())
        return Side(
            name,
            area,
            Staff(self.world, area),
            person,
            Actor(ActorKind.RESIDENT, id),
            self._till(merchant, area),
        )

    def _merchant(self) -> MerchantId:
        return merchants.create_merchant(
            self.core,
            actor=SYSTEM,
            name="连锁商户",
            uscc=credit_code(Random()),
            size_class=SizeClass.SMALL,
        ).id

    def _till(self, merchant: MerchantId, area: str) -> dict[Role, Actor]:
        shop = merchants.create_shop(
            self.core,
            actor=SYSTEM,
            merchant=merchant,
            name=f"门店 {uuid4().hex[:6]}",
            area=area,
            trade=Trade.DINING,
        )
        found = {}
        for role in (Role.CASHIER, Role.MANAGER):
            username = f"{role}-{uuid4().hex[:8]}"
            made = merchants.create_cashier(
                self.core,
                actor=SYSTEM,
                shop=shop.id,
                username=username,
                password=f"demo-only-{username}",
                display_name=username,
                role=role,
                demo=True,
            )
            found[role] = Actor(ActorKind.CASHIER, made.id, frozenset({role}), area)
        return found

    def foreign(self, rule: Rule) -> list[Side]:
        """The sides whose things a caller of the own side must not see."""
        alone = rule.face is Face.RESIDENT or rule.chain
        return [self.neighbour] if alone else [self.neighbour, self.above]

    def thing(self, rule: Rule, side: Side, caller: Actor, *, fresh: bool = False) -> Thing:
        """What the rule names, of one side; a fresh one, made for this caller, where asked."""
        return self.made(rule.of, side, caller, fresh=fresh) if rule.of else Thing("")

    def made(self, kind: Kind, side: Side, caller: Actor, *, fresh: bool = False) -> Thing:
        """A thing of one side."""
        known = (kind, side.name)
        if known in self._made and not fresh:
            return self._made[known]
        made = kind.make(self, side, caller)
        if not fresh and made.caller is None:
            self._made[known] = made
        return made

    def token(self, face: Face, caller: Actor) -> str:
        """A token with which the caller passes the face's door, all factors shown."""
        assert caller.id is not None
        known = (face, caller.id)
        if known not in self._tokens:
            self._tokens[known] = issue(self.core, face, caller.id, factor=True).access_token
        return self._tokens[known]

    def expired(self, face: Face, caller: Actor) -> str:
        """The same token an hour after its time."""
        claims: dict[str, Any] = jwt.decode(
            self.token(face, caller), options={"verify_signature": False}
        )
        now = datetime.now(UTC)
        late = {"iat": now - timedelta(hours=3), "exp": now - timedelta(hours=1)}
        return jwt.encode(claims | late, self.core.settings.secrets.token_key, "HS256")

    def ask(
        self,
        rule: Rule,
        thing: Thing,
        who: Actor,
        *,
        bearer: str | None = None,
        cookie: str | None = None,
        cookies: Mapping[str, str] | None = None,
        form_of: str | None = None,
        key: str | None = None,
        malformed: bool = False,
    ) -> TestResponse:
        """Call a route with what `who` would send about a thing.

        `form_of`: whose session the hidden field of a page's form belongs to.
        """
        who = thing.caller or who
        client = self.doors[rule.face]()
        for name, value in (cookies or {}).items():
            client.set_cookie(name, value)
        if cookie is not None:
            client.set_cookie(rule.face.cookie, cookie)
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        sent = rule.sends(thing, who) if rule.sends else {}
        if rule.is_api and rule.keyed:
            headers["Idempotency-Key"] = key or uuid4().hex
        elif not rule.is_api and rule.method != "GET":
            hidden = {"csrf_token": self.core.keyring.form_mac(form_of)} if form_of else {}
            hidden |= {"idempotency_key": key or uuid4().hex} if rule.keyed else {}
            sent = sent | {"data": hidden | sent.get("data", {})}
        path = path_of(rule, thing, malformed=malformed)
        return client.open(path, method=rule.method, headers=headers, **sent)

    def call(
        self, rule: Rule, thing: Thing, caller: Actor | None, *, key: str | None = None
    ) -> TestResponse:
        """Call a route about a thing as it is meant to be called, by somebody or by nobody."""
        if caller is None:
            return self.ask(rule, thing, SYSTEM, key=key)
        token = self.token(rule.face, thing.caller or caller)
        if rule.is_api:
            return self.ask(rule, thing, caller, bearer=token, key=key)
        return self.ask(rule, thing, caller, cookie=token, form_of=token, key=key)


def names_in(path: str, thing: Thing) -> dict[str, str]:
    """What stands in a path for its arguments, by their names."""
    return {name: str(thing.facts.get(name, thing.id)) for name in ARGUMENT.findall(path)}


def path_of(rule: Rule, thing: Thing, *, malformed: bool = False) -> str:
    """The rule's path with the thing's names for its arguments, or with what is no id for them."""
    names = names_in(rule.path, thing)

    def put(found: re.Match[str]) -> str:
        wrong = malformed and found[0].startswith("<uuid:")
        return "no-such-id" if wrong else names[found[1]]

    return ARGUMENT.sub(put, rule.path)
