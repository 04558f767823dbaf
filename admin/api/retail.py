"""Retail sales that were published, entered by the city's finance staff."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from admin.schemas import SLUG
from voucher_service.reports import retail as service
from voucher_service.reports.retail import MOST_BPS, MOST_FEN, Retail
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CodeField, CountField, DayField, FenField, NameField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

retail = ApiBlueprint("retail_sales", __name__, url_prefix="/api/v1/retail-sales")


class NewRetailSchema(Schema):
    """A published figure: days are both within, growth against the year before in basis points."""

    programme = CodeField(required=True, pattern=SLUG)
    first = DayField(required=True)
    last = DayField(required=True)
    sales_fen = FenField(required=True, minimum=1, maximum=MOST_FEN, attribute="sales")
    growth_bps = CountField(required=True, minimum=-9_999, maximum=MOST_BPS)
    source = NameField(required=True, maximum=100)
    published_on = DayField(required=True)


class RetailSchema(Schema):
    """The figure as it was entered."""

    id = fields.UUID(required=True)
    first = DayField(required=True)
    last = DayField(required=True)
    sales_fen = FenField(attribute="sales", required=True, maximum=MOST_FEN)
    growth_bps = fields.Integer(required=True)
    source = fields.String(required=True)
    published_on = DayField(required=True)


@retail.route("", methods=["POST"])
@retail.arguments(NewRetailSchema)
@retail.response(201, RetailSchema)
def enter(body: dict[str, Any]) -> Retail:
    """Enter a published figure; the newest of the same days stands."""
    return service.enter(core(), actor=actor(), **body)
