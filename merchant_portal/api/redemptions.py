"""`/api/v1/redemptions`: quote, redeem in one step or two, reverse, look up after a lost reply."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Flask, current_app, request

from merchant_portal.order_schemas import (
    OrderSchema,
    QuotedSchema,
    RedemptionSchema,
    ReversalSchema,
    order_of,
)
from merchant_portal.schemas import LinesArgs
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.page import Page
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Redemption, SignedOut, Source, Tombstone
from voucher_service.redemption.preview import Quoted
from voucher_service.redemption.preview import quote as asked
from voucher_service.redemption.service import Ask, Group
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import TokenInvalid, actor, claims, is_signed
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core, today

blueprint = ApiBlueprint("redemptions", __name__, url_prefix="/api/v1/redemptions")
# Its token is checked; the account and the session are read with the order.
orders = ApiBlueprint("orders", __name__, url_prefix="/api/v1/redemptions")
_GROUP = "orders"
# Built once: a schema costs more to build than an order to read.
_ORDER, _REDEMPTION = OrderSchema(), RedemptionSchema()
_Answer = tuple[Redemption | Tombstone, int, dict[str, str]]


@orders.route("", methods=["POST"])
@orders.arguments(_ORDER)
@orders.response(201, _REDEMPTION)
def redeem(body: dict[str, Any]) -> _Answer:
    """Redeem a voucher with an order, or sell a unit with a qualification, in one step.

    Needs an Idempotency-Key. The same order reference with the same content gives the first
    answer again.
    """
    session = None if is_signed() else claims().session
    ask = Ask(actor(), body["code"], _order(body), idempotency_key(), session=session)
    group: Group = current_app.extensions[_GROUP]
    try:
        return _told(group.redeem(ask), 201)
    except SignedOut:
        raise TokenInvalid from None


@blueprint.route("/freeze", methods=["POST"])
@blueprint.arguments(_ORDER)
@blueprint.response(201, _REDEMPTION)
def freeze(body: dict[str, Any]) -> _Answer:
    """Set a voucher or a qualification with its unit aside for an order until `freeze_expires_at`;
    then commit or cancel.

    Needs an Idempotency-Key. Repeats are answered as of the one step.
    """
    return _told(
        redemption.freeze(
            core(), actor=actor(), code=body["code"], order=_order(body), key=idempotency_key()
        ),
        201,
    )


@blueprint.route("/quote", methods=["POST"])
@blueprint.arguments(_ORDER)
@blueprint.response(200, QuotedSchema)
def quote(body: dict[str, Any]) -> Quoted:
    """What a freeze of this order would take off now, and how it comes about. Spends nothing.

    Refusals as of the freeze, in the same order; promises nothing. Needs no Idempotency-Key.
    """
    return asked(core(), actor=actor(), code=body["code"], order=_order(body))


@blueprint.route("/<uuid:redemption_id>/commit", methods=["POST"])
@blueprint.response(200, _REDEMPTION)
def commit(redemption_id: UUID) -> _Answer:
    """Spend what is frozen; 409 `freeze_lapsed` when its time was over.

    Needs an Idempotency-Key. Once more gives the same answer.
    """
    id = RedemptionId(redemption_id)
    return _told(
        redemption.commit(core(), actor=actor(), redemption=id, key=idempotency_key()), 200
    )


@blueprint.route("/<uuid:redemption_id>/cancel", methods=["POST"])
@blueprint.response(200, _REDEMPTION)
def cancel(redemption_id: UUID) -> _Answer:
    """Let a frozen voucher go; 409 `already_committed` when it was spent: reverse or refund it.

    Needs an Idempotency-Key. Once more gives the same answer.
    """
    id = RedemptionId(redemption_id)
    return _told(
        redemption.cancel(core(), actor=actor(), redemption=id, key=idempotency_key()), 200
    )


@blueprint.route("/reverse", methods=["POST"])
@blueprint.arguments(ReversalSchema)
@blueprint.response(200, _REDEMPTION)
def reverse(body: dict[str, Any]) -> _Answer:
    """Undo an order whose reply was lost: `reversed`, or `cancelled` if it was frozen.

    An order that never came is `refused` from now on. What lapsed or was cancelled is answered as
    it stands; 409 `reversal_too_late` after a quarter of an hour, a refund or a settlement. Needs
    an Idempotency-Key. Once more gives the same answer.
    """
    return _told(
        redemption.reverse(
            core(),
            actor=actor(),
            reference=body["order_reference"],
            reason=body["reason"],
            key=idempotency_key(),
        ),
        200,
    )


@blueprint.route("", methods=["GET"])
@blueprint.arguments(LinesArgs, location="query")
@blueprint.response(200, page_of(RedemptionSchema))
def lines(args: dict[str, Any]) -> Page[Redemption] | Page[Redemption | Tombstone]:
    """What became of an order (`order_reference`), or a day of this shop, newest first (`day`)."""
    if args["order_reference"] is not None:
        found = redemption.order_state(core(), actor=actor(), reference=args["order_reference"])
        return Page(found)
    return redemption.lines(
        core(),
        actor=actor(),
        day=args["day"] or today(),
        cursor=args["cursor"],
        limit=args["limit"],
    )


@blueprint.route("/<uuid:redemption_id>", methods=["GET"])
@blueprint.response(200, _REDEMPTION)
def one(redemption_id: UUID) -> Redemption:
    """One redemption of this shop."""
    return redemption.get(core(), actor=actor(), redemption=RedemptionId(redemption_id))


def install(app: Flask, core: Core) -> None:
    """Give the face its group: the orders of one moment share a transaction."""
    app.extensions[_GROUP] = Group(core)


def _order(body: dict[str, Any]) -> Order:
    return order_of(body, Source.POS if "Signature-Input" in request.headers else Source.API)


def _told(outcome: Outcome[Redemption] | Outcome[Redemption | Tombstone], status: int) -> _Answer:
    return outcome.value, status, replay_header(outcome.replayed)
