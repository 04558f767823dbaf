"""`/api/v1/settlement-lines`: what the manager's merchant is paid, and what waits and why."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields

from voucher_service.settlement import service
from voucher_service.settlement.model import BatchLine, BatchLineId
from voucher_service.settlement.standing import Unpaid
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, DayField, FenField, InstantField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

blueprint = ApiBlueprint("settlement_calls", __name__, url_prefix="/api/v1")


class OwnPaymentSchema(Schema):
    """What the bank was asked to pay. `status`: due sent paid bounced returned corrected withdrawn.
    `returned_at`: when the bank sent back what it had paid, null otherwise.
    """

    flow_number = fields.String(required=True)
    last4 = fields.String(required=True)
    bank = fields.String(required=True)
    amount_fen = FenField(attribute="amount", required=True)
    status = fields.String(required=True)
    reason = fields.String(required=True)
    answered_at = InstantField(required=True, allow_none=True)
    returned_at = InstantField(required=True, allow_none=True)


class OwnLineSchema(Schema):
    """One line: everything redeemed until `day` that no earlier line paid. `kind`: merchant, or
    advance. `status`: due paid left_out; `left_out`: why, null otherwise. `deducted_fen` was owed
    after refunds. It can be disputed until `statement_until`.
    """

    id = fields.UUID(required=True)
    batch_number = fields.String(required=True)
    day = DayField(required=True)
    kind = fields.String(required=True)
    items = CountField(required=True)
    due_fen = FenField(attribute="due", required=True)
    deducted_fen = FenField(attribute="deducted", required=True)
    amount_fen = FenField(attribute="amount", required=True)
    status = fields.String(required=True)
    left_out = fields.String(required=True, allow_none=True)
    statement_until = InstantField(required=True, allow_none=True)
    paid_at = InstantField(required=True, allow_none=True)
    payment = fields.Nested(OwnPaymentSchema, required=True, allow_none=True)


class OwnLineItemSchema(Schema):
    """One redemption in a line; `due_fen`: its discount net of what was refunded before."""

    redemption_id = fields.UUID(required=True)
    order_reference = fields.String(required=True)
    shop = fields.String(required=True)
    occurred_at = InstantField(required=True)
    order_amount_fen = FenField(attribute="order_amount", required=True)
    discount_fen = FenField(attribute="discount", required=True)
    due_fen = FenField(attribute="due", required=True)


class UnpaidSchema(Schema):
    """What no line pays yet. `held`: what of it waits, by reason: difference dispute risk review.
    `payment_hold`: all of it waits. `owed_fen`: what the next line deducts.
    """

    count = CountField(required=True)
    amount_fen = FenField(attribute="amount", required=True)
    ready_fen = FenField(attribute="ready", required=True)
    held = fields.Dict(keys=fields.String(), values=FenField(), required=True)
    payment_hold = fields.Boolean(required=True)
    no_account = fields.Boolean(required=True)
    owed_fen = FenField(attribute="owed", required=True)


@blueprint.route("/settlement-lines", methods=["GET"])
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(OwnLineSchema))
def list_lines(args: dict[str, Any]) -> Any:
    """What the merchant is paid, newest first."""
    return service.own_lines(core(), actor=actor(), **args)


@blueprint.route("/settlement-lines/<uuid:line>", methods=["GET"])
@blueprint.response(200, OwnLineSchema)
def show(line: UUID) -> BatchLine:
    """One line."""
    return service.own_line(core(), actor=actor(), line=BatchLineId(line))


@blueprint.route("/settlement-lines/<uuid:line>/items", methods=["GET"])
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(OwnLineItemSchema))
def list_items(args: dict[str, Any], line: UUID) -> Any:
    """The redemptions in a line."""
    return service.own_items(core(), actor=actor(), line=BatchLineId(line), **args)


@blueprint.route("/unpaid", methods=["GET"])
@blueprint.response(200, UnpaidSchema)
def unpaid() -> Unpaid:
    """What no line pays yet, and why some of it waits."""
    return service.own_unpaid(core(), actor=actor())
