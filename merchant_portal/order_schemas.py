"""Orders and redemptions as the calls of a till carry them."""

from __future__ import annotations

import re
from typing import Any

import marshmallow as ma
from marshmallow import fields

from voucher_service.campaigns.model import GoodsClass
from voucher_service.i18n import mark
from voucher_service.redemption.model import Order, OtherDiscount, Payer, Source, Whereabouts
from voucher_service.tradein.sales.model import Traces
from voucher_service.web.fields import (
    MAX_FEN,
    CodeField,
    CountField,
    DayField,
    FenField,
    InstantField,
    TextField,
)
from voucher_service.web.schemas import Schema

REFERENCE_LENGTH = 64
_LAST_FOUR = re.compile(r"[0-9]{3}[0-9Xx]|[0-9A-Za-z]{4}")


class ItemSchema(Schema):
    """One article of an order. `goods_class` where an offer may leave such goods out; the rest for
    trade-in. `activated_on`: the day on which the device was first switched on.
    """

    gtin = CodeField(maximum=14, pattern=r"\d{8,14}")
    serial = CodeField(maximum=64)
    imei1 = CodeField(maximum=15, pattern=r"\d{15}")
    imei2 = CodeField(maximum=15, pattern=r"\d{15}")
    grade = CountField(minimum=1, maximum=5)
    activated_on = DayField()
    goods_class = fields.String(validate=ma.validate.OneOf([str(one) for one in GoodsClass]))
    price_fen = CountField(required=True, maximum=MAX_FEN)


class OtherDiscountSchema(Schema):
    """A discount on the same order that somebody else bears."""

    payer = fields.String(required=True, validate=ma.validate.OneOf([str(one) for one in Payer]))
    amount_fen = FenField(required=True, minimum=1, attribute="amount")


class WhereaboutsSchema(Schema):
    """Where the till is, in degrees (WGS 84), give or take `accuracy_m`. Evidence, never a wall."""

    latitude = fields.Float(required=True, validate=ma.validate.Range(-90, 90))
    longitude = fields.Float(required=True, validate=ma.validate.Range(-180, 180))
    accuracy_m = CountField(maximum=1_000_000, load_default=None, allow_none=True)


class OrderSchema(Schema):
    """The code of a voucher, or of a trade-in qualification, and the bill it is spent on.

    `order_amount_fen`: after the merchant's own discounts, before the voucher. `ticket_reference`:
    the receipt, where it takes several vouchers, each call a part of its bill. `spend_fen`: how
    much of a balance to spend, else as much as goes. `id_last_four`: for vouchers on paper.

    A qualification needs exactly one item, with `gtin` and `serial`; a phone with its IMEIs, too.
    `list_price_fen`: what it costs before the merchant's discounts. `payer_name`, `receiver_name`:
    compared with the holder's name and kept nowhere. `payer_account` (the card or account as the
    payment service names it), `receiver_mobile` and `delivery_address` are kept as keyed hashes,
    to find many purchases behind one of them.
    """

    # Any text: what is not a code in its one spelling is refused as such, and counted.
    code = fields.String(required=True)
    order_amount_fen = FenField(required=True, minimum=1, attribute="order_amount")
    order_reference = CodeField(required=True, maximum=REFERENCE_LENGTH)
    payment_reference = CodeField(maximum=128, load_default=None, allow_none=True)
    ticket_reference = CodeField(maximum=REFERENCE_LENGTH, load_default=None, allow_none=True)
    spend_fen = FenField(minimum=1, attribute="spend", load_default=None, allow_none=True)
    discounts = fields.List(
        fields.Nested(OtherDiscountSchema), load_default=list, validate=ma.validate.Length(max=10)
    )
    items = fields.List(
        fields.Nested(ItemSchema),
        load_default=list,
        validate=ma.validate.Length(max=200, error=mark("一单最多 200 件。")),
    )
    id_last_four = CodeField(
        maximum=4, pattern=_LAST_FOUR.pattern, load_default=None, allow_none=True
    )
    list_price_fen = FenField(minimum=1, attribute="list_price", load_default=None, allow_none=True)
    payer_name = TextField(maximum=60, load_default=None, allow_none=True)
    receiver_name = TextField(maximum=60, load_default=None, allow_none=True)
    payer_account = CodeField(maximum=128, load_default=None, allow_none=True)
    receiver_mobile = CodeField(maximum=20, load_default=None, allow_none=True)
    delivery_address = TextField(maximum=200, load_default=None, allow_none=True)
    position = fields.Nested(WhereaboutsSchema, load_default=None, allow_none=True)


