"""What calls and forms about filed prices carry in and out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length

from voucher_service.goods.gtins import GtinInvalid, gtin
from voucher_service.i18n import mark
from voucher_service.web.fields import CountField, DayField, FenField, InstantField, YuanField
from voucher_service.web.schemas import PageArgs, Schema

MOST_AT_ONCE = 500


class GtinField(fields.Field[str]):
    """A barcode number of 8, 12, 13 or 14 digits as text. Loads to 14 digits."""

    default_error_messages = {  # noqa: RUF012 - marshmallow's own way
        "invalid": mark("请填条码下面的全部数字，最后一位是校验位。")
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "string", "pattern": "^([0-9]{8}|[0-9]{12,14})$"}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        try:
            return gtin(value if isinstance(value, str) else "")
        except GtinInvalid:
            raise self.make_error("invalid") from None


class OwnPricesArgs(PageArgs):
    """`?q=`: words of a product's number, brand, model or name; none lists what is filed."""

    q = fields.String(load_default="", validate=Length(max=80, error=mark("太长了。")))


class OwnProductSchema(Schema):
    """A product of the library as it stands today. `guide_price_fen`: no more may be filed."""

    brand = fields.String(required=True)
    model = fields.String(required=True)
    name = fields.String(required=True)
    category = fields.String(required=True)
    grade = CountField(required=True, allow_none=True)
    guide_price_fen = FenField(required=True, allow_none=True, attribute="guide_price")


class FiledPriceSchema(Schema):
    """A price that is asked at most from the start of `valid_from` on."""

    gtin = fields.String(required=True)
    price_fen = FenField(required=True, attribute="price")
    valid_from = DayField(required=True)
    filed_at = InstantField(required=True)


class OwnPriceSchema(Schema):
    """A product at this merchant: what counts now and next, and the lowest that it was sold for
    here in the last month. `product` null: the library no longer has it.
    """

    gtin = fields.String(required=True)
    product = fields.Nested(OwnProductSchema, required=True, allow_none=True)
    now = fields.Nested(FiledPriceSchema, required=True, allow_none=True)
    next = fields.Nested(FiledPriceSchema, required=True, allow_none=True)
    lowest_of_month_fen = FenField(required=True, allow_none=True, attribute="lowest")


class WantedSchema(Schema):
    """A price to file, tax included, before the government's subsidy."""

    gtin = GtinField(required=True)
    price_fen = FenField(required=True, minimum=1, maximum=10**12)


class FilingSchema(Schema):
    """Prices to file: all or none."""

    items = fields.List(
        fields.Nested(WantedSchema), required=True, validate=Length(1, MOST_AT_ONCE)
    )

    @ma.validates_schema
    def _once_each(self, data: dict[str, Any], **_: Any) -> None:
        numbers = [one["gtin"] for one in data.get("items", ())]
        if len(set(numbers)) < len(numbers):
            raise ma.ValidationError(mark("一个商品只写一次。"), "items")


class FiledPricesSchema(Schema):
    """What was filed by one call; a price that counts already adds nothing."""

    items = fields.List(fields.Nested(FiledPriceSchema), required=True)


class PriceForm(Schema):
    """A price as a manager types it."""

    price = YuanField(required=True, minimum=1, maximum=10**12)


class PricesForm(Schema):
    """Nothing but a table."""
