"""Refunds as calls and forms of the till carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields

from voucher_service.i18n import mark
from voucher_service.web.fields import CodeField, FenField, InstantField, TextField, YuanField
from voucher_service.web.schemas import Schema

from .order_schemas import REFERENCE_LENGTH, OtherDiscountSchema

REASONS: Mapping[str, str] = {
    "returned": mark("顾客退货"),
    "faulty": mark("商品有问题"),
    "mistake": mark("多收或收错了"),
    "other": mark("其他"),
}


class RefundRequestSchema(Schema):
    """How much of an order is given back, measured before the voucher. `refund_reference`: the
    shop's own number of the refund, never used again.
    """

    amount_fen = FenField(required=True, minimum=1, attribute="amount")
    reason = TextField(required=True, minimum=1, maximum=200)
    refund_reference = CodeField(maximum=REFERENCE_LENGTH, load_default=None, allow_none=True)


class RefundSchema(Schema):
    """A refund. `order_part_fen` is `amount_fen`: what the order is less. It divides into
    `subsidy_part_fen` for the funders, `cash_part_fen` for the customer, and `others` for whoever
    took something off besides.

    `voucher_status`, or `qualification_status`, and `fate` say what became of it; `reusable`: it
    can be used again, between `usable_from` and `usable_until`. `recovery`: how the subsidy comes
    back from the shop's settlement.
    """

    id = fields.UUID(required=True)
    redemption_id = fields.UUID(required=True)
    refund_reference = fields.String(required=True, allow_none=True, attribute="reference")
    amount_fen = FenField(required=True, attribute="parts.amount")
    order_part_fen = FenField(required=True, attribute="order_part")
    subsidy_part_fen = FenField(required=True, attribute="parts.subsidy")
    cash_part_fen = FenField(required=True, attribute="parts.cash")
    others = fields.List(
        fields.Nested(OtherDiscountSchema), required=True, attribute="parts.others"
    )
    reason = fields.String(required=True)
    voucher_status = fields.String(required=True, allow_none=True)
    qualification_status = fields.String(required=True, allow_none=True)
    fate = fields.String(required=True)
    reusable = fields.Boolean(required=True)
    usable_from = InstantField(required=True, attribute="valid_from")
    usable_until = InstantField(required=True, attribute="valid_until")
    recovery = fields.String(required=True)
    occurred_at = InstantField(required=True)


class RefundForm(Schema):
    """The refund page. With `whole` the amount is all that is left of the order."""

    amount = YuanField(minimum=1)
    whole = fields.String()
    reason = fields.String(
        required=True,
        validate=ma.validate.OneOf(list(REASONS)),
        error_messages={"required": mark("请选一个原因。")},
    )
    note = TextField(minimum=1, maximum=120)

    @ma.validates_schema
    def some_amount(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raises ValidationError without an amount, unless the whole order goes back."""
        if "amount" not in data and "whole" not in data:
            raise ma.ValidationError(mark("请填退多少钱的货。"), "amount")
