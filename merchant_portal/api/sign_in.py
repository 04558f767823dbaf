"""`POST /api/v1/sign-in`."""

from __future__ import annotations

from typing import Any

from merchant_portal.schemas import SignInSchema, TokenSchema
from merchant_portal.standing import open_session
from voucher_service.merchants import service as merchants
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import Token
from voucher_service.web.site import core

blueprint = ApiBlueprint("sign_in", __name__, url_prefix="/api/v1")


@blueprint.route("/sign-in", methods=["POST"])
@blueprint.arguments(SignInSchema)
@blueprint.response(200, TokenSchema)
def sign_in(body: dict[str, Any]) -> Token:
    """Sign a cashier or manager in with username and password."""
    cashier = merchants.cashier_sign_in(
        core(), username=body["username"], password=body["password"]
    )
    return open_session(cashier)
