"""What an offer's form or call says, as the plan that the service checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voucher_service.campaigns.canary import planned
from voucher_service.campaigns.model import OfferKind, OfferPlan, ReleasePlan
from voucher_service.settings import Canary


def offer_plan(body: Mapping[str, Any], rules: Canary) -> OfferPlan:
    """The plan of an offer that was loaded with a schema.

    Without a word on a canary, an offer that can cost much gets one.
    """
    values = dict(body)
    values["kind"] = OfferKind(values["kind"])
    values["areas"] = tuple(values["areas"])
    values["trades"] = tuple(values["trades"])
    values["releases"] = tuple(ReleasePlan(**one) for one in values["releases"])
    if values["canary"] is None:
        values["canary"] = planned(values["face_value"] * values["quota"], rules)
    return OfferPlan(**values)
