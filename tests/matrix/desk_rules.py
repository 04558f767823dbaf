"""Who may do what at the desk: programmes, campaigns, proposals, lists, reports."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

from tests.make import CITY
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import SHANGHAI

from .city import City, Side
from .plans import (
    draft,
    listed_offer,
    paused,
    planned,
    programme,
    proposal,
    published,
    push,
    push_proposal,
)
from .pools import CAR_PLAN, PLAN, TYPED, trade_in_draft
from .table import (
    APPROVER,
    OFFICE,
    PLANNER,
    RUNNERS,
    STAFF,
    Thing,
    always,
    asked,
    called,
    get,
    kind,
    material,
    placed,
    post,
    prepared,
    typed,
)
from .treasury import move_proposal


@material
def login(city: City, side: Side, _caller: Actor) -> Thing:
    """A planner's username and password."""
    username = f"planner-{uuid4().hex[:8]}"
    city.world.staff(Role.PLANNER, area=side.area, username=username)
    return Thing("", {"typed": {"username": username, "password": f"demo-only-{username}"}})


@placed
def beginning(city: City, side: Side, _caller: Actor) -> Thing:
    """A campaign to begin in a side's division."""
    found = city.world.programme()
    days = {"opens_on": str(found.opens_on), "closes_on": str(found.closes_on)}
    typed = {"programme": found.slug, "name": "国庆加场", "area": side.area} | days
    return Thing("", {"typed": typed})


@kind
def draft_and_hour(city: City, side: Side, caller: Actor) -> Thing:
    """A draft, and an hour at which its offer may open."""
    opens = (city.world.now() + timedelta(hours=2)).astimezone(SHANGHAI)
    return Thing(city.made(draft, side, caller).id, {"opens": opens.isoformat(timespec="seconds")})


@kind
def draft_and_funder(city: City, side: Side, caller: Actor) -> Thing:
    """A draft of its own, and a funder for it."""
    found = city.world.draft(area=side.area)
    return Thing(str(found.id), {"funder": city.world.funder()})


