"""`POST /api/v1/sandbox/codes`: codes to try a till on, at the sandbox's shop only."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf

from voucher_service.sandbox import service as sandbox
from voucher_service.sandbox.model import TestCode, Want
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, FenField, InstantField
from voucher_service.web.schemas import Schema
from voucher_service.web.site import core

blueprint = ApiBlueprint("sandbox", __name__, url_prefix="/api/v1/sandbox")


class WantSchema(Schema):
    """Which kind of code."""

    want = fields.String(load_default=Want.FRESH.value, validate=OneOf([str(one) for one in Want]))


class ExpectedSchema(Schema):
    """How a redemption with the code ends. `code` is null where it is redeemed."""

    status = CountField(required=True)
    code = fields.String(required=True, allow_none=True)


class TestCodeSchema(Schema):
    """A code, and the order amount to send with it."""

    want = fields.String(required=True)
    code = fields.String(required=True)
    order_amount_fen = FenField(required=True, attribute="order_amount")
    valid_until = InstantField(required=True)
    expect = fields.Nested(ExpectedSchema, required=True)


@blueprint.route("/codes", methods=["POST"])
@blueprint.arguments(WantSchema)
@blueprint.response(201, TestCodeSchema)
def code(body: dict[str, Any]) -> TestCode:
    """A code of a voucher that counts nowhere, and what a redemption with it is answered with.

    For tills of the sandbox's shop; for all others there is no such thing.
    """
    return sandbox.test_code(core(), actor=actor(), want=Want(body["want"]))
