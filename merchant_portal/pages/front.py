"""Sign in, sign out."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request

from merchant_portal.schemas import SignInForm
from merchant_portal.standing import open_session
from voucher_service.i18n import sentence
from voucher_service.identity.model import SignInRefused, TooManyRequests
from voucher_service.merchants import service as merchants
from voucher_service.merchants.stands import DeviceNotEnrolled
from voucher_service.web import forms
from voucher_service.web.auth import end_session, start_session
from voucher_service.web.errors import status_of
from voucher_service.web.language import local_path, locale
from voucher_service.web.site import core

blueprint = Blueprint("front", __name__)


@blueprint.get("/sign-in")
def sign_in_page() -> str:
    """The sign-in form."""
    return _page(forms.Form())


@blueprint.post("/sign-in")
def sign_in() -> Response | tuple[str, int]:
    """Sign in and go on to where the reader wanted to go."""
    form = forms.read(SignInForm)
    if not form.ok:
        return _page(form), 422
    try:
        token = open_session(merchants.cashier_sign_in(core(), **form.values))
    except (SignInRefused, TooManyRequests, DeviceNotEnrolled) as refusal:
        if refusal.retry_after_seconds is not None:
            refusal.params.setdefault("seconds", refusal.retry_after_seconds)
        return _page(form, sentence(refusal, locale()), refusal.code), status_of(refusal)
    response = make_response(redirect(local_path(request.form.get("next")), 303))
    return start_session(response, token)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Sign out here, or on every machine."""
    everywhere = "everywhere" in request.form
    return end_session(make_response(redirect("/sign-in", 303)), everywhere=everywhere)


def _page(form: forms.Form, refused: str = "", code: str = "") -> str:
    return render_template(
        "merchant/sign_in.html",
        form=form,
        refused=refused,
        code=code,
        next=local_path(request.values.get("next")),
    )
