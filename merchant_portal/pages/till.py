"""The first screen, what became of an order, and the receipt. Reads only."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from merchant_portal.schemas import OrderReferenceArgs
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.redemption import service as redemption
from voucher_service.web.auth import actor
from voucher_service.web.forms import Form
from voucher_service.web.site import core

from .screens import first_screen, word_of

blueprint = Blueprint("till", __name__)


@blueprint.get("/")
def home() -> str:
    """The till."""
    return first_screen(Form())


@blueprint.get("/amount")
@blueprint.get("/redemptions")
def begin_again() -> Response:
    """These addresses only take forms; whoever reloads them begins at the till."""
    return redirect(url_for("till.home"), 303)


@blueprint.get("/redemptions/<uuid:redemption_id>")
def receipt(redemption_id: UUID) -> str:
    """What was redeemed, and what to collect."""
    done = redemption.get(core(), actor=actor(), redemption=RedemptionId(redemption_id))
    return render_template("merchant/receipt.html", done=done, word=word_of(done))


@blueprint.get("/orders")
def order() -> Response | tuple[str, int]:
    """What became of an order: its receipt, or that nothing did."""
    try:
        reference = OrderReferenceArgs().load(request.args.to_dict())["order_reference"]
    except ValidationError:
        raise NoSuchThing from None
    found = redemption.by_order_reference(core(), actor=actor(), reference=reference)
    if found:
        return redirect(url_for("till.receipt", redemption_id=found[0].id), 303)
    return render_template("merchant/no_order.html", reference=reference, form=Form()), 404
