"""The tills of the shop's own system, their keys, and where that system is told of orders."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response as AnyResponse

from merchant_portal.own_till_schemas import EndpointForm, KeyForm, MessagesArgs, TillForm
from voucher_service.i18n import gettext, mark
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import CashierId
from voucher_service.tills import service as tills
from voucher_service.tills.model import TillKeyId
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale
from voucher_service.web.site import core
from voucher_service.webhooks import service as webhooks
from voucher_service.webhooks.model import EndpointId, MessageId

# How the reasons begin that are kept with a message, and how they are said.
_NOT_TAKEN = {
    "the name has no address": mark("域名查不到地址"),
    "not reached: TimeoutError": mark("连不上：等了太久"),
    "not reached: SSL": mark("连不上：证书不对（SSL{more}）"),
    "not reached: ConnectionRefusedError": mark("连不上：那边没有开门"),
    "not reached: ": mark("连不上（{more}）"),
    "answered ": mark("回的不是“收下了”，而是 {more}"),
    "refused: ": mark("这个地址不能发（{more}）"),
}

blueprint = Blueprint("tills", __name__, url_prefix="/tills")
published = Blueprint("webhook_keys", __name__)


@published.get("/.well-known/voucher-webhook-keys")
def webhook_keys() -> Response:
    """The public keys under which messages to merchants' systems are signed."""
    return jsonify(webhooks.published_keys(core().keyring))


@blueprint.get("")
def show_all() -> str:
    """The tills with their keys, and the form that registers one."""
    return _page(forms.Form())


@blueprint.post("")
def register() -> AnyResponse | tuple[str, int]:
    """Register a till with its first key."""
    form = forms.read(TillForm)
    if not form.ok:
        return _page(form), 422
    try:
        tills.register(core(), actor=actor(), **form.values)
    except DomainError as error:
        return _refused(form, error)
    return redirect("/tills", 303)


@blueprint.post("/<uuid:till>/keys")
def add_key(till: UUID) -> AnyResponse | tuple[str, int]:
    """Give a till the key that follows its present one."""
    form = forms.read(KeyForm)
    if not form.ok:
        return _page(form, at=till), 422
    try:
        tills.add_key(core(), actor=actor(), till=CashierId(till), **form.values)
    except DomainError as error:
        return _refused(form, error, at=till)
    return redirect("/tills", 303)


@blueprint.post("/keys/<uuid:key>/revoke")
def revoke(key: UUID) -> AnyResponse:
    """Let a key count no longer."""
    tills.revoke(core(), actor=actor(), key=TillKeyId(key))
    return redirect("/tills", 303)


@blueprint.get("/webhooks")
def endpoints() -> str:
    """Where the shop's system is told of orders."""
    return _endpoints(forms.Form())


@blueprint.post("/webhooks")
def add_endpoint() -> AnyResponse | tuple[str, int]:
    """Tell one more address."""
    form = forms.read(EndpointForm)
    if not form.ok:
        return _endpoints(form), 422
    try:
        webhooks.add(core(), actor=actor(), url=form.values["url"])
    except DomainError as error:
        form.refuse(error)
        return _endpoints(form), status_of(error)
    return redirect("/tills/webhooks", 303)


@blueprint.get("/webhooks/<uuid:endpoint>")
def messages(endpoint: UUID) -> str:
    """What an address was told, newest first."""
    try:
        asked = MessagesArgs().load(request.args.to_dict())
    except ValidationError:
        asked = MessagesArgs().load({})
    place, page = webhooks.messages(core(), actor=actor(), endpoint=EndpointId(endpoint), **asked)
    return render_template("merchant/messages.html", place=place, page=page, why=_why)


@blueprint.post("/webhooks/<uuid:endpoint>/remove")
def remove(endpoint: UUID) -> AnyResponse:
    """Tell an address nothing more."""
    webhooks.remove(core(), actor=actor(), endpoint=EndpointId(endpoint))
    return redirect("/tills/webhooks", 303)


@blueprint.post("/webhooks/<uuid:endpoint>/switch-on")
def switch_on(endpoint: UUID) -> AnyResponse:
    """Try an address again that was switched off."""
    webhooks.switch_on(core(), actor=actor(), endpoint=EndpointId(endpoint))
    return redirect(f"/tills/webhooks/{endpoint}", 303)


@blueprint.post("/messages/<uuid:message>/replay")
def replay(message: UUID) -> AnyResponse:
    """Send a message once more."""
    endpoint = webhooks.replay(core(), actor=actor(), message=MessageId(message))
    return redirect(f"/tills/webhooks/{endpoint}", 303)


def _page(form: forms.Form, at: UUID | None = None) -> str:
    """The tills; what was pasted as a key is never shown again, since it may be a private one."""
    form.typed.pop("public_key", None)
    return render_template(
        "merchant/own_tills.html",
        form=form if at is None else forms.Form(),
        key_form=form,
        at=at,
        tills=tills.tills(core(), actor=actor()),
        most=core().settings.pos.keys_per_till,
        switched_off=any(one.disabled_at for one in webhooks.endpoints(core(), actor=actor())),
    )


def _why(error: str) -> str:
    """What kept a message from being taken, in the reader's words."""
    for start, said in _NOT_TAKEN.items():
        if error.startswith(start):
            return gettext(said, locale(), more=error.removeprefix(start))
    return error


def _refused(form: forms.Form, error: DomainError, at: UUID | None = None) -> tuple[str, int]:
    form.refuse(error)
    return _page(form, at), status_of(error)


def _endpoints(form: forms.Form) -> str:
    found = webhooks.endpoints(core(), actor=actor())
    return render_template("merchant/webhooks.html", form=form, places=found)
