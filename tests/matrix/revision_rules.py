"""Who may look into policies and revisions, and who is told what a later policy adds."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.tradein.past import owed_for_a_sale, paying_campaign
from voucher_service.identity import service as identity
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.ids import CampaignId, ResidentId
from voucher_service.kernel.money import Money
from voucher_service.settings import CONFIG
from voucher_service.tradein.revisions import service

from .city import City, Side
from .table import (
    APPROVER,
    AUDITOR,
    OFFICE,
    PLANNER,
    RESIDENT,
    Rule,
    Thing,
    always,
    called,
    get,
    kind,
    placed,
    post,
    prepared,
    typed,
)

API = "/api/v1"
PAGES = "/policies"
FINANCE = frozenset({Role.FINANCE})
SEES = PLANNER | APPROVER | AUDITOR | FINANCE
RETURNS = "/policies/returns"
POLICY = "car_scrap-2026"
DRAFT = (CONFIG / "policies" / f"{POLICY}.toml").read_text("utf-8")
CARD = {"holder": "林秀英", "number": "6228480000000000000", "bank": "农业银行阳江分行"}


def _campaign(city: City, side: Side) -> CampaignId:
    return paying_campaign(city.world, Money.of_yuan(1), area=side.area).id


@kind
def revision(city: City, side: Side, _caller: Actor) -> Thing:
    """A revision of a division, computed: nothing changes."""
    made = service.begin(
        city.core, actor=city.world.planner, policy=POLICY, campaign=_campaign(city, side)
    )
    while service.compute(city.core, revision=made.id):
        pass
    return Thing(str(made.id), {"revision": str(made.id), "id": str(made.id)})


@kind
def trial(city: City, side: Side, _caller: Actor) -> Thing:
    """A draft that somebody of a side's staff tries."""
    who = side.staff[Role.PLANNER]
    days = {"first": date(2025, 1, 1), "last": date(2025, 12, 31)}
    made = service.begin_trial(city.core, actor=who, text=DRAFT, **days)
    return Thing(str(made), {"id": str(made), "trial": str(made)})


@placed
def payer(city: City, side: Side, _caller: Actor) -> Thing:
    """A campaign of a side that can pay."""
    campaign = str(_campaign(city, side))
    body = {"policy": POLICY, "campaign": campaign}
    return Thing(campaign, {"typed": body})


@kind
def owed(city: City, side: Side, _caller: Actor) -> Thing:
    """What a resident gets more of a sale, and the resident's own card."""
    assert side.resident.id is not None
    made, sale = owed_for_a_sale(city.world, side.resident.id)
    with city.core.transaction() as session:
        resident = ResidentId(side.resident.id)
        name = identity.name_of(session, keyring=city.core.keyring, resident=resident)
    told = {"revision": str(made), "subject": str(sale)}
    return Thing(str(sale), {**told, "typed": CARD | {"holder": name}})


@kind
def unpaid(city: City, side: Side, _caller: Actor) -> Thing:
    """A difference of a sale that nobody was paid yet."""
    assert side.resident.id is not None
    made, sale = owed_for_a_sale(city.world, side.resident.id, area=side.area)
    return Thing(str(sale), {"revision": str(made), "sale": str(sale)})


def the_card(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The card of whoever is owed something; anybody's where that is nobody."""
    found: dict[str, Any] = thing.facts["typed"]
    return found


def wanted(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A revision that a campaign pays."""
    return {"policy": POLICY, "campaign_id": thing.id}


OWN_CARD = "/trade-in/differences/<uuid:revision>/<uuid:subject>/card"
OWN = (
    get("/trade-in/differences", RESIDENT, lists=owed),
    post(OWN_CARD, RESIDENT, of=owed, sends=typed(the_card)),
    get(f"{API}/trade-in/differences", RESIDENT, lists=owed),
    Rule("PUT", f"{API}{OWN_CARD}", RESIDENT, of=owed, sends=called(the_card), answers=204),
)
ONE = f"{PAGES}/revisions/<uuid:id>"
CALL = f"{API}/revisions/<uuid:revision>"
DAYS = {"first": "2025-01-01", "last": "2025-12-31"}
ASKED = {"draft": DRAFT, "first_on": "2025-01-01", "last_on": "2025-12-31"}
DESK = (
    get(PAGES, OFFICE),
    get(f"{PAGES}/what-if", SEES),
    post(f"{PAGES}/what-if", SEES, sends=always(data={"draft": DRAFT, **DAYS})),
    get(f"{PAGES}/what-if/<uuid:id>", SEES, of=trial),
    get(f"{PAGES}/revisions", SEES, lists=revision),
    get(ONE, SEES, of=revision),
    post(f"{PAGES}/revisions", PLANNER, of=payer, sends=typed(prepared), abroad=404),
    # nothing changes, so that there is nothing to propose
    post(f"{ONE}/propose", PLANNER, of=revision, answers=422, once=True),
    post(f"{ONE}/cancel", PLANNER, of=revision, once=True),
    get(RETURNS, SEES),
    # nothing was paid yet
    post(
        f"{RETURNS}/<uuid:revision>/<uuid:sale>",
        FINANCE,
        of=unpaid,
        sends=always(data={"amount": "50", "reference": "B1"}),
        answers=404,
    ),
    get(f"{API}/policies", OFFICE),
    get(f"{API}/revisions", SEES, lists=revision),
    post(f"{API}/revisions/what-if", SEES, sends=always(json=ASKED), answers=202),
    get(f"{API}/revisions/what-if/<uuid:trial>", SEES, of=trial),
    post(f"{API}/revisions", PLANNER, of=payer, sends=called(wanted), answers=201, abroad=404),
    get(CALL, SEES, of=revision),
    get(f"{CALL}/lines", SEES, of=revision),
    post(f"{CALL}/propose", PLANNER, of=revision, answers=422, once=True),
    get(f"{API}/revisions/sales/<uuid:sale>", SEES, of=unpaid),
    post(
        f"{CALL}/sales/<uuid:sale>/returns",
        FINANCE,
        of=unpaid,
        sends=always(json={"amount_fen": 5_000, "reference": "B1"}),
        answers=404,
    ),
    post(f"{CALL}/cancel", PLANNER, of=revision, answers=204, once=True),
)
