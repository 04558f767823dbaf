"""Sign in in two steps; between them a short-lived cookie holds the mobile, encrypted."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request

from voucher_service.identity import service as identity
from voucher_service.identity.model import MobileInvalid, SignInRefused
from voucher_service.infra.secrets import CipherTextDamaged
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms
from voucher_service.web.auth import actor_or_none, issue, start_session
from voucher_service.web.evidence import evidence
from voucher_service.web.face import Face
from voucher_service.web.fields import TextField
from voucher_service.web.language import _, local_path
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

from ..limiting import not_too_many_codes
from ..schemas import MobileSchema

pages = Blueprint("entry", __name__)
COOKIE = "signing_in"
_PATH = "/sign-in"
Page = Response | tuple[str, int] | str


class CodeForm(Schema):
    """The code that came by short message."""

    code = TextField(required=True, maximum=16)


@pages.get(_PATH)
def ask_mobile() -> Page:
    """The first step, skipped by who is signed in."""
    if actor_or_none():
        return make_response(redirect(_next(), 303))
    return _first(forms.Form())


@pages.post(_PATH)
def send_code() -> Page:
    """Send a code and go to the second step."""
    form = forms.read(MobileSchema)
    if form.ok:
        try:
            return _sent(form.values["mobile"])
        except MobileInvalid:
            form.errors["mobile"] = _("手机号不对，请填 11 位的中国内地手机号。")
        except DomainError as refusal:
            form.refuse(refusal)
    return _first(form), 422


@pages.post(_PATH + "/again")
def send_again() -> Page:
    """Send another code to the same mobile."""
    mobile = _remembered()
    if mobile is None:
        return _back()
    try:
        return _sent(mobile)
    except DomainError as refusal:
        form = forms.Form()
        form.refuse(refusal)
        return _second(form, mobile), 422


@pages.get(_PATH + "/code")
def ask_code() -> Page:
    """The second step."""
    mobile = _remembered()
    return _back() if mobile is None else _second(forms.Form(), mobile)


@pages.post(_PATH + "/code")
def enter() -> Page:
    """Sign in and go where the reader was."""
    mobile = _remembered()
    if mobile is None:
        return _back()
    form = forms.read(CodeForm)
    if form.ok:
        try:
            code = form.values["code"]
            found = identity.sign_in(core(), mobile=mobile, code=code, evidence=evidence())
        except SignInRefused:
            form.errors["code"] = _("验证码不对，或者过了时间。请看最新一条短信，或重新获取。")
        else:
            response = make_response(redirect(_next(), 303))
            response.delete_cookie(COOKIE, path=_PATH)
            return start_session(response, issue(core(), Face.RESIDENT, found.id))
    return _second(form, mobile), 422


def _first(form: forms.Form) -> str:
    return render_template("resident/sign_in.html", form=form, next=_next())


def _second(form: forms.Form, mobile: str) -> str:
    settings = core().settings
    return render_template(
        "resident/sign_in_code.html",
        form=form,
        next=_next(),
        mobile=f"{mobile[:3]} **** {mobile[-4:]}",
        minutes=settings.sign_in.code_ttl_seconds // 60,
        development=settings.sms.adapter == "development",
    )


def _next() -> str:
    return local_path(request.values.get("next"))


def _back() -> Response:
    return make_response(redirect(f"{_PATH}?{urlencode({'next': _next()})}", 303))


def _sent(mobile: str) -> Response:
    not_too_many_codes()
    identity.request_code(core(), mobile=mobile)
    response = make_response(redirect(f"{_PATH}/code?{urlencode({'next': _next()})}", 303))
    sealed = core().keyring.encrypt(mobile, bound_to=COOKIE)
    response.set_cookie(
        COOKIE,
        base64.urlsafe_b64encode(sealed).decode(),
        max_age=2 * core().settings.sign_in.code_ttl_seconds,
        path=_PATH,
        httponly=True,
        samesite="Lax",
        secure=core().settings.production,
    )
    return response


def _remembered() -> str | None:
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(COOKIE, ""))
        return core().keyring.decrypt(sealed, bound_to=COOKIE) if sealed else None
    except (binascii.Error, ValueError, CipherTextDamaged):
        return None
