"""Who may do what with applications for the subsidy of a car, on each face."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

from tests.conftest import NOON
from tests.make import World
from tests.services.applicants import photo
from tests.services.car_applicants import Owner, began, card_given, filled, submitted
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.tradein.policy import Scheme

from .city import City, Side
from .table import (
    APPROVER,
    AUDITOR,
    RESIDENT,
    Rule,
    Thing,
    always,
    get,
    kind,
    material,
    post,
    typed,
)

REVIEWER = frozenset({Role.REVIEWER})
SIGNERS = REVIEWER | APPROVER | AUDITOR


def autumn(city: City) -> Core:
    """The same servers in September 2026, when the policies of that year are in force."""
    return with_clock(city.core, Clock(NOON))


def _at_desk(who: Owner) -> Thing:
    return Thing(str(who.application), {"application": str(who.application), "name": "id_front"})


def _thing(who: Owner) -> Thing:
    return Thing(str(who.application), {"id": str(who.application)})


@kind
def mine(city: City, side: Side, _caller: Actor) -> Thing:
    """A resident's own draft of a replacement."""
    return _thing(began(autumn(city), side.resident, Scheme.CAR_REPLACE))


@kind
def with_papers(city: City, side: Side, _caller: Actor) -> Thing:
    """A resident's own application with its papers; nothing of it was handed in."""
    return _thing(filled(autumn(city), side.resident))


@kind
def passing(city: City, side: Side, _caller: Actor) -> Thing:
    """A draft that is taken back: a new one each time."""
    return _thing(began(autumn(city), side.resident))


@material
def newcomer(city: City, _side: Side, _caller: Actor) -> Thing:
    """Somebody who has not begun."""
    return Thing(caller=city.world.resident())


@kind
def application(city: City, side: Side, _caller: Actor) -> Thing:
    """An application of a division that was handed in."""
    core = autumn(city)
    who, _ = submitted(core, World(core).resident(), area=side.area)
    return _at_desk(who)


@kind
def with_other_card(city: City, side: Side, _caller: Actor) -> Thing:
    """An application whose card the bank refused, and that names another one."""
    return _at_desk(card_given(World(autumn(city)), area=side.area))


NEW_CAR = {
    "vin": "LSVAA4182E2100001",
    "plate": "粤QD12345",
    "energy": "nev",
    "vehicle": "small",
    "seats": 5,
    "listed": True,
    "invoice": "26442000000012345678",
    "area": "441702",
    "buyer": "林秀英",
    "price_fen": 12_880_000,
    "tax_fen": 1_481_770,
    "invoiced_on": "2026-09-08",
    "registered_on": "2026-09-10",
}
OLD_CAR = {
    "vin": "LSVAA4182E2100002",
    "plate": "粤QA1234",
    "energy": "petrol",
    "registered_on": "2011-05-20",
    "owned_since": "2016-03-01",
    "owner": "林秀英",
    "paper": "26442000000087654321",
    "parted_on": "2026-08-20",
    "closed_on": "2026-08-28",
}
CARD = {"holder": "林秀英", "number": "6228480000000000000", "bank": "农业银行阳江分行"}
FORM = NEW_CAR | {"price": "128800", "tax": "14817.70", "listed": "true", "seats": "5"}
FORM = {name: value for name, value in FORM.items() if not name.endswith("_fen")}


