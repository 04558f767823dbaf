"""`/api/v1/redemptions/{id}/refunds`: give back part or all of an order, and look it up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from merchant_portal.refund_schemas import RefundRequestSchema, RefundSchema
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.page import Page
from voucher_service.redemption import service as redemption
from voucher_service.redemption.refunds import Refund
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.schemas import PageArgs, page_of
from voucher_service.web.site import core

blueprint = ApiBlueprint("refund_calls", __name__, url_prefix="/api/v1/redemptions")


@blueprint.route("/<uuid:redemption_id>/refunds", methods=["POST"])
@blueprint.arguments(RefundRequestSchema)
@blueprint.response(201, RefundSchema)
def refund(body: dict[str, Any], redemption_id: UUID) -> tuple[Refund, int, dict[str, str]]:
    """Give back part or all of a redeemed order.

    Needs an Idempotency-Key. The same `refund_reference` with the same content gives the first
    answer again. More than is left of the order: 422 `refund_exceeds_order` with `left_fen`.
    """
    outcome = redemption.refund(
        core(),
        actor=actor(),
        redemption=RedemptionId(redemption_id),
        amount=body["amount"],
        reason=body["reason"],
        reference=body["refund_reference"],
        key=idempotency_key(),
    )
    return outcome.value, 201, replay_header(outcome.replayed)


@blueprint.route("/<uuid:redemption_id>/refunds", methods=["GET"])
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(RefundSchema))
def lines(args: dict[str, Any], redemption_id: UUID) -> Page[Refund]:
    """What was given back of an order, newest first."""
    return redemption.refunds_of(
        core(),
        actor=actor(),
        redemption=RedemptionId(redemption_id),
        cursor=args["cursor"],
        limit=args["limit"],
    )
