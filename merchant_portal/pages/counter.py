"""A voucher is shown, then redeemed. Every refusal here is a screen of the till."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from merchant_portal.schemas import CodeForm, OrderForm
from voucher_service.kernel.errors import (
    Conflict,
    Forbidden,
    NotFound,
    TooMany,
    Unavailable,
    Unprocessable,
)
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.site import core

from .refusals import refused
from .screens import amount_screen, first_screen

blueprint = Blueprint("counter", __name__)
for _kind in (Conflict, Forbidden, NotFound, TooMany, Unavailable, Unprocessable):
    # Also what the guard finds out, such as a database that is away: the outcome is then unknown.
    blueprint.register_error_handler(_kind, refused)


@blueprint.post("/amount")
def amount() -> str | tuple[str, int]:
    """The voucher of a code, and the pad for the order amount."""
    form = forms.read(CodeForm)
    if not form.ok:
        return first_screen(form), 422
    return amount_screen(form)


@blueprint.post("/redemptions")
def redeem() -> Response | tuple[str, int]:
    """Redeem, then show the receipt at an address of its own."""
    form = forms.read(OrderForm)
    if "code" in form.errors:
        return first_screen(form), 422
    if not form.ok:
        return amount_screen(form), 422
    reference = form.values.get("order_reference") or form.values["made_reference"]
    done = redemption.redeem(
        core(),
        actor=actor(),
        code=form.values["code"],
        order=Order(form.values["amount"], reference),
        key=idempotency_key(),
    )
    return redirect(url_for("till.receipt", redemption_id=done.value.id), 303)
