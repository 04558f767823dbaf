"""The wallet, and the codes to show at the till."""

from __future__ import annotations

from math import ceil
from typing import Any
from uuid import UUID

from voucher_service.kernel.ids import VoucherId
from voucher_service.kernel.page import Page
from voucher_service.redemption import service as redemption
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.schemas import PageArgs, page_of
from voucher_service.web.site import core

from ..schemas import CodesArgs, CodesSchema, FreshCodeSchema, VoucherSchema

wallet = ApiBlueprint("vouchers", __name__, url_prefix="/api/v1/vouchers")


@wallet.route("", methods=["GET"])
@wallet.arguments(PageArgs, location="query")
@wallet.response(200, page_of(VoucherSchema))
def show(args: dict[str, Any]) -> Page[Voucher]:
    """My vouchers, newest claim first."""
    return vouchers.wallet(core(), actor=actor(), cursor=args["cursor"], limit=args["limit"])


@wallet.route("/<uuid:id>", methods=["GET"])
@wallet.response(200, VoucherSchema)
def one(id: UUID) -> Voucher:
    """One of my vouchers; another resident's is not found."""
    return vouchers.get(core(), actor=actor(), voucher=VoucherId(id))


@wallet.route("/<uuid:id>/code", methods=["GET"])
@wallet.response(200, FreshCodeSchema)
@wallet.alt_response(409, response="DEFAULT_ERROR")
@wallet.alt_response(410, response="DEFAULT_ERROR")
def code(id: UUID) -> dict[str, Any]:
    """The code of this moment."""
    _, now, (found,) = redemption.codes(core(), actor=actor(), voucher=VoucherId(id))
    left = (found.valid_until - now).total_seconds()
    return {
        "text": found.text,
        "short": found.short,
        "valid_from": found.valid_from,
        "valid_until": found.valid_until,
        "expires_in_seconds": ceil(left),
    }


@wallet.route("/<uuid:id>/codes", methods=["GET"])
@wallet.arguments(CodesArgs, location="query")
@wallet.response(200, CodesSchema)
@wallet.alt_response(409, response="DEFAULT_ERROR")
@wallet.alt_response(410, response="DEFAULT_ERROR")
def codes(args: dict[str, Any], id: UUID) -> dict[str, Any]:
    """This code and the next ones: enough for two minutes without network."""
    _, _, found = redemption.codes(
        core(), actor=actor(), voucher=VoucherId(id), count=args["count"]
    )
    return {"codes": found}
