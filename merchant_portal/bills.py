"""What the till's forms carry about a bill, and the order that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields

from merchant_portal.order_schemas import REFERENCE_LENGTH
from merchant_portal.schemas import (
    CodeForm,
    OrderForm,
    ScannedField,
    TypedReferenceField,
    seen,
)
from voucher_service.campaigns.model import GoodsClass
from voucher_service.i18n import mark
from voucher_service.kernel.money import Money
from voucher_service.redemption.model import Order, OtherDiscount, Payer, Source, Whereabouts
from voucher_service.web.fields import YuanField

_POSITION = re.compile(r"(-?\d{1,3}\.?\d*),(-?\d{1,3}\.?\d*),(\d{1,7})")


class NumberField(fields.Field[str]):
    """A number off a package, however it is typed or scanned; the till's service judges it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        text = seen(str(value)).upper()
        if not 0 < len(text) <= 64 or not text.isascii():
            raise ma.ValidationError(mark("请照包装上的填，只用字母、数字和符号。"))
        return text


class FourField(fields.Field[str]):
    """The last four characters of a document, however they are typed."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        text = seen(str(value)).upper()
        if not re.fullmatch(r"[0-9A-Z]{4}", text):
            raise ma.ValidationError(mark("请填证件号的最后四位。"))
        return text


class PositionField(fields.Field[Any]):
    """`latitude,longitude,metres` as the page's script writes it; anything else is no evidence."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Whereabouts | None:
        found = _POSITION.fullmatch(str(value))
        if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
            return None
        return Whereabouts(float(found[1]), float(found[2]), int(found[3]))


class ScanForm(CodeForm):
    """A code; and what was typed about the bill before, which is only shown again."""

    ticket_reference = TypedReferenceField(maximum=REFERENCE_LENGTH)
    payment_reference = fields.Field[Any]()
    spend = fields.Field[Any]()
    bank_discount = fields.Field[Any]()
    platform_discount = fields.Field[Any]()
    excluded = fields.Field[Any]()
    excluded_class = fields.Field[Any]()
    id_last_four = fields.Field[Any]()
    two_steps = fields.Field[Any]()
    gtin = fields.Field[Any]()
    serial = fields.Field[Any]()
    imei1 = fields.Field[Any]()
    imei2 = fields.Field[Any]()
    list_price = fields.Field[Any]()
    position = fields.Field[Any]()


class BillForm(OrderForm):
    """The amount page, with what only some bills have. `two_steps`: freeze first."""

    ticket_reference = TypedReferenceField(maximum=REFERENCE_LENGTH)
    payment_reference = TypedReferenceField(maximum=128)
    spend = YuanField(minimum=1)
    bank_discount = YuanField(minimum=1)
    platform_discount = YuanField(minimum=1)
    excluded = YuanField(minimum=1)
    excluded_class = fields.String(validate=ma.validate.OneOf([str(one) for one in GoodsClass]))
    id_last_four = FourField()
    two_steps = fields.String()
    gtin = NumberField()
    serial = NumberField()
    imei1 = NumberField()
    imei2 = NumberField()
    list_price = YuanField(minimum=1)
    position = PositionField()


class UnitForm(BillForm):
    """The bill of a subsidised unit: `amount` is its price, before the subsidy."""

    amount = YuanField(required=True, minimum=1, error_messages={"required": mark("请填成交价。")})
    gtin = NumberField(
        required=True, error_messages={"required": mark("请扫或填商品条码（69 码）。")}
    )
    serial = NumberField(required=True, error_messages={"required": mark("请扫或填序列号（SN）。")})


class KeptArgs(ScanForm):
    """What the first screen carries on: a receipt for one more voucher, a bill without a code."""

    code = ScannedField()


def order_of(values: Mapping[str, Any]) -> Order:
    """The order of a `BillForm`. Its receipt is named after its first voucher's order, so that a
    second voucher on it can be counted; a subsidised unit is a receipt of its own.
    """
    reference = values.get("order_reference") or values["made_reference"]
    excluded: Money | None = values.get("excluded")
    kind = values.get("excluded_class", "")
    others = {
        Payer.BANK: values.get("bank_discount"),
        Payer.PLATFORM: values.get("platform_discount"),
    }
    items: tuple[Mapping[str, object], ...] = ()
    if "gtin" in values:
        items = (_unit(values),)
    elif excluded:
        items = ({"goods_class": kind, "price_fen": excluded.fen},)
    return Order(
        values["amount"],
        reference,
        payment_reference=values.get("payment_reference"),
        items=items,
        ticket_reference=None if "gtin" in values else values.get("ticket_reference") or reference,
        list_price=values.get("list_price"),
        spend=values.get("spend"),
        discounts=tuple(OtherDiscount(payer, sum_) for payer, sum_ in others.items() if sum_),
        id_last_four=values.get("id_last_four"),
        position=values.get("position"),
        source=Source.PAGE,
    )


def _unit(values: Mapping[str, Any]) -> Mapping[str, object]:
    numbers = ("gtin", "serial", "imei1", "imei2")
    told = {name: values[name] for name in numbers if values.get(name)}
    return told | {"price_fen": values["amount"].fen}
