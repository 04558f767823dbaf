"""What an offer's form or call says, as the plan that the service checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voucher_service.campaigns.model import OfferKind, OfferPlan, ReleasePlan


def offer_plan(body: Mapping[str, Any]) -> OfferPlan:
    """The plan of an offer that was loaded with a schema."""
    values = dict(body)
    values["kind"] = OfferKind(values["kind"])
    values["areas"] = tuple(values["areas"])
    values["trades"] = tuple(values["trades"])
    values["releases"] = tuple(ReleasePlan(**one) for one in values["releases"])
    return OfferPlan(**values)
