"""Who may do what with funds, budgets and caps, and with alarms and payouts."""

from __future__ import annotations

from typing import Any

from voucher_service.kernel.actor import Actor, Role

from .plans import draft, planned
from .table import (
    AUDITOR,
    OFFICE,
    PLANNER,
    Rule,
    Thing,
    always,
    called,
    get,
    post,
    prepared,
    typed,
)
from .treasury import alarm, budget, endowed, frame, fund, funder, line, mended

FINANCE = frozenset({Role.FINANCE})
ALARMED = OFFICE - frozenset({Role.REVIEWER})
SOME, CAPS = {"amount_fen": 1_000}, {"day_fen": 100_000_00}
API, FUND, BUDGET = "/api/v1", "/funds/<uuid:id>", "/budgets/<uuid:id>"
CAMPAIGN, ALARM = "/api/v1/campaigns/<uuid:id>", "/alarms/<uuid:alarm>"


def appropriation(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """Money by a document."""
    return SOME | dict(thing.facts) | {"year": 2026}


def typed_appropriation(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as it is typed."""
    return dict(thing.facts) | {"year": "2026", "amount": "10"}


def of_fund(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """Some of a fund's money."""
    return SOME | {"fund_id": thing.facts["fund"]}


def given(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as it is typed."""
    return {"direction": "give", "fund": thing.facts["fund"], "amount": "10"}


FUNDS = (
    get(f"{API}/funds", OFFICE, lists=fund),
    post(
        f"{API}/funds",
        PLANNER,
        of=funder,
        sends=called(appropriation),
        answers=202,
        hides=422,
        keyed=True,
    ),
    get(API + FUND, OFFICE, of=fund),
    get(f"{API}{FUND}/standing", OFFICE, of=fund),
    get(f"{API}{FUND}/moves", OFFICE, of=fund),
    *(
        post(
            f"{API}{FUND}/{act}",
            PLANNER,
            of=fund,
            sends=always(json=SOME),
            answers=202,
            keyed=True,
        )
        for act in ("return", "carry-over")
    ),
    get("/funds", OFFICE, lists=fund),
    post(
        "/funds",
        PLANNER,
        of=funder,
        sends=typed(typed_appropriation),
        hides=422,
        keyed=True,
    ),
    get(FUND, OFFICE, of=fund),
    post(
        f"{FUND}/rest",
        PLANNER,
        of=fund,
        sends=always(data={"action": "fund.return", "amount": "10"}),
        keyed=True,
    ),
)

BUDGETS = (
    get(f"{API}/budgets", OFFICE, lists=budget),
    post(f"{API}/budgets", PLANNER, of=frame, sends=called(prepared), answers=201, once=True),
    get(API + BUDGET, OFFICE, of=budget),
    *(
        get(f"{API}{BUDGET}/{part}", OFFICE, of=endowed)
        for part in ("standing", "allotments", "moves", "caps")
    ),
    post(
        f"{API}{BUDGET}/allotments",
        PLANNER,
        of=budget,
        sends=called(of_fund),
        answers=202,
        keyed=True,
    ),
    post(
        f"{API}{BUDGET}/hand-back",
        PLANNER,
        of=endowed,
        sends=called(of_fund),
        answers=202,
        keyed=True,
    ),
    Rule(
        "PUT",
        f"{API}{BUDGET}/caps",
        PLANNER,
        of=budget,
        sends=always(json=CAPS),
        answers=202,
        once=True,
    ),
    get(f"{CAMPAIGN}/standing", OFFICE, of=planned),
    get(f"{CAMPAIGN}/caps", OFFICE, of=draft),
    Rule(
        "PUT",
        f"{CAMPAIGN}/caps",
        PLANNER,
        of=draft,
        sends=always(json=CAPS),
        answers=202,
        once=True,
    ),
    get(f"{API}/budget-lines/<uuid:id>/statement", OFFICE, of=line),
    get("/budgets", OFFICE, lists=budget),
    post("/budgets", PLANNER, of=frame, sends=typed(prepared), abroad=422, once=True),
    get(BUDGET, OFFICE, of=endowed),
    post(f"{BUDGET}/money", PLANNER, of=budget, sends=typed(given), keyed=True),
    post(f"{BUDGET}/caps", PLANNER, of=budget, sends=always(data={"day": "100000"}), once=True),
    get("/budgets/lines/<uuid:id>", OFFICE, of=line),
    get("/budgets/campaigns/<uuid:id>", OFFICE, of=draft),
    post(
        "/budgets/campaigns/<uuid:id>/caps",
        PLANNER,
        of=draft,
        sends=always(data={"day": "100000"}),
        once=True,
    ),
)

ALARMS = (
    get(f"{API}/alarms", OFFICE, lists=alarm),
    get(API + ALARM, OFFICE, of=alarm),
    post(f"{API}{ALARM}/acknowledge", ALARMED, of=alarm, once=True),
    post(f"{API}{ALARM}/close", AUDITOR, of=alarm, once=True),
    post(f"{API}/payouts/resume", FINANCE, of=mended, answers=202, once=True, whole=True),
    get("/alarms", OFFICE, lists=alarm),
    post(f"{ALARM}/acknowledge", ALARMED, of=alarm, once=True),
    post(f"{ALARM}/close", AUDITOR, of=alarm, once=True),
    get("/log", FINANCE | AUDITOR),
    post("/payouts/resume", FINANCE, of=mended, once=True, whole=True),
)

RULES = (*FUNDS, *BUDGETS, *ALARMS)
