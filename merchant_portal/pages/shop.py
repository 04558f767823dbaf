"""Whose till it is, the reader's choices, and the way out."""

from __future__ import annotations

from flask import Blueprint, render_template

from voucher_service.infra import areas
from voucher_service.merchants import service as merchants
from voucher_service.web.auth import actor
from voucher_service.web.language import locale
from voucher_service.web.site import core

blueprint = Blueprint("shop", __name__)


@blueprint.get("/shop")
def shop() -> str:
    """The shop and the cashier."""
    desk = merchants.desk(core(), actor=actor())
    return render_template(
        "merchant/shop.html",
        desk=desk,
        area=areas.name(desk.till.area, locale()),
        trade=desk.till.trade.label(locale()),
    )
