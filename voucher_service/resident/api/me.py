"""The resident's own data, and their real name."""

from __future__ import annotations

from typing import Any

from voucher_service.causal import service as causal
from voucher_service.identity import service as identity
from voucher_service.identity.model import IdentityCard
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.language import _
from voucher_service.web.site import core

from .. import consent
from ..people import resident_id
from ..schemas import ConsentSchema, IdentitySchema, MeSchema

me = ApiBlueprint("me", __name__, url_prefix="/api/v1/me")
terms = ApiBlueprint("consent", __name__, url_prefix="/api/v1/consent")


@me.route("", methods=["GET"])
@me.response(200, MeSchema)
def card() -> IdentityCard:
    """Who I am, as far as is shown."""
    return identity.card(core(), resident=resident_id(actor()))


@me.route("/identity", methods=["PUT"])
@me.arguments(IdentitySchema)
@me.response(200, MeSchema)
def verify(body: dict[str, Any]) -> IdentityCard:
    """Give a real name. The same identity again changes nothing."""
    identity.verify_identity(core(), actor=actor(), **body)
    return identity.card(core(), resident=resident_id(actor()))


@me.route("/outcome-consent", methods=["PUT"])
@me.response(204)
def agree() -> None:
    """Agree that my weekly spending is compared with others', under a key. Again changes nothing.

    It counts for draws and openings that come after it.
    """
    causal.agree(core(), actor=actor())


@me.route("/outcome-consent", methods=["DELETE"])
@me.response(204)
def withdraw() -> None:
    """Take it back: what was told about me is deleted."""
    causal.withdraw(core(), actor=actor())


@terms.route("", methods=["GET"])
@terms.response(200, ConsentSchema)
def read() -> dict[str, Any]:
    """The consent in force: `version` goes into `consent_version`."""
    return {"version": consent.VERSION, "paragraphs": [_(text) for text in consent.PARAGRAPHS]}
