"""My account: password, second factors, sessions; and showing a factor again before an act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from marshmallow import fields, validate
from werkzeug.wrappers import Response as AnyResponse

from admin import colleagues, staff
from voucher_service.identity import service
from voucher_service.kernel.errors import DomainError
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.fields import TextField
from voucher_service.web.language import local_path
from voucher_service.web.qr import draw
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

account = Blueprint("account_pages", __name__, url_prefix="/account")

_ANSWER = validate.Length(max=16_000)


class PasswordForm(Schema):
    """The old password and the new one."""

    old = fields.String(required=True, validate=validate.Length(max=200))
    new = fields.String(required=True, validate=validate.Length(max=200))


class CodeForm(Schema):
    """A code of the authenticator."""

    code = fields.String(required=True, validate=validate.Length(max=64))


class NewPasskeyForm(Schema):
    """What a new passkey is called, and what the browser made."""

    name = TextField(required=True, maximum=40)
    passkey = fields.String(required=True, validate=_ANSWER)


class NameForm(Schema):
    """Another name of a passkey."""

    name = TextField(required=True, maximum=40)


class ShowForm(Schema):
    """A code or a passkey, once more."""

    code = fields.String(load_default=None, validate=validate.Length(max=64))
    passkey = fields.String(load_default=None, validate=_ANSWER)


@account.get("")
def show() -> str:
    """My account."""
    return _page(forms.Form())


@account.post("/password")
def change_password() -> Any:
    """Choose another password."""
    form = forms.read(PasswordForm)
    if form.ok:
        values = form.values
        if _tried(form, lambda: service.change_password(core(), **_mine(), **values)):
            return _back("password")
    form.typed.clear()
    return _page(form, part="password"), 422


@account.post("/otp")
def begin_otp() -> AnyResponse:
    """Show a new secret as a QR code."""
    service.begin_otp(core(), actor=actor())
    return redirect("/account/otp", 303)


@account.get("/otp")
def show_otp() -> Any:
    """The secret that waits for its first code."""
    secret = service.pending_otp(core(), actor=actor())
    return _otp(forms.Form(), secret) if secret else redirect("/account", 303)


@account.post("/otp/confirm")
def confirm_otp() -> Any:
    """Enrol the authenticator; the recovery codes are shown this once."""
    form = forms.read(CodeForm)
    secret = service.pending_otp(core(), actor=actor())
    if secret is None:
        return redirect("/account", 303)
    if form.ok:
        try:
            codes = service.confirm_otp(core(), code=form.values["code"], **_mine())
        except DomainError as error:
            form.refuse(error)
        else:
            return render_template("admin/recovery_codes.html", codes=codes)
    return _otp(form, secret), 422


@account.post("/otp/remove")
def remove_otp() -> AnyResponse:
    """Forget the authenticator."""
    service.remove_otp(core(), **_mine())
    return _back("factors")


@account.post("/recovery-codes")
def renew_recovery_codes() -> str:
    """Ten new recovery codes, shown this once."""
    codes = service.renew_recovery_codes(core(), actor=actor())
    return render_template("admin/recovery_codes.html", codes=codes)


@account.get("/passkeys/new")
def passkey_options() -> Response:
    """What the browser makes a passkey with; asking changes nothing."""
    origin = colleagues.origin()
    return jsonify(service.passkey_registration(core(), actor=actor(), origin=origin))


@account.post("/passkeys")
def add_passkey() -> Any:
    """Keep a passkey that the browser made."""
    form = forms.read(NewPasskeyForm)
    if form.ok:
        answer, name = colleagues.answer(form.values["passkey"]), form.values["name"]
        if _tried(
            form, lambda: service.register_passkey(core(), name=name, answer=answer, **_mine())
        ):
            return _back("factors")
    form.typed.pop("passkey", None)
    return _page(form, part="passkey"), 422


@account.post("/passkeys/<uuid:passkey>/name")
def rename_passkey(passkey: UUID) -> Any:
    """Call a passkey something else."""
    form = forms.read(NameForm)
    if form.ok:
        service.rename_passkey(core(), actor=actor(), passkey=passkey, name=form.values["name"])
        return _back("factors")
    return _page(form, part="factors"), 422


@account.post("/passkeys/<uuid:passkey>/remove")
def remove_passkey(passkey: UUID) -> AnyResponse:
    """Forget a passkey."""
    service.remove_passkey(core(), passkey=passkey, **_mine())
    return _back("factors")


@account.post("/sessions/end")
def end_others() -> AnyResponse:
    """Sign out everywhere else."""
    service.end_sessions(core(), actor=actor(), but=staff.work().session)
    return _back("sessions")


@account.post("/sessions/<uuid:session>/end")
def end_session(session: UUID) -> AnyResponse:
    """Sign out there."""
    service.end_session(core(), actor=actor(), session=session)
    return _back("sessions")


@account.get("/confirm")
def ask_again() -> str:
    """Ask for the second factor before an act that spends."""
    return _confirm(forms.Form(), local_path(request.args.get("next")))


@account.get("/confirm/passkey")
def question() -> Response:
    """What the browser asks a passkey that shows its owner again; asking changes nothing."""
    origin = colleagues.origin()
    return jsonify(service.passkey_question(core(), origin=origin, actor=actor()))


@account.post("/confirm")
def confirm() -> Any:
    """Note that the factor was shown, and go back to the act."""
    form, on = forms.read(ShowForm), local_path(request.form.get("next"))
    if form.ok:
        shown = form.values["passkey"]
        answer = colleagues.answer(shown) if shown else None
        session, code = staff.work().session, form.values["code"]
        if _tried(
            form,
            lambda: service.show_factor(
                core(), actor=actor(), session=session, otp=code, passkey=answer
            ),
        ):
            return redirect(on, 303)
    form.typed.clear()
    return _confirm(form, on), 422


def _tried(form: forms.Form, act: Callable[[], object]) -> bool:
    """Whether the act was done; else its refusal is said in the form."""
    try:
        act()
    except DomainError as error:
        form.refuse(error)
        return False
    return True


def _mine() -> dict[str, Any]:
    return {"actor": actor(), "session": staff.work().session}


def _page(form: forms.Form, part: str = "") -> str:
    found, living, keys = service.staff_account(core(), actor=actor(), staff=staff.me().id)
    with core().transaction() as session:
        left = service.recovery_codes_left(session, staff=found.id)
    return render_template(
        "admin/account.html",
        account=found,
        sessions=living,
        passkeys=keys,
        codes_left=left,
        here=staff.work(),
        minutes=core().settings.desk.fresh_factor_seconds // 60,
        form=form,
        part=part,
        done=request.args.get("done"),
    )


def _otp(form: forms.Form, secret: str) -> str:
    drawing = draw(staff.uri(secret))
    return render_template("admin/otp.html", form=form, secret=secret, drawing=drawing)


def _confirm(form: forms.Form, on: str) -> str:
    return render_template("admin/confirm.html", form=form, next=on, account=staff.me())


def _back(done: str) -> AnyResponse:
    return redirect(f"/account?done={done}", 303)
