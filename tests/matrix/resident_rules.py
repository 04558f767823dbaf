"""Who may do what as a resident."""

from __future__ import annotations

from typing import Any

from voucher_service.kernel.actor import Actor

from .draws import entered, lottery_to_enter, public_lottery
from .freezes import of_mine, sold_to_me
from .pools import comer, qualification, unwanted
from .purses import (
    card,
    category,
    message,
    offer,
    passer_by,
    place_in_line,
    printable,
    spent,
    voucher,
)
from .table import RESIDENT, Rule, Thing, always, called, delete, get, post, prepared, typed

MOBILE = {"mobile": "13912345678"}
CASE = {
    "scheme": "appliance",
    "category": "refrigerator",
    "price_fen": 389_900,
    "on": "2026-03-01",
    "grade": 1,
}


def ticked(thing: Thing, caller: Actor) -> dict[str, Any]:
    """The prepared form with its box ticked."""
    return prepared(thing, caller) | {"agreed": "true"}


QUALIFICATIONS = "/api/v1/trade-in/qualifications"
LOTTERY = "/api/v1/lotteries/<uuid:id>"
VOUCHER = "/api/v1/vouchers/<uuid:id>"

RULES = (
    post("/api/v1/sign-in/codes", sends=always(json=MOBILE), answers=202),
    post("/api/v1/sign-in", of=message, sends=called(prepared), once=True),
    get("/api/v1/consent"),
    get("/api/v1/me", RESIDENT),
    Rule("PUT", "/api/v1/me/identity", RESIDENT, of=card, sends=called(prepared)),
    get("/api/v1/offers"),
    post(
        "/api/v1/offers/<name>/claims",
        RESIDENT,
        of=offer,
        answers=201,
        keyed=True,
        gone=403,
    ),
    get("/api/v1/offers/<name>/ticket", RESIDENT, of=place_in_line, gone=404),
    get("/api/v1/vouchers", RESIDENT, lists=voucher),
    get(VOUCHER, RESIDENT, of=voucher),
    get(f"{VOUCHER}/code", RESIDENT, of=voucher),
    get(f"{VOUCHER}/codes", RESIDENT, of=voucher),
    get("/api/v1/lotteries", lists=public_lottery),
    get(LOTTERY, of=public_lottery),
    get(f"{LOTTERY}/lottery.json", of=public_lottery),
    get(f"{LOTTERY}/entries.csv", of=public_lottery),
    get(f"{LOTTERY}/result.csv", of=public_lottery),
    post(f"{LOTTERY}/entries", RESIDENT, of=lottery_to_enter, answers=201),
    get(f"{LOTTERY}/entries/mine", RESIDENT, of=entered),
    post("/api/v1/trade-in/quotes", sends=always(json=CASE)),
    post(QUALIFICATIONS, RESIDENT, of=comer, sends=called(prepared), answers=201, keyed=True),
    get(QUALIFICATIONS, RESIDENT, lists=qualification),
    get(f"{QUALIFICATIONS}/<uuid:id>", RESIDENT, of=qualification),
    get(f"{QUALIFICATIONS}/<uuid:id>/code", RESIDENT, of=qualification),
    delete(f"{QUALIFICATIONS}/<uuid:id>", RESIDENT, of=unwanted, answers=200),
    post("/api/v1/trade-in/waiting", RESIDENT, of=comer, sends=called(prepared), answers=201),
    get("/api/v1/trade-in/waiting", RESIDENT),
    delete("/api/v1/trade-in/waiting/<category>", RESIDENT, of=comer),
    get("/trade-in"),
    get("/trade-in/<name>", of=category),
    post("/trade-in/<name>/claim", RESIDENT, of=comer, keyed=True, once=True),
    post("/trade-in/<name>/wait", RESIDENT, of=comer),
    post("/trade-in/<name>/leave", RESIDENT, of=comer),
    get("/trade-in/qualifications", RESIDENT, lists=qualification),
    get("/trade-in/qualifications/<uuid:id>", RESIDENT, of=qualification),
    get("/trade-in/qualifications/<uuid:id>/status.json", RESIDENT, of=qualification),
    post(
        "/trade-in/qualifications/<uuid:id>/redemptions/<uuid:redemption_id>/release",
        RESIDENT,
        of=sold_to_me,
        once=True,
    ),
    post("/trade-in/qualifications/<uuid:id>/give-up", RESIDENT, of=unwanted),
    get("/"),
    get("/help"),
    get("/sign-in"),
    post("/sign-in", sends=always(data=MOBILE)),
    post("/sign-in/again", answers="sign-in"),
    get("/sign-in/code", answers="sign-in"),
    post("/sign-in/code", answers="sign-in"),
    post("/sign-out", RESIDENT),
    post("/sign-out/everywhere", RESIDENT, of=passer_by, once=True),
    get("/me", RESIDENT),
    get("/identity", RESIDENT),
    post("/identity", RESIDENT, of=card, sends=typed(ticked)),
    post("/offers/<name>/claim", RESIDENT, of=offer, keyed=True),
    get("/offers/<name>/waiting", RESIDENT, of=offer),
    get("/offers/<name>/waiting.json", RESIDENT, of=place_in_line),
    get("/vouchers", RESIDENT, lists=voucher),
    get("/vouchers/<uuid:id>", RESIDENT, of=voucher),
    get("/vouchers/<uuid:id>", RESIDENT, of=spent),
    get("/vouchers/<uuid:id>/claimed", RESIDENT, of=voucher),
    get("/vouchers/<uuid:id>/paper", RESIDENT, of=printable),
    post("/vouchers/<uuid:id>/paper", RESIDENT, of=printable),
    get("/vouchers/<uuid:id>/codes.json", RESIDENT, of=voucher),
    get("/vouchers/<uuid:id>/status.json", RESIDENT, of=voucher),
    post(
        "/vouchers/<uuid:id>/redemptions/<uuid:redemption_id>/release",
        RESIDENT,
        of=of_mine,
        once=True,
    ),
    get("/lotteries", lists=public_lottery),
    get("/lotteries/<uuid:id>", of=public_lottery),
    post("/lotteries/<uuid:id>/enter", RESIDENT, of=lottery_to_enter),
    post("/preferences", sends=always(data={"lang": "en"})),
)
