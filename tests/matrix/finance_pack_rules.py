"""Who may take a batch's papers, which hold account numbers: finance of the whole city."""

from __future__ import annotations

from datetime import timedelta

from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import day_of
from voucher_service.settlement import service as settlement

from .city import City, Side
from .table import Thing, get, shared

FINANCE = frozenset({Role.FINANCE})


@shared
def closed_batch(city: City, _side: Side, _caller: Actor) -> Thing:
    """A batch of a day on which nothing was redeemed: closed at once."""
    long_ago = day_of(city.world.now()) - timedelta(days=4_000)
    return Thing(str(settlement.draft(city.core, actor=SYSTEM, day=long_ago).id))


DESK = (
    get(
        "/api/v1/settlements/<uuid:id>/finance-pack",
        FINANCE,
        of=closed_batch,
        whole=True,
    ),
    get("/settlements/<uuid:id>/finance-pack.zip", FINANCE, of=closed_batch, whole=True),
)