def new_programme(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A programme of a new name, as a call and as a form."""
    days = {"opens_on": "2026-10-01", "closes_on": "2026-10-20"}
    named = {"slug": f"m-{uuid4().hex[:10]}", "name": "惠利金秋", "name_en": "Golden autumn"}
    return days | named | {"brand": "jinqiu"}


def new_offer(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """An offer of ten vouchers."""
    releases = [{"opens_at": thing.facts["opens"], "quota": 10}]
    return {
        "title": "通用券",
        "kind": "threshold",
        "face_value_fen": 2_000,
        "threshold_fen": 10_000,
        "quota": 10,
        "valid_days": 7,
        "releases": releases,
    }


def typed_offer(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as a planner types it."""
    money = {"face": "20", "threshold": "100", "limit": "1", "valid_days": "7"}
    rows = {"opening": [thing.facts["opens"][:16]], "quota": ["10"]}
    return {"title": "通用券", "kind": "threshold"} | money | rows


def money(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """All of it from one funder."""
    return {"funder": thing.facts["funder"], "amount_fen": 20_000, "share_bps": 10_000}


def typed_money(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as a planner types it."""
    return {"funder": thing.facts["funder"], "amount": "200", "share": "100"}


def file(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A list as a file."""
    content = BytesIO(thing.facts["list"].encode())
    return {"offer": thing.id, "list": (content, "list.csv")}


# A programme's report by division, which a county may read of itself.
report = asked(lambda one, _: {"programme": one.id, "group_by": "area"})


@material
def form_of_report(city: City, side: Side, caller: Actor) -> Thing:
    """A report as a file."""
    return Thing(city.made(programme, side, caller).id, {"form": "csv"})


def retail(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """Retail sales that were published."""
    days = {"first": "2023-01-01", "last": "2023-09-30", "published_on": "2023-10-20"}
    said = {"sales_fen": 3_735_900_000_000, "growth_bps": 110, "source": "统计月报"}
    return {"programme": thing.id} | days | said


def typed_retail(thing: Thing, caller: Actor) -> dict[str, Any]:
    """The same as finance types it."""
    said = retail(thing, caller) | {"sales": "373.59", "growth": "1.1"}
    return {name: said[name] for name in said if name not in ("sales_fen", "growth_bps")}


FINANCE = frozenset({Role.FINANCE})
PLEDGING = frozenset({Role.FINANCE, Role.PLANNER})
PLEDGE = {"payer": "bank", "name": "样行", "pledged_on": "2026-01-05", "document": "承诺书"}
FUNDER = {"code": "matrix", "name": "阳江市财政局", "level": "city", "area": CITY}
REASON = {"reason": "面额太大"}
CAMPAIGN, API = "/campaigns/<uuid:campaign>", "/api/v1"
APPROVAL, PUSH = "/approvals/<uuid:approval>", "/pushes/<uuid:id>"

DOOR = (
    post(f"{API}/sign-in", of=login, sends=called(prepared)),
    get(f"{API}/me", STAFF),
    get("/sign-in"),
    post("/sign-in", of=login, sends=typed(prepared)),
    post("/sign-out", answers="sign-in"),
    post("/preferences", sends=always(data={"lang": "en"})),
    # an administrator is led on to the colleagues
    get("/", OFFICE, refused=303),
    get("/now", OFFICE),
    get("/board", OFFICE),
    get("/board/now", OFFICE),
    get("/books", OFFICE),  # before hundreds of offers are open, each of which it looks at
)

PROGRAMMES = (
    get(f"{API}/programmes", OFFICE),
    post(
        f"{API}/programmes",
        PLANNER,
        sends=called(new_programme),
        answers=201,
    ),
    get("/programmes/new", PLANNER),
    post("/programmes/new", PLANNER, sends=typed(new_programme)),
    get(f"{API}/funders", OFFICE),
    post(f"{API}/funders", PLANNER, sends=always(json=FUNDER), answers=201),
    get("/funders", OFFICE),
    post("/funders", PLANNER, sends=always(data=FUNDER)),
)

CAMPAIGNS = (
    get(f"{API}/campaigns", OFFICE, lists=draft),
    post(
        f"{API}/campaigns",
        PLANNER,
        of=beginning,
        sends=called(lambda one, _: one.facts["typed"] | {"kind": "voucher"}),
        answers=201,
        keyed=True,
    ),
    get(API + CAMPAIGN, OFFICE, of=draft),
    get(API + CAMPAIGN, OFFICE, of=published),
    post(
        f"{API}{CAMPAIGN}/offers",
        PLANNER,
        of=draft_and_hour,
        sends=called(new_offer),
        answers=201,
        keyed=True,
    ),
    post(
        f"{API}{CAMPAIGN}/budget-lines",
        PLANNER,
        of=draft_and_funder,
        sends=called(money),
        answers=201,
        once=True,
        keyed=True,
    ),
    post(f"{API}{CAMPAIGN}/submit", PLANNER, of=planned, answers=202, once=True),
    post(f"{API}{CAMPAIGN}/pause", RUNNERS, of=published, once=True),
    post(
        f"{API}{CAMPAIGN}/pools",
        PLANNER,
        of=trade_in_draft,
        sends=always(json=PLAN),
        answers=201,
        keyed=True,
        once=True,
    ),
    post(
        f"{API}{CAMPAIGN}/application-pools",
        PLANNER,
        of=trade_in_draft,
        sends=always(json=CAR_PLAN),
        answers=201,
        keyed=True,
        once=True,
    ),
    post(f"{API}{CAMPAIGN}/resume", RUNNERS, of=paused, answers=202, once=True),
    post(f"{API}{CAMPAIGN}/close", RUNNERS, of=published, answers=202, once=True),
    get("/campaigns", OFFICE, lists=draft),
    get("/campaigns/new", PLANNER),
    post(
        "/campaigns/new",
        PLANNER,
        of=beginning,
        sends=typed(prepared),
        abroad=422,
        keyed=True,
    ),
    get(CAMPAIGN, OFFICE, of=draft),
    get(CAMPAIGN, OFFICE, of=published),
    get(f"{CAMPAIGN}/offers/new", PLANNER, of=draft),
    post(
        f"{CAMPAIGN}/offers/new",
        PLANNER,
        of=draft_and_hour,
        sends=typed(typed_offer),
        keyed=True,
    ),
    get(f"{CAMPAIGN}/application-pools/new", PLANNER, of=trade_in_draft),
    post(
        f"{CAMPAIGN}/application-pools/new",
        PLANNER,
        of=trade_in_draft,
        sends=always(data=CAR_PLAN),
        once=True,
        keyed=True,
    ),
    get(f"{CAMPAIGN}/pools/new", PLANNER, of=trade_in_draft),
    post(
        f"{CAMPAIGN}/pools/new",
        PLANNER,
        of=trade_in_draft,
        sends=always(data=TYPED),
        once=True,
        keyed=True,
    ),
    post(
        f"{CAMPAIGN}/lines",
        PLANNER,
        of=draft_and_funder,
        sends=typed(typed_money),
        once=True,
        keyed=True,
    ),
    post(f"{CAMPAIGN}/submit", PLANNER, of=planned, once=True),
    post(f"{CAMPAIGN}/pause", RUNNERS, of=published, once=True),
    post(f"{CAMPAIGN}/resume", RUNNERS, of=paused, once=True),
    post(f"{CAMPAIGN}/close", RUNNERS, of=published, once=True),
)

APPROVALS = (
    get(f"{API}/approvals", OFFICE, lists=proposal),
    get(API + APPROVAL, OFFICE, of=proposal),
    post(f"{API}{APPROVAL}/approve", APPROVER, of=proposal, once=True),
    post(f"{API}{APPROVAL}/approve", APPROVER, of=push_proposal, once=True),
    post(f"{API}{APPROVAL}/approve", APPROVER, of=move_proposal, once=True),
    post(f"{API}{APPROVAL}/reject", APPROVER, of=proposal, sends=always(json=REASON), once=True),
    get("/approvals", OFFICE, lists=proposal),
    get(APPROVAL, OFFICE, of=proposal),
    get(APPROVAL, OFFICE, of=push_proposal),
    get(APPROVAL, OFFICE, of=move_proposal),
    post(f"{APPROVAL}/approve", APPROVER, of=proposal, once=True),
    post(f"{APPROVAL}/reject", APPROVER, of=proposal, sends=always(data=REASON), once=True),
)

PUSHES = (
    get(f"{API}/pushes", OFFICE, lists=push),
    post(
        f"{API}/pushes",
        PLANNER,
        of=listed_offer,
        sends=called(lambda one, _: {"offer_id": one.id, "list": one.facts["list"]}),
        answers=201,
        once=True,
    ),
    get(API + PUSH, OFFICE, of=push),
    get(f"{API}{PUSH}/results.csv", OFFICE, of=push),
    get("/pushes", OFFICE, lists=push),
    post("/pushes", PLANNER, of=listed_offer, sends=typed(file), hides=422, once=True),
    get(PUSH, OFFICE, of=push),
    get(f"{PUSH}/results.csv", OFFICE, of=push),
)

REPORTS = (
    get(f"{API}/reports/leverage", OFFICE, of=programme, sends=report),
    get(f"{API}/reports/leverage.csv", OFFICE, of=programme, sends=report),
    get(f"{API}/reports/leverage.xlsx", OFFICE, of=programme, sends=report),
    get(f"{API}/reports/leverage.pdf", OFFICE, of=programme, sends=report),
    post(
        f"{API}/reconciliations",
        OFFICE,
        of=programme,
        sends=called(lambda one, _: {"programme": one.id}),
        answers=202,
    ),
    get("/reports/leverage", OFFICE, of=programme, sends=report),
    get("/reports/leverage.<any(xlsx, csv, pdf):form>", OFFICE, of=form_of_report, sends=report),
    post(
        f"{API}/retail-sales",
        FINANCE,
        of=programme,
        sends=called(retail),
        answers=201,
        whole=True,
    ),
    get(f"{API}/pledges", OFFICE, of=programme, sends=asked(lambda one, _: {"programme": one.id})),
    post(
        f"{API}/pledges",
        PLEDGING,
        of=programme,
        sends=called(lambda one, _: {"programme": one.id, "amount_fen": 100_000} | PLEDGE),
        answers=202,
        whole=True,
    ),
    get("/reports/pledges", OFFICE),
    post(
        "/reports/pledges",
        PLEDGING,
        of=programme,
        sends=typed(lambda one, _: {"programme": one.id, "amount": "1000"} | PLEDGE),
        whole=True,
    ),
    get("/reports/retail-sales", OFFICE),
    post(
        "/reports/retail-sales",
        FINANCE,
        of=programme,
        sends=typed(typed_retail),
        whole=True,
    ),
    post(
        "/reconciliations",
        OFFICE,
        of=programme,
        sends=typed(lambda one, _: {"programme": one.id}),
    ),
)

RULES = (*DOOR, *PROGRAMMES, *CAMPAIGNS, *APPROVALS, *PUSHES, *REPORTS)
