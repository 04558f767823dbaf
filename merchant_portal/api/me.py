"""`GET /api/v1/me`."""

from __future__ import annotations

from merchant_portal.schemas import DeskSchema
from voucher_service.merchants import service as merchants
from voucher_service.merchants.service import Desk
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.site import core

blueprint = ApiBlueprint("me", __name__, url_prefix="/api/v1")


@blueprint.route("/me", methods=["GET"])
@blueprint.response(200, DeskSchema)
def me() -> Desk:
    """Who is signed in, and at which shop."""
    return merchants.desk(core(), actor=actor())
