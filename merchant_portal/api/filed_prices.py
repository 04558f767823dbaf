"""`/api/v1/filed-prices`: what the merchant promises to ask at most for each product."""

from __future__ import annotations

from typing import Any

from merchant_portal.goods_schemas import (
    FiledPricesSchema,
    FilingSchema,
    OwnPricesArgs,
    OwnPriceSchema,
)
from voucher_service.goods import service
from voucher_service.goods.model import Wanted
from voucher_service.goods.service import OwnPrice
from voucher_service.kernel.page import Page
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

blueprint = ApiBlueprint("filed_price_calls", __name__, url_prefix="/api/v1/filed-prices")


@blueprint.route("", methods=["GET"])
@blueprint.arguments(OwnPricesArgs, location="query")
@blueprint.response(200, page_of(OwnPriceSchema))
def prices(args: dict[str, Any]) -> Page[OwnPrice]:
    """The products with a filed price; with `q` products of the library, filed or not."""
    return service.own_prices(
        core(), actor=actor(), text=args["q"], cursor=args["cursor"], limit=args["limit"]
    )


@blueprint.route("", methods=["POST"])
@blueprint.arguments(FilingSchema)
@blueprint.response(201, FiledPricesSchema)
def file(body: dict[str, Any]) -> dict[str, Any]:
    """File prices. They count from tomorrow; one above today's after the waiting time, and until
    then the last one filed takes its place. With several, what is wrong is named in `lines`, the
    first item being line 1.
    """
    wanted = [
        Wanted(line, one["gtin"], one["price_fen"]) for line, one in enumerate(body["items"], 1)
    ]
    return {"items": service.promise(core(), actor=actor(), prices=wanted)}
