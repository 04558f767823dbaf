"""`/api/v1/redemptions`: redeem, look up after a lost reply, the lines of a day."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from merchant_portal.schemas import LinesArgs, OrderSchema, RedemptionSchema
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.page import Page
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Redemption
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core, today

blueprint = ApiBlueprint("redemptions", __name__, url_prefix="/api/v1/redemptions")


@blueprint.route("", methods=["POST"])
@blueprint.arguments(OrderSchema)
@blueprint.response(201, RedemptionSchema)
def redeem(body: dict[str, Any]) -> tuple[Redemption, int, dict[str, str]]:
    """Redeem a voucher with an order, in one step.

    Needs an Idempotency-Key. The same order reference with the same content gives the first
    answer again.
    """
    order = Order(
        amount=body["order_amount"],
        reference=body["order_reference"],
        payment_reference=body["payment_reference"],
        items=tuple(body["items"]),
    )
    outcome = redemption.redeem(
        core(), actor=actor(), code=body["code"], order=order, key=idempotency_key()
    )
    return outcome.value, 201, replay_header(outcome.replayed)


@blueprint.route("", methods=["GET"])
@blueprint.arguments(LinesArgs, location="query")
@blueprint.response(200, page_of(RedemptionSchema))
def lines(args: dict[str, Any]) -> Page[Redemption]:
    """What became of an order (`order_reference`), or a day of this shop, newest first (`day`)."""
    if args["order_reference"] is not None:
        found = redemption.by_order_reference(
            core(), actor=actor(), reference=args["order_reference"]
        )
        return Page(found)
    return redemption.lines(
        core(),
        actor=actor(),
        day=args["day"] or today(),
        cursor=args["cursor"],
        limit=args["limit"],
    )


@blueprint.route("/<uuid:redemption_id>", methods=["GET"])
@blueprint.response(200, RedemptionSchema)
def one(redemption_id: UUID) -> Redemption:
    """One redemption of this shop."""
    return redemption.get(core(), actor=actor(), redemption=RedemptionId(redemption_id))
