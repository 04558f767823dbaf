"""The door: sign in and out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from admin.forms import SignInForm
from voucher_service.identity import service as identity
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms
from voucher_service.web.auth import end_session, issue, start_session
from voucher_service.web.errors import status_of
from voucher_service.web.face import Face
from voucher_service.web.language import local_path
from voucher_service.web.site import core

front = Blueprint("front", __name__)


@front.get("/sign-in")
def ask() -> str:
    """The form."""
    return render_template("admin/sign_in.html", form=forms.Form(), next=_next(request.args))


@front.post("/sign-in")
def enter() -> Any:
    """Sign in and go where the reader wanted to be."""
    form, status = forms.read(SignInForm), 422
    if form.ok:
        try:
            staff = identity.staff_sign_in(core(), **form.values)
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            home = make_response(redirect(_next(request.form), 303))
            return start_session(home, issue(core(), Face.ADMIN, staff.id))
    return render_template("admin/sign_in.html", form=form, next=_next(request.form)), status


@front.post("/sign-out")
def leave() -> Response:
    """Sign out."""
    return end_session(make_response(redirect("/sign-in", 303)))


def _next(values: Any) -> str:
    return local_path(values.get("next"))
