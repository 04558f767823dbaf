"""`/api/v1/shops` and `/api/v1/points`: a merchant's shops and stalls, by its manager."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from merchant_portal.desk_schemas import (
    NewPointSchema,
    OwnShopSchema,
    OwnShopsSchema,
    PointPlanSchema,
    PointsArgs,
    PointSchema,
    PremisesSchema,
    StandSchema,
)
from voucher_service.kernel.ids import PointId, ShopId
from voucher_service.kernel.page import Page
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Shop
from voucher_service.merchants.stands import Point, PointPlan
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor, claims
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

blueprint = ApiBlueprint("shop_calls", __name__, url_prefix="/api/v1/shops")
points = ApiBlueprint("point_calls", __name__, url_prefix="/api/v1/points")
stand = ApiBlueprint("stand_calls", __name__, url_prefix="/api/v1/me")


@blueprint.route("", methods=["GET"])
@blueprint.response(200, OwnShopsSchema)
def shops() -> dict[str, Any]:
    """All shops of the manager's merchant, by name."""
    return {"items": merchants.own_shops(core(), actor=actor())}


@blueprint.route("/<uuid:shop>/premises", methods=["PUT"])
@blueprint.arguments(PremisesSchema)
@blueprint.response(200, OwnShopSchema)
def set_premises(body: dict[str, Any], shop: UUID) -> Shop:
    """Say when a shop is open and where it stands."""
    return merchants.set_premises(core(), actor=actor(), shop=ShopId(shop), **body)


@points.route("", methods=["GET"])
@points.arguments(PointsArgs, location="query")
@points.response(200, page_of(PointSchema))
def all_points(args: dict[str, Any]) -> Page[Point]:
    """The points of a `shop` that were not closed, by name."""
    return merchants.points(core(), actor=actor(), **args)


@points.route("", methods=["POST"])
@points.arguments(NewPointSchema)
@points.response(201, PointSchema)
def add(body: dict[str, Any]) -> Point:
    """Open a point of a shop."""
    shop = ShopId(body.pop("shop"))
    return merchants.add_point(core(), actor=actor(), shop=shop, plan=PointPlan(**body))


@points.route("/<uuid:point>", methods=["PUT"])
@points.arguments(PointPlanSchema)
@points.response(200, PointSchema)
def change(body: dict[str, Any], point: UUID) -> Point:
    """Give a point another name, position or season."""
    return merchants.change_point(
        core(), actor=actor(), point=PointId(point), plan=PointPlan(**body)
    )


@points.route("/<uuid:point>/close", methods=["POST"])
@points.response(200, PointSchema)
def close(point: UUID) -> Point:
    """Close a point for good."""
    return merchants.close_point(core(), actor=actor(), point=PointId(point))


@stand.route("/point", methods=["PUT"])
@stand.arguments(StandSchema)
@stand.response(200, StandSchema)
def stand_at(body: dict[str, Any]) -> dict[str, Any]:
    """Choose the point of the own shop at which this session redeems; null is the shop itself."""
    chosen = body["point"]
    merchants.stand_at_point(
        core(),
        actor=actor(),
        session=claims().session,
        point=PointId(chosen) if chosen else None,
    )
    return body
