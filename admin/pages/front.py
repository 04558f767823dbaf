"""The door: sign in and out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from marshmallow import fields, validate
from werkzeug.wrappers import Response as AnyResponse

from admin import colleagues
from admin.forms import SignInForm
from voucher_service.identity import service as identity
from voucher_service.identity.model import Staff
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms
from voucher_service.web.auth import end_session, issue, start_session
from voucher_service.web.errors import status_of
from voucher_service.web.face import Face
from voucher_service.web.language import local_path
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

front = Blueprint("front", __name__)


class PasskeyForm(Schema):
    """A passkey that answered, with no password beside it."""

    passkey = fields.String(required=True, validate=validate.Length(max=16_000))
    username = fields.String(load_default=None)


@front.get("/sign-in")
def ask() -> str:
    """The form."""
    return render_template("admin/sign_in.html", form=forms.Form(), next=_next(request.args))


@front.get("/sign-in/passkey")
def question() -> Response:
    """What the browser asks a passkey to sign in with; asking changes nothing."""
    return jsonify(identity.passkey_question(core(), origin=colleagues.origin()))


@front.post("/sign-in")
def enter() -> Any:
    """Sign in and go where the reader wanted to be."""
    alone = bool(request.form.get("passkey")) and not request.form.get("password")
    form, status = forms.read(PasskeyForm if alone else SignInForm), 422
    if form.ok:
        try:
            found = _staff(form.values)
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            token = issue(core(), Face.ADMIN, found.id, factor=bool(found.factors))
            return start_session(make_response(redirect(_next(request.form), 303)), token)
    form.typed.pop("passkey", None)
    return render_template("admin/sign_in.html", form=form, next=_next(request.form)), status


@front.post("/sign-out")
def leave() -> AnyResponse:
    """Sign out."""
    return end_session(make_response(redirect("/sign-in", 303)))


def _staff(typed: dict[str, Any]) -> Staff:
    shown = typed.pop("passkey")
    answer = colleagues.answer(shown) if shown else None
    if answer is not None and "password" not in typed:
        return identity.passkey_sign_in(core(), answer=answer)
    return identity.staff_sign_in(core(), **typed, passkey=answer)


def _next(values: Any) -> str:
    return local_path(values.get("next"))
