"""Where vouchers are taken: the shops of admitted merchants, for everybody."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Blueprint, render_template, request
from marshmallow import fields

from voucher_service.infra import areas
from voucher_service.merchants.model import Trade
from voucher_service.merchants.service import listing
from voucher_service.web.fields import TextField
from voucher_service.web.language import locale
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

pages = Blueprint("shops", __name__)

PROVINCE = "44"
PAGE = 20


class ShopArgs(Schema):
    """What narrows the list; a part that can't be read narrows nothing."""

    class Meta(Schema.Meta):
        """Other arguments are of no concern."""

        unknown = ma.EXCLUDE

    area = fields.String(load_default="", validate=areas.known)
    trade = fields.Enum(Trade, by_value=True, load_default=None)
    q = TextField(load_default="", maximum=40)
    cursor = fields.String(load_default=None)


@pages.get("/shops")
def shops() -> str:
    """Shops by area, trade and name, open ones of merchants that are not suspended."""
    asked = _asked()
    page = listing.public_shops(
        core(),
        area=asked["area"],
        trade=asked["trade"],
        text=asked["q"],
        cursor=asked["cursor"],
        limit=PAGE,
    )
    return render_template(
        "resident/shops.html",
        page=page,
        asked=asked,
        areas=_areas(),
        trades=[(str(one), one.label(locale())) for one in Trade],
        area_name=lambda code: areas.name(code, locale()),
    )


def _asked() -> dict[str, Any]:
    """The arguments that can be read."""
    sent = {name: value for name, value in request.args.items() if value}
    try:
        return dict(ShopArgs().load(sent))
    except ma.ValidationError as error:
        return dict(ShopArgs().load({k: v for k, v in sent.items() if k not in error.messages}))


def _areas() -> list[tuple[str, str]]:
    """Each city and what lies right below it."""
    return [
        (code, areas.name(code, locale()))
        for city in areas.children(PROVINCE)
        for code in (city, *areas.children(city))
    ]
