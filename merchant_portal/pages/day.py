"""A day of the shop: its totals and its lines."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template, request
from marshmallow import ValidationError

from merchant_portal.schemas import LinesArgs
from voucher_service.redemption import service as redemption
from voucher_service.web.auth import actor
from voucher_service.web.site import core, today

blueprint = Blueprint("day", __name__)


@blueprint.get("/today")
def lines() -> str:
    """The lines of a day (`?day=`), newest first; an address that can't be read shows today."""
    try:
        asked = LinesArgs().load(request.args.to_dict())
    except ValidationError:
        asked = LinesArgs().load({})
    day = asked["day"] or today()
    page = redemption.lines(
        core(), actor=actor(), day=day, cursor=asked["cursor"], limit=asked["limit"]
    )
    return render_template(
        "merchant/today.html",
        day=day,
        today=today(),
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        page=page,
        continued=asked["cursor"] is not None,
        totals=redemption.summary(core(), actor=actor(), day=day),
    )
