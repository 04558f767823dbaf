"""Who may do what with the library of goods and with filed prices."""

from __future__ import annotations

import io
from typing import Any

from tests.services.goods_shelf import line, new_gtin, proposed, stocked, table
from voucher_service.goods import service as goods
from voucher_service.goods.gtins import printed
from voucher_service.goods.model import Wanted
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.money import Money

from .books_rules import csv_file
from .city import City, Side
from .table import OFFICE, PLANNER, Thing, always, called, get, kind, post, shared, typed

MANAGER = frozenset({Role.MANAGER})


@shared
def product(city: City, _side: Side, _caller: Actor) -> Thing:
    """A product of the library."""
    gtin = new_gtin()
    stocked(city.world, line(gtin))
    return Thing("", {"gtin": printed(gtin)}, lost={"gtin": printed(new_gtin())})


@shared
def change(city: City, _side: Side, _caller: Actor) -> Thing:
    """A table that waits for a second person."""
    made, _ = proposed(city.core, city.world.planner, line(new_gtin()))
    return Thing(str(made.id))


@kind
def filed(city: City, side: Side, _caller: Actor) -> Thing:
    """A price that one side's merchant filed."""
    gtin = new_gtin()
    stocked(city.world, line(gtin))
    wanted = [Wanted(1, gtin, Money(399_900))]
    goods.promise(city.core, actor=side.till[Role.MANAGER], prices=wanted)
    return Thing(printed(gtin))


def price(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A price for that product."""
    return {"items": [{"gtin": thing.facts["gtin"], "price_fen": 399_900}]}


def products_file(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A table of products, as a form sends it."""
    return {"table": (io.BytesIO(table([line(new_gtin())])), "goods.csv")}


def products_text(_thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as a call sends it."""
    return {"file_name": "goods.csv", "table": table([line(new_gtin())]).decode()}


def prices_file(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A table of prices, as a form sends it."""
    content = f"商品条码,备案价\n{thing.facts['gtin']},3999\n".encode()
    return {"table": (io.BytesIO(content), "prices.csv")}


API, LIBRARY = "/api/v1/goods", "library.<any(csv, xlsx):format_>"
DESK = (
    get(API, OFFICE),
    get(f"{API}/<gtin>", OFFICE, of=product),
    get(f"{API}/<gtin>/prices", OFFICE, of=product),
    get(f"{API}/suspicions", OFFICE),
    get(f"{API}/{LIBRARY}", OFFICE, of=csv_file),
    get(f"{API}/changes", OFFICE),
    get(f"{API}/changes/<uuid:change>", OFFICE, of=change),
    get(f"{API}/changes/<uuid:change>/differences", OFFICE, of=change),
    post(f"{API}/changes", PLANNER, sends=called(products_text), answers=201, whole=True),
    get("/goods", OFFICE),
    get("/goods/<gtin>", OFFICE, of=product),
    get("/goods/suspicions", OFFICE),
    get(f"/goods/{LIBRARY}", OFFICE, of=csv_file),
    get("/goods/changes", OFFICE),
    get("/goods/changes/<uuid:change>", OFFICE, of=change),
    post("/goods/changes", PLANNER, sends=typed(products_file), whole=True),
)
SHOP = (
    get("/api/v1/filed-prices", MANAGER, lists=filed, chain=True),
    post(
        "/api/v1/filed-prices",
        MANAGER,
        of=product,
        sends=called(price),
        answers=201,
        hides=422,
    ),
    get("/prices", MANAGER, lists=filed, chain=True),
    get("/prices/<gtin>", MANAGER, of=product),
    post("/prices/<gtin>", MANAGER, of=product, sends=always(data={"price": "3999"})),
    post("/prices/table", MANAGER, of=product, sends=typed(prices_file), hides=422),
)
