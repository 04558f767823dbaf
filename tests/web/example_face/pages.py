"""Pages: a form read with a schema, one command, a template."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template
from werkzeug.wrappers import Response as AnyResponse

from voucher_service.web import forms
from voucher_service.web.auth import end_session, signed, start_session
from voucher_service.web.face import Face
from voucher_service.web.fields import YuanField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

from .people import CASHIER, SESSION

front = Blueprint("front", __name__)
desk = Blueprint("desk", __name__)


class AmountForm(Schema):
    amount = YuanField(required=True, minimum=1)


@front.get("/sign-in")
def sign_in_page() -> str:
    return render_template("example/desk.html", form=forms.Form())


@front.post("/sign-in")
def sign_in() -> Response:
    response = make_response(redirect("/desk", 303))
    return start_session(response, signed(core(), Face.MERCHANT, CASHIER, session=SESSION))


@desk.get("/desk")
def show() -> str:
    return render_template("example/desk.html", form=forms.Form())


@desk.post("/desk")
def enter_amount() -> str | tuple[str, int]:
    form = forms.read(AmountForm)
    if not form.ok:
        return render_template("example/desk.html", form=form), 422
    return render_template("example/desk.html", form=form, amount=form.values["amount"])


@desk.post("/sign-out")
def sign_out() -> AnyResponse:
    return end_session(make_response(redirect("/sign-in", 303)))
