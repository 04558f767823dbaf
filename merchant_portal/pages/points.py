"""Points of a shop on the manager's desk: stalls and booths, and the signs that stand on them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from merchant_portal.desk_schemas import PointForm, PointsArgs
from voucher_service.infra import areas
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import PointId, ShopId
from voucher_service.merchants import service as merchants
from voucher_service.merchants.stands import Point, PointPlan
from voucher_service.web import forms, qr
from voucher_service.web.auth import actor
from voucher_service.web.errors import status_of
from voucher_service.web.language import locale
from voucher_service.web.site import core, today

blueprint = Blueprint("points", __name__)


@blueprint.get("/shops/<uuid:shop>/points")
def show_all(shop: UUID) -> str:
    """A shop's points, and the form for another one."""
    return _all(shop, forms.Form())


@blueprint.post("/shops/<uuid:shop>/points")
def add(shop: UUID) -> Response | tuple[str, int]:
    """Open a point."""
    form, status = forms.read(PointForm), 422
    if form.ok:
        try:
            plan = PointPlan(**form.values)
            merchants.add_point(core(), actor=actor(), shop=ShopId(shop), plan=plan)
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/shops/{shop}/points", 303)
    return _all(shop, form), status


@blueprint.get("/points/<uuid:point>")
def show(point: UUID) -> str:
    """One point, to be changed."""
    return _one(_load(point), forms.Form())


@blueprint.post("/points/<uuid:point>")
def change(point: UUID) -> Response | tuple[str, int]:
    """Give a point another name, position or season."""
    found, form, status = _load(point), forms.read(PointForm), 422
    if form.ok:
        try:
            plan = PointPlan(**form.values)
            merchants.change_point(core(), actor=actor(), point=found.id, plan=plan)
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/shops/{found.shop_id}/points", 303)
    return _one(found, form), status


@blueprint.post("/points/<uuid:point>/close")
def close(point: UUID) -> Response:
    """Close a point for good."""
    closed = merchants.close_point(core(), actor=actor(), point=PointId(point))
    return redirect(f"/shops/{closed.shop_id}/points", 303)


@blueprint.get("/points/<uuid:point>/sign")
def sign(point: UUID) -> str:
    """The sign of a point, to be printed: cashiers scan it to stand there."""
    found = _load(point)
    shop = merchants.own_shop(core(), actor=actor(), shop=found.shop_id)
    return render_template(
        "merchant/desk/point_sign.html",
        point=found,
        shop=shop,
        merchant=merchants.desk(core(), actor=actor()).till.merchant_name,
        area=areas.name(shop.area, locale()),
        drawing=qr.draw(url_for("shop.shop", point=found.id, _external=True)),
    )


def _load(point: UUID) -> Point:
    return merchants.load_point(core(), actor=actor(), point=PointId(point))


def _all(shop: UUID, form: forms.Form) -> str:
    try:
        args = PointsArgs().load(request.args.to_dict() | {"shop": str(shop)})
    except ValidationError:
        args = PointsArgs().load({"shop": str(shop)})
    reader = actor()
    return render_template(
        "merchant/desk/points.html",
        shop=merchants.own_shop(core(), actor=reader, shop=ShopId(shop)),
        page=merchants.points(core(), actor=reader, **args),
        today=today(),
        form=form,
    )


def _one(point: Point, form: forms.Form) -> str:
    at = point.position
    return render_template(
        "merchant/desk/point.html",
        point=point,
        position=f"{at.latitude:.6f}, {at.longitude:.6f}" if at else "",
        form=form,
    )
