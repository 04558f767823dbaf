"""API calls: a schema in, one command, a schema out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import redis
from marshmallow import fields

from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.money import Money
from voucher_service.kernel.page import Page
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor, signed
from voucher_service.web.face import Face
from voucher_service.web.fields import CodeField, DayField, FenField, InstantField, NameField
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core, now

from .people import CASHIER, SESSION

sign_in = ApiBlueprint("sign_in", __name__, url_prefix="/api/v1")
orders = ApiBlueprint("orders", __name__, url_prefix="/api/v1/orders")
books = ApiBlueprint("books", __name__, url_prefix="/api/v1/books")


class BelowThreshold(Unprocessable):
    """The order is too small."""

    code = "below_threshold"


class VoucherExpired(Conflict):
    """The voucher's validity is over."""

    code = "voucher_expired"
    gone = True


class SignInSchema(Schema):
    username = NameField(required=True, maximum=40)


class TokenSchema(Schema):
    access_token = fields.String(required=True)
    expires_in_seconds = fields.Integer(required=True)


class OrderSchema(Schema):
    code = CodeField(required=True, load_only=True)
    order_amount_fen = FenField(required=True, minimum=1, attribute="order_amount")
    buyer = NameField(load_default=None)
    on = DayField(load_default=None)
    at = InstantField(dump_only=True)


@sign_in.route("/sign-in", methods=["POST"])
@sign_in.arguments(SignInSchema)
@sign_in.response(200, TokenSchema)
def enter(body: dict[str, Any]) -> Any:
    """Sign in."""
    return signed(core(), Face.MERCHANT, CASHIER, session=SESSION)


@orders.route("", methods=["POST"])
@orders.arguments(OrderSchema)
@orders.response(201, OrderSchema)
def redeem(body: dict[str, Any]) -> Any:
    """Redeem a code with an order."""
    key = idempotency_key()
    if body["order_amount"] < Money.of_yuan(100):
        raise BelowThreshold(
            order=body["order_amount"],
            threshold=Money.of_yuan(100),
            missing=Money.of_yuan(100) - body["order_amount"],
            extra={"gap_fen": 10_000 - body["order_amount"].fen, "status": "never shown"},
        )
    if body["code"] == "expired":
        raise VoucherExpired
    if body["code"] == "gate-away":
        raise redis.ConnectionError("secret host name")
    if body["code"] == "bug":
        raise RuntimeError("林小姐 13800000000")
    return body | {"at": now()}, 201, replay_header(key == "again")


@orders.route("", methods=["GET"])
@orders.arguments(PageArgs, location="query")
@orders.response(200, page_of(OrderSchema))
def today(args: dict[str, Any]) -> Any:
    """The orders, a page at a time."""
    return asdict(Page([{"order_amount": Money.of_yuan(120), "at": now()}]))


@books.route("", methods=["GET"])
@books.response(200)
def figures() -> Any:
    """Only for those who keep the books."""
    return {"who": actor().name}
