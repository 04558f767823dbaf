"""Sign in with a mobile and a one-time code."""

from __future__ import annotations

from typing import Any

from voucher_service.identity import service as identity
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import Token, issue
from voucher_service.web.evidence import evidence
from voucher_service.web.face import Face
from voucher_service.web.site import core

from ..limiting import not_too_many_codes
from ..schemas import CodeSentSchema, MobileSchema, SignInSchema, TokenSchema

sign_in = ApiBlueprint("sign-in", __name__, url_prefix="/api/v1/sign-in")


@sign_in.route("/codes", methods=["POST"])
@sign_in.arguments(MobileSchema)
@sign_in.response(202, CodeSentSchema)
def send_code(body: dict[str, Any]) -> dict[str, int]:
    """Send a one-time code. The answer does not tell whether the mobile has an account."""
    not_too_many_codes()
    identity.request_code(core(), mobile=body["mobile"])
    return {"expires_in_seconds": core().settings.sign_in.code_ttl_seconds}


@sign_in.route("", methods=["POST"])
@sign_in.arguments(SignInSchema)
@sign_in.response(200, TokenSchema)
def enter(body: dict[str, Any]) -> Token:
    """Sign in. The first time makes the account."""
    found = identity.sign_in(core(), mobile=body["mobile"], code=body["code"], evidence=evidence())
    return issue(core(), Face.RESIDENT, found.id)
