"""Who may give back what of which order."""

from __future__ import annotations

from uuid import uuid4

from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption

from .city import City, Side
from .purses import redeemed
from .purses import redemption as done
from .table import TILL, Thing, always, get, kind, post

PART = {"amount_fen": 100, "reason": "顾客退货"}
TYPED = {"amount": "1", "reason": "returned"}


@kind
def refund(city: City, side: Side, _caller: Actor) -> Thing:
    """A refund of one shop."""
    made = redemption.refund(
        city.core,
        actor=side.till[Role.CASHIER],
        redemption=redeemed(city, side).id,
        amount=Money(100),
        reason="顾客退货",
        key=uuid4().hex,
    ).value
    return Thing(str(made.id))


BY_API, BY_FORM = always(json=PART), always(data=TYPED)

RULES = (
    post(
        "/api/v1/redemptions/<uuid:redemption_id>/refunds",
        TILL,
        of=done,
        sends=BY_API,
        answers=201,
        once=True,
        keyed=True,
    ),
    get("/api/v1/redemptions/<uuid:redemption_id>/refunds", TILL, of=done),
    get("/redemptions/<uuid:redemption_id>/refund", TILL, of=done),
    post(
        "/redemptions/<uuid:redemption_id>/refunds",
        TILL,
        of=done,
        sends=BY_FORM,
        once=True,
        keyed=True,
    ),
    get("/refunds/<uuid:refund_id>", TILL, of=refund),
)
