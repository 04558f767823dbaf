"""My shop: the manager's desk, where one stands, the reader's choices, and the way out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from merchant_portal.desk_schemas import OwnPasswordSchema, PremisesForm, ShopArgs, StandForm
from voucher_service.infra import areas
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import PointId, ShopId
from voucher_service.merchants import place
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import Shop
from voucher_service.web import forms
from voucher_service.web.auth import actor, claims
from voucher_service.web.errors import status_of
from voucher_service.web.language import _, locale
from voucher_service.web.site import core

blueprint = Blueprint("shop", __name__)
premises = Blueprint("premises", __name__, url_prefix="/shops")


def told() -> dict[str, Any]:
    """Which shop and point an address names; neither where it can't be read."""
    try:
        return dict(ShopArgs().load(request.args.to_dict()))
    except ValidationError:
        return dict(ShopArgs().load({}))


@blueprint.get("/shop")
def shop() -> str:
    """The reader's shop; a manager's desk, also of another shop of the merchant (`?shop=`)."""
    return _desk(forms.Form())


@blueprint.post("/shop/point")
def stand() -> Response | tuple[str, int]:
    """Choose the point at which this session redeems."""
    form = forms.read(StandForm)
    if form.ok:
        chosen = form.values["point"]
        try:
            merchants.stand_at_point(
                core(),
                actor=actor(),
                session=claims().session,
                point=PointId(chosen) if chosen else None,
            )
        except DomainError as error:
            form.refuse(error)
            return _desk(form), status_of(error)
        return redirect("/shop", 303)
    return _desk(form), 422


@blueprint.get("/me/password")
def ask_password() -> str:
    """The form for another password of one's own."""
    return render_template("merchant/desk/password.html", form=forms.Form())


@blueprint.post("/me/password")
def change_password() -> Response | tuple[str, int]:
    """Another password of one's own; all other machines are signed out."""
    form, status = forms.read(OwnPasswordSchema), 422
    if form.ok:
        try:
            merchants.change_password(
                core(), actor=actor(), session=claims().session, **form.values
            )
        except DomainError as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect("/shop", 303)
    return render_template("merchant/desk/password.html", form=form), status


@premises.get("/<uuid:shop>/premises")
def ask_premises(shop: UUID) -> str:
    """When a shop is open and where it stands."""
    return _premises(shop, forms.Form())


@premises.post("/<uuid:shop>/premises")
def set_premises(shop: UUID) -> Response | tuple[str, int]:
    """Say when a shop is open and where it stands."""
    form, status = forms.read(PremisesForm), 422
    if form.ok:
        by_day = {day: form.values[f"day{day}"] for day in place.DAYS}
        try:
            merchants.set_premises(
                core(),
                actor=actor(),
                shop=ShopId(shop),
                opening_hours=place.typed(form.values["every_day"], by_day),
                position=form.values["position"],
            )
        except place.OpeningHoursInvalid as error:
            form.refuse(error)
            status = status_of(error)
        else:
            return redirect(f"/shop?shop={shop}", 303)
    return _premises(shop, form), status


def _desk(form: forms.Form) -> str:
    reader, args = actor(), told()
    manages = reader.has(Role.MANAGER)
    desk = merchants.desk(core(), actor=reader)
    shops = merchants.own_shops(core(), actor=reader) if manages else []
    with core().transaction() as session:
        own = merchants.load_shop(session, shop=desk.till.shop_id)
    shown = next((one for one in shops if one.id == args["shop"]), own)
    return render_template(
        "merchant/shop.html",
        desk=desk,
        shown=shown,
        area=areas.name(shown.area, locale()),
        trade=shown.trade.label(locale()),
        hours=hours_in_words(shown),
        manages=manages,
        shops=shops,
        holds=merchants.own_holds(core(), actor=reader) if manages else [],
        points=_points(desk.till.shop_name),
        standing=str(args["point"] or reader.evidence.point_id or ""),
        form=form,
    )


def _points(shop: str) -> list[tuple[str, str]]:
    """What a form offers to stand at: the shop itself first; nothing where it has no points."""
    found = merchants.points_to_stand_at(core(), actor=actor())
    return [("", shop), *((str(one.id), one.name) for one in found)] if found else []


def hours_in_words(shop: Shop) -> str:
    """When a shop is open, in one line; empty where nobody said."""
    return shop.opening_hours.in_words(locale()) if shop.opening_hours else ""


def _premises(shop: UUID, form: forms.Form) -> str:
    found = merchants.own_shop(core(), actor=actor(), shop=ShopId(shop))
    every_day, by_day = place.as_typed(found.opening_hours, closed=_("休"))
    at = found.position
    return render_template(
        "merchant/desk/premises.html",
        shop=found,
        form=form,
        every_day=every_day,
        by_day=by_day,
        position=f"{at.latitude:.6f}, {at.longitude:.6f}" if at else "",
    )
