"""The first screen, what became of an order, and the receipt. Reads only."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, jsonify, redirect, request, url_for
from flask import Response as Answer
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from merchant_portal.bills import KeptArgs
from merchant_portal.schemas import OrderReferenceArgs
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Redemption
from voucher_service.web.auth import actor
from voucher_service.web.forms import Form
from voucher_service.web.site import core

from .screens import ended_screen, first_screen, no_order_screen, order_screen, state

blueprint = Blueprint("till", __name__)


@blueprint.get("/")
def home() -> str:
    """The till; its arguments are what is carried on, of a receipt or of a bill."""
    try:
        asked = KeptArgs().load(request.args.to_dict())
    except ValidationError:
        asked = {}
    return first_screen(Form(typed=asked))


@blueprint.get("/amount")
@blueprint.get("/unit")
@blueprint.get("/redemptions")
def begin_again() -> Response:
    """These addresses only take forms; whoever reloads them begins at the till."""
    return redirect(url_for("till.home"), 303)


@blueprint.get("/redemptions/<uuid:redemption_id>")
def receipt(redemption_id: UUID) -> str:
    """Where an order stands: frozen and how long, redeemed and what to collect, or over."""
    return order_screen(_mine(redemption_id))


@blueprint.get("/redemptions/<uuid:redemption_id>/state.json")
def state_of(redemption_id: UUID) -> Answer:
    """Whether a freeze still holds, for a page that counts it down."""
    return jsonify(status=state(_mine(redemption_id)))


@blueprint.get("/orders")
def order() -> Response | tuple[str, int]:
    """What became of an order: where it stands, or that nothing did."""
    try:
        reference = OrderReferenceArgs().load(request.args.to_dict())["order_reference"]
    except ValidationError:
        raise NoSuchThing from None
    found = redemption.order_state(core(), actor=actor(), reference=reference)
    if not found:
        return no_order_screen(reference), 404
    if isinstance(found[0], Redemption):
        return redirect(url_for("till.receipt", redemption_id=found[0].id), 303)
    return ended_screen(found[0]), 200


def _mine(id: UUID) -> Redemption:
    return redemption.get(core(), actor=actor(), redemption=RedemptionId(id))
