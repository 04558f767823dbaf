"""`GET /api/v1/summary`."""

from __future__ import annotations

from typing import Any

from merchant_portal.schemas import DayArgs, SummarySchema
from voucher_service.redemption import service as redemption
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.site import core, today

blueprint = ApiBlueprint("summary", __name__, url_prefix="/api/v1")


@blueprint.route("/summary", methods=["GET"])
@blueprint.arguments(DayArgs, location="query")
@blueprint.response(200, SummarySchema)
def summary(args: dict[str, Any]) -> dict[str, Any]:
    """The totals of a business day of this shop; today unless told."""
    day = args["day"] or today()
    totals = redemption.summary(core(), actor=actor(), day=day)
    return {"day": day, **{name: getattr(totals, name) for name in totals.__slots__}}
