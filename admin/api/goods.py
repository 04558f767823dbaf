"""Goods: the library and its changes, prices by merchant, and what looks like raise-then-cut."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, validate

from admin.schemas import one_of
from voucher_service.goods import service
from voucher_service.goods.categories import Category
from voucher_service.goods.gtins import GtinInvalid, gtin
from voucher_service.goods.model import LibraryChange, LibraryChangeId
from voucher_service.goods.pricing import Reason
from voucher_service.i18n import mark
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.web.api import FILE, ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, DayField, FenField, InstantField, NameField
from voucher_service.web.language import locale
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

goods = ApiBlueprint("goods", __name__, url_prefix="/api/v1/goods")
stocking = ApiBlueprint("stocking", __name__, url_prefix="/api/v1/goods")

# A hundred thousand products, with room for their names.
TABLE_LIMIT_BYTES = 24 * 1024 * 1024
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ProductSchema(Schema):
    """A product as it stands from `valid_from` to the end of `valid_until` (null: open). `gtin`: 14
    digits. `grade`: energy or water efficiency 1 to 5, or null. `tags`: ai first_launch co_brand
    local_made. `synthetic`: made up for a replay, and found at no other till.
    """

    gtin = fields.String(required=True)
    brand = fields.String(required=True)
    model = fields.String(required=True)
    name = fields.String(required=True)
    category = fields.String(required=True)
    grade = CountField(required=True, allow_none=True)
    dual_imei = fields.Boolean(required=True)
    guide_price_fen = FenField(required=True, allow_none=True, attribute="guide_price")
    tags = fields.Function(lambda product: sorted(product.tags))
    synthetic = fields.Boolean(required=True)
    origin_area = fields.String(required=True)
    valid_from = DayField(required=True, allow_none=True)
    valid_until = DayField(required=True, allow_none=True)


class VersionsSchema(Schema):
    """Every version of a product, newest first."""

    items = fields.List(fields.Nested(ProductSchema), required=True)


class GoodsArgs(PageArgs):
    """What to look for: each word of `q` in the number, brand, model or name."""

    q = fields.String(load_default="", validate=validate.Length(max=80, error=mark("太长了。")))
    category = fields.String(load_default=None, validate=one_of(*map(str, Category)))


class ChangeSchema(Schema):
    """A table of products. `status`: submitted approved rejected; `fresh`, `changed`, `same`: lines
    against the library of the day it came in.
    """

    id = fields.UUID(required=True)
    file_name = fields.String(required=True)
    sha256 = fields.String(required=True)
    lines = CountField(required=True)
    fresh = CountField(required=True)
    changed = CountField(required=True)
    same = CountField(required=True)
    status = fields.String(required=True)
    created_by = fields.UUID(required=True)
    created_at = InstantField(required=True)


class TableSchema(Schema):
    """A table of products as CSV text: columns gtin, brand, model and category; name, grade,
    dual_imei, guide_price (yuan), tags, origin_area, valid_from and valid_until where wanted.
    """

    file_name = NameField(required=True, maximum=80)
    table = fields.String(required=True)


class DifferenceSchema(Schema):
    """A line that changes the library; `before` null: the product is new."""

    line = CountField(required=True, attribute="listed.line")
    after = fields.Nested(ProductSchema, required=True, attribute="listed.product")
    before = fields.Nested(ProductSchema, required=True, allow_none=True)


class DaySchema(Schema):
    """What a shop asked on a day; `list_price_fen`: before its own discounts, where told."""

    day = DayField(required=True)
    lowest_fen = FenField(required=True, attribute="lowest")
    highest_fen = FenField(required=True, attribute="highest")
    list_price_fen = FenField(required=True, allow_none=True, attribute="list_price")


class HistorySchema(Schema):
    """One merchant's prices of a product in the last quarter."""

    merchant_id = fields.UUID(required=True, attribute="merchant")
    merchant_name = fields.String(required=True)
    filed_price_fen = FenField(required=True, allow_none=True, attribute="filed.price")
    filed_from = DayField(required=True, allow_none=True, attribute="filed.valid_from")
    lowest_of_month_fen = FenField(required=True, allow_none=True, attribute="lows.month")
    lowest_of_quarter_fen = FenField(required=True, allow_none=True, attribute="lows.quarter")
    days = fields.List(fields.Nested(DaySchema), required=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Nothing is filed: null in both places."""
        return (
            None
            if attr.startswith("filed.") and obj.filed is None
            else super().get_attribute(obj, attr, default)
        )


class PriceFindingSchema(Schema):
    """Why a price is looked at: what was asked, the lowest it is compared with, and the excess."""

    reason = fields.String(required=True, validate=one_of(*map(str, Reason)))
    asked_fen = FenField(required=True, attribute="asked")
    base_fen = FenField(required=True, attribute="base")
    over_fen = FenField(required=True, attribute="over")


class SuspicionSchema(Schema):
    """A shop's day that looks like raise-then-cut; nothing is decided by it."""

    shop_id = fields.UUID(required=True, attribute="shop")
    shop_name = fields.String(required=True)
    merchant_name = fields.String(required=True)
    gtin = fields.String(required=True)
    product = fields.Nested(ProductSchema, required=True, allow_none=True)
    seen = fields.Nested(DaySchema, required=True)
    findings = fields.List(fields.Nested(PriceFindingSchema), required=True)


@goods.route("", methods=["GET"])
@goods.arguments(GoodsArgs, location="query")
@goods.response(200, page_of(ProductSchema))
def search(args: dict[str, Any]) -> Any:
    """Products of today, by GTIN."""
    category = Category(args["category"]) if args["category"] else None
    return service.search(
        core(), text=args["q"], category=category, cursor=args["cursor"], limit=args["limit"]
    )


@goods.route("/<gtin>", methods=["GET"])
@goods.response(200, VersionsSchema)
def show(gtin: str) -> Any:
    """One product, version by version."""
    return {"items": service.versions(core(), gtin=number(gtin))}


@goods.route("/<gtin>/prices", methods=["GET"])
@goods.arguments(PageArgs, location="query")
@goods.response(200, page_of(HistorySchema))
def prices(args: dict[str, Any], gtin: str) -> Any:
    """A product's prices of the last quarter at shops of the caller's area, by merchant."""
    wanted = number(gtin)
    service.versions(core(), gtin=wanted)
    return service.history(core(), actor=actor(), gtin=wanted, **args)


@goods.route("/suspicions", methods=["GET"])
@goods.arguments(PageArgs, location="query")
@goods.response(200, page_of(SuspicionSchema))
def suspicions(args: dict[str, Any]) -> Any:
    """Suspected days at shops of the caller's area in the last quarter, newest first."""
    return service.suspicions(core(), actor=actor(), **args)


@goods.route("/library.<any(csv, xlsx):format_>", methods=["GET"])
@goods.response(200, FILE, content_type="text/csv")
@goods.alt_response(200, schema=FILE, content_type=_TYPES["xlsx"])
def library(format_: str) -> Response:
    """The library of today: a table that can be handed in again."""
    return download(format_)


@goods.route("/changes", methods=["GET"])
@goods.arguments(PageArgs, location="query")
@goods.response(200, page_of(ChangeSchema))
def changes(args: dict[str, Any]) -> Any:
    """Changes of the library, newest first."""
    return service.changes(core(), **args)


@goods.route("/changes/<uuid:change>", methods=["GET"])
@goods.response(200, ChangeSchema)
def change(change: UUID) -> LibraryChange:
    """One change."""
    return service.change(core(), change=LibraryChangeId(change))


@goods.route("/changes/<uuid:change>/differences", methods=["GET"])
@goods.arguments(PageArgs, location="query")
@goods.response(200, page_of(DifferenceSchema))
def differences(args: dict[str, Any], change: UUID) -> Any:
    """What a waiting change would do to the library of today; nothing once it is decided."""
    return service.differences(core(), change=LibraryChangeId(change), **args)


@stocking.route("/changes", methods=["POST"])
@stocking.arguments(TableSchema)
@stocking.response(201, ChangeSchema)
def propose(body: dict[str, Any]) -> LibraryChange:
    """Hand in a table; a second person approves it before anything changes. A wrong line refuses
    the whole table and is named in `lines`.
    """
    return service.propose(
        core(),
        actor=actor(),
        file_name=body["file_name"],
        content=body["table"].encode("utf-8", "replace"),
    )


def number(text: str) -> str:
    """The GTIN of an address. Raises NoSuchThing."""
    try:
        return gtin(text)
    except GtinInvalid:
        raise NoSuchThing from None


def download(format_: str) -> Response:
    """The library as an attachment."""
    out = io.BytesIO()
    service.export(core(), format_=format_, locale=locale(), out=out)
    answer = Response(out.getvalue(), content_type=_TYPES[format_])
    answer.headers["Content-Disposition"] = f'attachment; filename="goods.{format_}"'
    return answer
