"""What residents are told of an offer's terms."""

from __future__ import annotations

from marshmallow import fields

from voucher_service.web.fields import CountField
from voucher_service.web.hours import WindowField
from voucher_service.web.schemas import Schema


class OfferTermsSchema(Schema):
    """`rate_bps`: what `percent_capped` takes off an order, up to the face value. `pieces`: how
    many times the face value a `pack` is. Empty `shops` (ids), `hours` (of Shanghai), `weekdays`
    (1 is Monday) mean all. Goods of `excluded_items` count neither for the threshold nor for the
    rate. `stack_limit`: vouchers on one receipt. `paper`: it may be printed.
    """

    rate_bps = CountField(attribute="offer.rate_bps", allow_none=True)
    pieces = CountField(attribute="offer.pieces")
    shops = fields.List(fields.UUID(), attribute="offer.shops")
    hours = fields.List(WindowField(), attribute="offer.hours")
    weekdays = fields.List(CountField(), attribute="offer.weekdays")
    excluded_items = fields.List(fields.String(), attribute="offer.excluded_items")
    stack_limit = CountField(attribute="offer.stack_limit")
    refund_rule = fields.String(attribute="offer.refund_rule")
    partial_refund = fields.String(attribute="offer.partial_refund")
    paper = fields.Boolean(attribute="offer.paper")
