"""What was scanned is shown, then redeemed. Every refusal here is a screen of the till."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from merchant_portal.bills import BillForm, ScanForm, UnitForm, order_of
from voucher_service.kernel.errors import (
    Conflict,
    Forbidden,
    NotFound,
    TooMany,
    Unavailable,
    Unprocessable,
)
from voucher_service.kernel.ids import RedemptionId
from voucher_service.redemption import service as redemption
from voucher_service.web import forms
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key
from voucher_service.web.site import core

from .refusals import refused
from .screens import amount_screen, first_screen, quote_screen

MISTAKE = "按错了"  # the reason on record of a redemption that a cashier takes back

blueprint = Blueprint("counter", __name__)
for _kind in (Conflict, Forbidden, NotFound, TooMany, Unavailable, Unprocessable):
    # Also what the guard finds out, such as a database that is away: the outcome is then unknown.
    blueprint.register_error_handler(_kind, refused)


@blueprint.post("/amount")
def amount() -> str | tuple[str, int]:
    """The voucher of a code, and the pad for the order amount; or the qualification, and the boxes
    for its unit.
    """
    form = forms.read(ScanForm)
    if not form.ok:
        return first_screen(form), 422
    return amount_screen(form)


@blueprint.post("/unit")
def unit() -> str | tuple[str, int]:
    """What a unit gets with a qualification, and what is to pay. Spends nothing."""
    form = forms.read(UnitForm)
    if "code" in form.errors:
        return first_screen(form), 422
    if not form.ok:
        return amount_screen(form), 422
    return quote_screen(form)


@blueprint.post("/redemptions")
def redeem() -> Response | tuple[str, int]:
    """Redeem or, where the form asks for two steps, freeze; then show it at its own address."""
    form = forms.read(BillForm)
    if "code" in form.errors:
        return first_screen(form), 422
    if not form.ok:
        return amount_screen(form), 422
    # What is worth so much is always paid for between two steps.
    two_steps = "two_steps" in form.values or "gtin" in form.values
    begin = redemption.freeze if two_steps else redemption.redeem
    done = begin(
        core(),
        actor=actor(),
        code=form.values["code"],
        order=order_of(form.values),
        key=idempotency_key(),
    )
    return _shown(done.value.id)


@blueprint.post("/redemptions/<uuid:redemption_id>/commit")
def commit(redemption_id: UUID) -> Response:
    """The customer has paid: what is frozen is redeemed."""
    redemption.commit(
        core(), actor=actor(), redemption=RedemptionId(redemption_id), key=idempotency_key()
    )
    return _shown(redemption_id)


@blueprint.post("/redemptions/<uuid:redemption_id>/cancel")
def cancel(redemption_id: UUID) -> Response:
    """The customer won't pay: what is frozen is let go."""
    redemption.cancel(
        core(), actor=actor(), redemption=RedemptionId(redemption_id), key=idempotency_key()
    )
    return _shown(redemption_id)


@blueprint.post("/redemptions/<uuid:redemption_id>/reverse")
def reverse(redemption_id: UUID) -> Response:
    """It was a mistake, a moment ago: as if it had not happened."""
    me = actor()
    found = redemption.get(core(), actor=me, redemption=RedemptionId(redemption_id))
    redemption.reverse(
        core(), actor=me, reference=found.order_reference, reason=MISTAKE, key=idempotency_key()
    )
    return _shown(redemption_id)


def _shown(id: UUID) -> Response:
    return redirect(url_for("till.receipt", redemption_id=id), 303)
