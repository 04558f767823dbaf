"""The app: its blueprints, each with its guard on the same line."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from voucher_service.infra.core import Core, build
from voucher_service.infra.signatures import Message
from voucher_service.kernel.actor import Actor, Role
from voucher_service.tills import service as tills
from voucher_service.web.app import make_app
from voucher_service.web.face import Face
from voucher_service.web.guards import PUBLIC, SIGNED_IN, TOKEN, Guarded, any_of

from . import applicants, standing
from .api import devices as device_calls
from .api import filed_prices as filed_price_calls
from .api import me, people, redemptions, sandbox, shops, sign_in, summary
from .api import refunds as refund_calls
from .api import sales as sale_calls
from .api import settlements as settlement_calls
from .examples import EXAMPLES
from .pages import (
    apply,
    books,
    counter,
    day,
    devices,
    disputes,
    front,
    matchings,
    money,
    own_tills,
    payouts,
    points,
    prices,
    refunds,
    sales,
    shell,
    shop,
    staff,
    till,
)

_DESK = any_of(Role.MANAGER)
_TILL = any_of(Role.CASHIER, Role.MANAGER)

BLUEPRINTS = (
    Guarded(sign_in.blueprint, PUBLIC),
    Guarded(me.blueprint, SIGNED_IN),
    Guarded(redemptions.orders, TOKEN),
    Guarded(redemptions.blueprint, SIGNED_IN),
    Guarded(summary.blueprint, SIGNED_IN),
    Guarded(front.blueprint, PUBLIC),
    Guarded(shell.blueprint, PUBLIC),
    Guarded(apply.door, PUBLIC),
    Guarded(apply.steps, SIGNED_IN),
    Guarded(apply.handing_in, SIGNED_IN),
    Guarded(till.blueprint, SIGNED_IN),
    Guarded(counter.blueprint, SIGNED_IN),
    Guarded(day.blueprint, SIGNED_IN),
    Guarded(refund_calls.blueprint, _TILL),
    Guarded(refunds.blueprint, _TILL),
    Guarded(sale_calls.calls, _TILL),
    Guarded(sale_calls.handing_in, _TILL),
    Guarded(sales.sales, _TILL),
    Guarded(sales.handing_in, _TILL),
    Guarded(books.books, _TILL),
    Guarded(books.statements, _DESK),
    Guarded(matchings.matchings, _DESK),
    Guarded(disputes.disputes, _DESK),
    Guarded(shop.blueprint, SIGNED_IN),
    Guarded(shop.premises, _DESK),
    Guarded(staff.blueprint, _DESK),
    Guarded(devices.blueprint, _DESK),
    Guarded(devices.enrolment, PUBLIC),
    Guarded(points.blueprint, _DESK),
    Guarded(prices.prices, _DESK),
    Guarded(prices.tables, _DESK),
    Guarded(filed_price_calls.blueprint, _DESK),
    Guarded(people.blueprint, _DESK),
    Guarded(people.account, SIGNED_IN),
    Guarded(device_calls.blueprint, _DESK),
    Guarded(device_calls.enrolment, PUBLIC),
    Guarded(shops.blueprint, _DESK),
    Guarded(shops.points, _DESK),
    Guarded(shops.stand, SIGNED_IN),
    Guarded(settlement_calls.blueprint, _DESK),
    Guarded(money.blueprint, _DESK),
    Guarded(payouts.money, _DESK),
    Guarded(own_tills.blueprint, _DESK),
    Guarded(own_tills.published, PUBLIC),
    Guarded(sandbox.blueprint, SIGNED_IN),
)


def create_app(core: Core | None = None) -> Flask:
    """The merchant face, on its own core unless one is given."""
    app = make_app(
        Face.MERCHANT,
        core or build(),
        BLUEPRINTS,
        loader=standing.at_till,
        folder=Path(__file__).parent,
        signer=_own_till,
        examples=EXAMPLES,
    )
    app.before_request(standing.refuse_other_devices)
    applicants.install(app)
    matchings.install(app)
    prices.install(app)
    sales.install(app)
    redemptions.install(app, app.extensions["voucher"].core)
    return app


def _own_till(core: Core, message: Message) -> Actor:
    return tills.caller(core, message=message)
