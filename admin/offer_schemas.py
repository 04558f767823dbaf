"""The terms of an offer over the API: its rate or pieces, where and when it is spent, its rules."""

from __future__ import annotations

from marshmallow import fields, validate

from voucher_service.campaigns.model import GoodsClass, PartialRefund, RefundRule
from voucher_service.campaigns.plans import MAX_PIECES, MAX_STACK
from voucher_service.i18n import mark
from voucher_service.web.fields import CountField
from voucher_service.web.hours import WindowField
from voucher_service.web.schemas import Schema

_CHOICE = mark("请从给出的几种里选一个。")


class OfferTermsSchema(Schema):
    """`rate_bps`: what `percent_capped` takes off an order, up to the face value. `pieces`: how
    many times the face value a `pack` is. Empty `shops` (ids), `hours`, `weekdays` (1 is Monday)
    mean all. Goods of `excluded_items` count neither for the threshold nor for the rate.
    `stack_limit`: vouchers on one receipt. `refund_rule` and `partial_refund`: what becomes of
    voucher and subsidy after a refund. `paper`: it may be printed.
    """

    rate_bps = CountField(load_default=None, allow_none=True, maximum=10_000)
    pieces = CountField(load_default=1, maximum=MAX_PIECES)
    shops = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=500))
    hours = fields.List(WindowField(), load_default=list, validate=validate.Length(max=6))
    weekdays = fields.List(
        CountField(minimum=1, maximum=7), load_default=list, validate=validate.Length(max=7)
    )
    excluded_items = fields.List(
        fields.String(validate=validate.OneOf([*GoodsClass], error=_CHOICE)),
        load_default=list,
        validate=validate.Length(max=len(GoodsClass)),
    )
    stack_limit = CountField(load_default=1, minimum=1, maximum=MAX_STACK)
    refund_rule = fields.String(
        load_default=str(RefundRule.IN_VALIDITY),
        validate=validate.OneOf([*RefundRule], error=_CHOICE),
    )
    partial_refund = fields.String(
        load_default=str(PartialRefund.PROPORTIONAL),
        validate=validate.OneOf([*PartialRefund], error=_CHOICE),
    )
    paper = fields.Boolean(load_default=False)
