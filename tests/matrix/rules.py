"""All rules: those of each face, and the routes that every face has."""

from __future__ import annotations

from dataclasses import replace

from voucher_service.web.face import Face

from . import (
    application_rules,
    books_rules,
    desk_rules,
    difference_rules,
    finance_pack_rules,
    goods_rules,
    log_rules,
    lottery_rules,
    onboarding_rules,
    outcome_rules,
    own_till_rules,
    people_rules,
    refund_rules,
    resident_rules,
    review_rules,
    revision_rules,
    settlement_rules,
    shop_desk_rules,
    shop_rules,
    treasury_rules,
    watch_rules,
)
from .city import City, Side
from .table import Actor, Thing, get, shared


@shared
def stylesheet(_city: City, _side: Side, _caller: Actor) -> Thing:
    """A file of the pages."""
    return Thing("kit/base.css")


MACHINES = (
    get("/healthz"),
    get("/readyz"),
    get("/metrics"),
    get("/kit"),
    get("/api/openapi.json"),
    get("/static/<path:name>", of=stylesheet),
)
BY_FACE = {
    Face.RESIDENT: (
        *resident_rules.RULES,
        *application_rules.OWN,
        *revision_rules.OWN,
        *log_rules.RULES,
        *outcome_rules.OWN,
        *onboarding_rules.PUBLIC,
    ),
    Face.MERCHANT: (
        *shop_rules.RULES,
        *refund_rules.RULES,
        *onboarding_rules.SHOPKEEPER,
        *shop_desk_rules.RULES,
        *own_till_rules.RULES,
        *books_rules.SHOP,
        *goods_rules.SHOP,
        *review_rules.SHOP,
        *settlement_rules.SHOP,
        *settlement_rules.SHOP_PAGES,
    ),
    Face.ADMIN: (
        *desk_rules.RULES,
        *finance_pack_rules.DESK,
        *lottery_rules.RULES,
        *treasury_rules.RULES,
        *people_rules.RULES,
        *watch_rules.RULES,
        *onboarding_rules.DESK,
        *onboarding_rules.CALLS,
        *books_rules.DESK,
        *difference_rules.RULES,
        *application_rules.DESK,
        *goods_rules.DESK,
        *revision_rules.DESK,
        *review_rules.DESK,
        *settlement_rules.DESK,
        *settlement_rules.DESK_PAGES,
        *outcome_rules.DESK,
    ),
}
RULES = [
    replace(rule, face=face) for face, rules in BY_FACE.items() for rule in (*rules, *MACHINES)
]
