"""What calls and forms of this face carry in and out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields

from voucher_service.i18n import mark
from voucher_service.web.fields import (
    CodeField,
    CountField,
    DayField,
    FenField,
    YuanField,
)
from voucher_service.web.schemas import PageArgs, Schema

from .order_schemas import REFERENCE_LENGTH

_WRONG_REFERENCE: dict[str, Any] = {
    "invalid": mark("订单号用字母、数字和符号，最多 64 个，不用汉字。")
}
_UNSEEN = re.compile(r"[\s\u200b-\u200f\u2060\ufeff-]+")


class SignInSchema(Schema):
    """A cashier's or manager's login."""

    username = fields.String(required=True, validate=ma.validate.Length(1, 200))
    password = fields.String(required=True, validate=ma.validate.Length(1, 200), load_only=True)


class TokenSchema(Schema):
    """What a sign-in answers."""

    access_token = fields.String(required=True)
    expires_in_seconds = CountField(required=True)


class ShopSchema(Schema):
    """The shop of a till."""

    id = fields.UUID(required=True, attribute="shop_id")
    name = fields.String(required=True, attribute="shop_name")
    area = fields.String(required=True)
    trade = fields.String(required=True)
    merchant_id = fields.UUID(required=True)
    merchant_name = fields.String(required=True)


class DeskSchema(Schema):
    """Who is signed in, and where."""

    id = fields.UUID(required=True, attribute="cashier.id")
    username = fields.String(required=True, attribute="cashier.username")
    display_name = fields.String(required=True, attribute="cashier.display_name")
    role = fields.String(required=True, attribute="cashier.role")
    shop = fields.Nested(ShopSchema, required=True, attribute="till")
    point = fields.String(required=True, allow_none=True)


class DayArgs(Schema):
    """`?day=YYYY-MM-DD`, a business day; today unless told."""

    day = DayField(load_default=None)


class LinesArgs(PageArgs, DayArgs):
    """Which redemptions: those of one order, or a page of a day."""

    order_reference = CodeField(maximum=REFERENCE_LENGTH, load_default=None)

    @ma.validates_schema
    def one_question(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raises ValidationError when both an order and a day are asked for."""
        if data["order_reference"] is not None and data["day"] is not None:
            raise ma.ValidationError(mark("订单号和日期只填一项。"), "day")


class SummarySchema(Schema):
    """A day in one line. `payable_fen` is order less discount, before refunds."""

    day = DayField(required=True)
    count = CountField(required=True)
    order_fen = FenField(required=True, attribute="order")
    discount_fen = FenField(required=True, attribute="discount")
    payable_fen = FenField(required=True, attribute="payable")
    refunded_fen = FenField(required=True, attribute="refunded")


def seen(text: str) -> str:
    """A pasted or typed code without blanks, hyphens, full-width letters and what can't be seen."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text))


class ScannedField(fields.String):
    """A voucher code as people paste it and scanners type it; loads to the API's one spelling."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        return super()._deserialize(seen(str(value)).upper(), attr, data, **kwargs)


class TypedReferenceField(CodeField):
    """An order reference as people type it: blanks inside and around it don't count."""

    default_error_messages = _WRONG_REFERENCE

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = "".join(unicodedata.normalize("NFKC", str(value)).split())
        return super()._deserialize(text, attr, data, **kwargs)


class SignInForm(Schema):
    """The sign-in page."""

    username = fields.String(required=True, error_messages={"required": mark("请填账号。")})
    password = fields.String(required=True, error_messages={"required": mark("请填密码。")})


class CodeForm(Schema):
    """The first screen: a code; amount and order reference when they were typed before."""

    code = ScannedField(required=True, error_messages={"required": mark("请先扫顾客的码。")})
    amount = fields.Field[Any]()
    order_reference = fields.Field[Any]()
    made_reference = fields.Field[Any]()


class OrderForm(CodeForm):
    """The amount page. Without a typed reference the one made with the page counts."""

    amount = YuanField(
        required=True, minimum=1, error_messages={"required": mark("请输订单金额。")}
    )
    order_reference = TypedReferenceField(maximum=REFERENCE_LENGTH)
    made_reference = CodeField(required=True, maximum=REFERENCE_LENGTH)


class OrderReferenceArgs(Schema):
    """`?order_reference=`, as typed."""

    order_reference = TypedReferenceField(required=True, maximum=REFERENCE_LENGTH)
