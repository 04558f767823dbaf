"""Files that channels, tills and the bank are to send of every day, and the days that lack one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.reconciliation.differences import expecting
from voucher_service.reconciliation.differences.expected import ExpectedId, Standing
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import DayField, NameField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

expected = ApiBlueprint("expected-files", __name__, url_prefix="/api/v1/channel-files/expected")
setting = ApiBlueprint(
    "expected-file-setting", __name__, url_prefix="/api/v1/channel-files/expected"
)


class ExpectedFileSchema(Schema):
    """A file of each day from `first_day` on, by `hour` (0 to 23, Shanghai) of the day after.

    `missing`: days of the last 92 without a file, though our books have something of them;
    `newest`: the last day of which one came. Without a merchant or shop it is the city's.
    """

    id = fields.UUID(required=True, attribute="expected.id")
    channel = fields.String(required=True, attribute="expected.channel")
    merchant_id = fields.UUID(required=True, allow_none=True, attribute="expected.merchant_id")
    shop_id = fields.UUID(required=True, allow_none=True, attribute="expected.shop_id")
    hour = fields.Integer(required=True, attribute="expected.hour")
    first_day = DayField(required=True, attribute="expected.first")
    last_day = DayField(required=True, allow_none=True, attribute="expected.last")
    newest = DayField(required=True, allow_none=True)
    missing = fields.List(DayField(), required=True)


class ExpectedFilesSchema(Schema):
    """Every expected file."""

    items = fields.List(fields.Nested(ExpectedFileSchema), required=True)


class NewExpectedFileSchema(Schema):
    """A file to expect. `format`: one of the known ones, or a channel's name."""

    format = NameField(required=True, maximum=40)
    merchant_id = fields.UUID(load_default=None, allow_none=True)
    shop_id = fields.UUID(load_default=None, allow_none=True)
    hour = fields.Integer(required=True, strict=True, validate=validate.Range(0, 23))
    first_day = DayField(required=True)


class EndSchema(Schema):
    """The last day of which a file is to come; yesterday unless said."""

    last_day = DayField(load_default=None, allow_none=True)


@expected.route("", methods=["GET"])
@expected.response(200, ExpectedFilesSchema)
def list_expected() -> Any:
    """The files that are expected, or were within 92 days; for staff of the whole city."""
    return {"items": expecting.standings(core(), actor=actor())}


@setting.route("", methods=["POST"])
@setting.arguments(NewExpectedFileSchema)
@setting.response(201, ExpectedFileSchema)
def expect(body: dict[str, Any]) -> Standing:
    """Expect a file of every day from now on: an alarm is raised for each day that lacks one."""
    merchant, shop = body["merchant_id"], body["shop_id"]
    made = expecting.expect(
        core(),
        actor=actor(),
        format=body["format"],
        hour=body["hour"],
        first=body["first_day"],
        merchant=MerchantId(merchant) if merchant else None,
        shop=ShopId(shop) if shop else None,
    )
    return expecting.standing(core(), actor=actor(), expected=made.id)


@setting.route("/<uuid:id>/end", methods=["POST"])
@setting.arguments(EndSchema)
@setting.response(200, ExpectedFileSchema)
def end(body: dict[str, Any], id: UUID) -> Standing:
    """Expect it no more."""
    found = ExpectedId(id)
    expecting.expect_no_more(core(), actor=actor(), expected=found, last=body["last_day"])
    return expecting.standing(core(), actor=actor(), expected=found)