def order_of(body: dict[str, Any], source: Source) -> Order:
    """The order of a call's body."""
    told = body["position"]
    return Order(
        amount=body["order_amount"],
        reference=body["order_reference"],
        payment_reference=body["payment_reference"],
        items=tuple(body["items"]),
        ticket_reference=body["ticket_reference"],
        spend=body["spend"],
        discounts=tuple(
            OtherDiscount(Payer(one["payer"]), one["amount"]) for one in body["discounts"]
        ),
        id_last_four=body["id_last_four"],
        list_price=body["list_price"],
        payer=body["payer_name"],
        receiver=body["receiver_name"],
        traces=Traces(body["payer_account"], body["receiver_mobile"], body["delivery_address"]),
        position=Whereabouts(**told) if told else None,
        source=source,
    )


class StepSchema(Schema):
    """One line of how a subsidy comes about; `fact`: basis points, or fen."""

    step = fields.String(required=True)
    amount_fen = FenField(required=True, attribute="amount")
    fact = CountField(required=True)


class UnitSchema(Schema):
    """The unit that was sold with a qualification, as it stands after refunds."""

    category = fields.String(required=True)
    gtin = fields.String(required=True)
    serial = fields.String(required=True)
    imei1 = fields.String(required=True, allow_none=True)
    imei2 = fields.String(required=True, allow_none=True)
    brand = fields.String(required=True)
    model = fields.String(required=True)
    grade = CountField(required=True, allow_none=True)
    price_fen = FenField(required=True, attribute="price")
    subsidy_fen = FenField(required=True, attribute="subsidy")
    policy = fields.String(required=True, attribute="policy_id")
    steps = fields.List(fields.Nested(StepSchema), required=True)


class QuotedSchema(Schema):
    """What a freeze would take off an order now. Of a voucher `policy` is null, without steps."""

    offer = fields.String(required=True, attribute="offer_title")
    order_amount_fen = FenField(required=True, attribute="order.amount")
    discount_fen = FenField(required=True, attribute="discount")
    payable_fen = FenField(required=True, attribute="payable")
    paid_fen = FenField(required=True, attribute="paid")
    category = fields.String(required=True, allow_none=True)
    brand = fields.String(required=True, allow_none=True)
    model = fields.String(required=True, allow_none=True)
    policy = fields.String(required=True, allow_none=True)
    steps = fields.List(fields.Nested(StepSchema), required=True)


class RedemptionSchema(Schema):
    """A voucher, or a qualification with its `unit`, on an order. Of an order that was reversed
    before it came (`refused`) only the order is known.
    """

    id = fields.UUID(required=True)
    voucher_id = fields.UUID(required=True, allow_none=True)
    qualification_id = fields.UUID(required=True, allow_none=True)
    unit = fields.Nested(UnitSchema, required=True, allow_none=True, attribute="sale")
    offer = fields.String(required=True, attribute="offer_title", allow_none=True)
    part = CountField(required=True, allow_none=True)
    shop_id = fields.UUID(required=True)
    cashier_id = fields.UUID(required=True)
    status = fields.String(required=True)
    order_reference = fields.String(required=True)
    payment_reference = fields.String(required=True, allow_none=True)
    ticket_reference = fields.String(required=True, allow_none=True)
    order_amount_fen = FenField(required=True, attribute="order_amount", allow_none=True)
    discount_fen = FenField(required=True, attribute="discount", allow_none=True)
    payable_fen = FenField(required=True, attribute="payable", allow_none=True)
    discounts = fields.List(fields.Nested(OtherDiscountSchema), required=True)
    paid_fen = FenField(required=True, attribute="paid", allow_none=True)
    refunded_fen = FenField(required=True, attribute="refunded", allow_none=True)
    net_paid_fen = FenField(required=True, attribute="net_paid", allow_none=True)
    freeze_expires_at = InstantField(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    occurred_at = InstantField(required=True)


class ReversalSchema(Schema):
    """Which order to undo, and why."""

    order_reference = CodeField(required=True, maximum=REFERENCE_LENGTH)
    reason = TextField(required=True, maximum=200)