def paper(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A photo."""
    return {"kind": "id_front", "file": (BytesIO(photo()), "a.jpg")}


PAGES = "/trade-in/applications"
ONE = f"{PAGES}/<uuid:id>"
PART = f"{ONE}/parts/<name>"
API = "/api/v1"
SCHEME = {"scheme": "car_scrap"}
KEY = {"idempotency_key": uuid4().hex}


@kind
def card_part(city: City, side: Side, caller: Actor) -> Thing:
    """A part of a resident's own draft."""
    made = mine.make(city, side, caller)
    return Thing(made.id, {**made.facts, "name": "card"}, {"name": "card"})


@kind
def own_paper(city: City, side: Side, caller: Actor) -> Thing:
    """A paper of a resident's own application."""
    made = with_papers.make(city, side, caller)
    return Thing(made.id, {**made.facts, "name": "id_front"}, {"name": "id_front"})


OWN = (
    get(API + PAGES, RESIDENT, lists=mine),
    post(API + PAGES, RESIDENT, of=newcomer, sends=always(json=SCHEME), answers=201),
    get(API + ONE, RESIDENT, of=mine),
    Rule("PUT", f"{API}{ONE}/new-car", RESIDENT, of=mine, sends=always(json=NEW_CAR)),
    Rule("PUT", f"{API}{ONE}/old-car", RESIDENT, of=mine, sends=always(json=OLD_CAR)),
    Rule("PUT", f"{API}{ONE}/card", RESIDENT, of=mine, sends=always(json=CARD)),
    # an empty body is no paper
    Rule("PUT", f"{API}{ONE}/evidence/<name>", RESIDENT, of=own_paper, answers=422),
    # nothing was filled in
    post(f"{API}{ONE}/submit", RESIDENT, of=mine, answers=422, keyed=True),
    post(f"{API}{ONE}/withdraw", RESIDENT, of=passing, once=True),
    get(f"{API}/trade-in/notice"),
    get(PAGES, RESIDENT, lists=mine),
    post(PAGES, RESIDENT, of=newcomer, sends=always(data=SCHEME)),
    get(ONE, RESIDENT, of=mine),
    get(PART, RESIDENT, of=card_part),
    post(PART, RESIDENT, of=card_part, sends=always(data=CARD)),
    get(f"{ONE}/evidence", RESIDENT, of=with_papers),
    get(f"{ONE}/evidence/<name>", RESIDENT, of=own_paper),
    post(f"{ONE}/evidence", RESIDENT, of=mine, sends=typed(paper)),
    post(f"{ONE}/submit", RESIDENT, of=mine, sends=always(data=KEY), answers=422),
    post(f"{ONE}/withdraw", RESIDENT, of=passing, once=True),
    get("/trade-in/notice"),
)
DESK_ONE = f"{PAGES}/<uuid:application>"
SAID = {"reason": "请重拍"}
ONCE = {"of": application, "once": True}
CARD_ONCE = {"of": with_other_card, "once": True}
DESK = (
    get(PAGES, SIGNERS, lists=application),
    get(DESK_ONE, SIGNERS, of=application),
    get(f"{DESK_ONE}/evidence/<name>", SIGNERS, of=application),
    post(f"{DESK_ONE}/precheck", REVIEWER, **ONCE),
    post(f"{DESK_ONE}/send-back", REVIEWER, sends=always(data=SAID), **ONCE),
    post(f"{DESK_ONE}/reject", REVIEWER, sends=always(data={"refusal": "不补"}), **ONCE),
    post(f"{DESK_ONE}/card/accept", REVIEWER, **CARD_ONCE),
    post(f"{DESK_ONE}/card/return", REVIEWER, sends=always(data={"again": "户名"}), **CARD_ONCE),
    get(API + PAGES, SIGNERS, lists=application),
    get(API + DESK_ONE, SIGNERS, of=application),
    post(f"{API}{DESK_ONE}/precheck", REVIEWER, answers=202, **ONCE),
    post(f"{API}{DESK_ONE}/send-back", REVIEWER, sends=always(json=SAID), answers=204, **ONCE),
    post(f"{API}{DESK_ONE}/reject", REVIEWER, sends=always(json=SAID), answers=204, **ONCE),
    post(f"{API}{DESK_ONE}/card/accept", REVIEWER, answers=204, **CARD_ONCE),
    post(
        f"{API}{DESK_ONE}/card/return", REVIEWER, sends=always(json=SAID), answers=204, **CARD_ONCE
    ),
)
