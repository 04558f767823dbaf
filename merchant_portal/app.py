"""The app: its blueprints, each with its guard on the same line."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from voucher_service.infra.core import Core, build
from voucher_service.kernel.actor import Actor
from voucher_service.merchants import service as merchants
from voucher_service.web.app import make_app
from voucher_service.web.face import Face
from voucher_service.web.guards import PUBLIC, SIGNED_IN, Guarded
from voucher_service.web.site import Claims

from .api import me, redemptions, sign_in, summary
from .pages import counter, day, front, shop, till

BLUEPRINTS = (
    Guarded(sign_in.blueprint, PUBLIC),
    Guarded(me.blueprint, SIGNED_IN),
    Guarded(redemptions.blueprint, SIGNED_IN),
    Guarded(summary.blueprint, SIGNED_IN),
    Guarded(front.blueprint, PUBLIC),
    Guarded(till.blueprint, SIGNED_IN),
    Guarded(counter.blueprint, SIGNED_IN),
    Guarded(day.blueprint, SIGNED_IN),
    Guarded(shop.blueprint, SIGNED_IN),
)


def create_app(core: Core | None = None) -> Flask:
    """The merchant face, on its own core unless one is given."""
    return make_app(
        Face.MERCHANT,
        core or build(),
        BLUEPRINTS,
        loader=_at_till,
        folder=Path(__file__).parent,
    )


def _at_till(core: Core, claims: Claims) -> Actor | None:
    return merchants.cashier_at_till(core, subject=claims.subject, session=claims.session)
