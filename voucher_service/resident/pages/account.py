"""Who is signed in, what is known of them, and the way out."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request

from voucher_service.causal import service as causal
from voucher_service.identity import service as identity
from voucher_service.web.auth import actor, end_session
from voucher_service.web.site import core

from ..people import resident_id

pages = Blueprint("account", __name__)


@pages.get("/me")
def show() -> str:
    """My account."""
    card = identity.card(core(), resident=resident_id(actor()))
    agreed = causal.agreed(core(), resident=resident_id(actor()))
    return render_template("resident/account.html", card=card, agreed=agreed)


@pages.post("/me/outcomes")
def say() -> Response:
    """Agree that my spending is compared under a key, or take it back."""
    change = causal.agree if request.form.get("agree") == "yes" else causal.withdraw
    change(core(), actor=actor())
    return make_response(redirect("/me", 303))


@pages.post("/sign-out")
def leave() -> Response:
    """Sign out."""
    return end_session(make_response(redirect("/", 303)))


@pages.post("/sign-out/everywhere")
def leave_everywhere() -> Response:
    """Sign out on all devices."""
    identity.sign_out_everywhere(core(), actor=actor())
    return end_session(make_response(redirect("/", 303)))
