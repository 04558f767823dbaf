"""Sign in, and who I am."""

from __future__ import annotations

from typing import Any

from admin import colleagues, staff
from admin.schemas import SignInSchema, StaffSchema, TokenSchema
from voucher_service.identity import service as identity
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor, issue
from voucher_service.web.face import Face
from voucher_service.web.site import core

door = ApiBlueprint("door", __name__, url_prefix="/api/v1")
me = ApiBlueprint("me", __name__, url_prefix="/api/v1/me")


@door.route("/sign-in", methods=["POST"])
@door.arguments(SignInSchema)
@door.response(200, TokenSchema)
def enter(body: dict[str, Any]) -> Any:
    """Sign in with a password and, where enrolled, the second factor: a code, a recovery code, or
    what a passkey answered.
    """
    shown = body.pop("passkey")
    answer = colleagues.answer(shown) if shown else None
    found = identity.staff_sign_in(core(), **body, passkey=answer)
    return issue(core(), Face.ADMIN, found.id, factor=bool(found.factors))


@me.route("", methods=["GET"])
@me.response(200, StaffSchema)
def who_am_i() -> Any:
    """The member of staff whose token this is."""
    return staff.of(actor())
