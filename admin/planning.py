"""What an offer's form or call says, as the plan that the service checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from voucher_service.campaigns.canary import planned
from voucher_service.campaigns.model import (
    GoodsClass,
    OfferKind,
    OfferPlan,
    PartialRefund,
    RefundRule,
    ReleasePlan,
    max_liability,
)
from voucher_service.kernel.ids import ShopId
from voucher_service.settings import Canary


def offer_plan(body: Mapping[str, Any], rules: Canary) -> OfferPlan:
    """The plan of an offer that was loaded with a schema.

    Without a word on a canary, an offer that can cost much gets one.
    """
    values = dict(body)
    canary = values.pop("canary")
    plan = OfferPlan(
        **values
        | {
            "kind": OfferKind(values["kind"]),
            "areas": tuple(values["areas"]),
            "trades": tuple(values["trades"]),
            "releases": tuple(ReleasePlan(**one) for one in values["releases"]),
            "shops": tuple(ShopId(one) for one in values["shops"]),
            "hours": tuple(values["hours"]),
            "weekdays": tuple(values["weekdays"]),
            "excluded_items": tuple(GoodsClass(one) for one in values["excluded_items"]),
            "refund_rule": RefundRule(values["refund_rule"]),
            "partial_refund": PartialRefund(values["partial_refund"]),
        }
    )
    if canary is None:
        canary = planned(max_liability(plan) * plan.quota, rules)
    return replace(plan, canary=canary)
