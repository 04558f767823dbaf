"""Offers, and the claim of one voucher."""

from __future__ import annotations

from typing import Any

from voucher_service.kernel.page import Page, decode_cursor, encode_cursor
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher
from voucher_service.vouchers.service import Standing
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

from ..crowd import group, offer_id
from ..schemas import NothingSchema, OffersArgs, OfferSchema, VoucherSchema

offers = ApiBlueprint("offers", __name__, url_prefix="/api/v1/offers")
claims = ApiBlueprint("claims", __name__, url_prefix="/api/v1/offers")


@offers.route("", methods=["GET"])
@offers.arguments(OffersArgs, location="query")
@offers.response(200, page_of(OfferSchema))
def show(args: dict[str, Any]) -> Page[Standing]:
    """Offers that can be claimed now, or later. Needs no sign-in."""
    wanted = args["state"] == "open"
    found = [one for one in vouchers.board(core()) if one.is_open == wanted]
    if args["cursor"]:
        (last,) = decode_cursor(args["cursor"], 1)
        ids = [str(one.offer.id) for one in found]
        found = found[ids.index(last) + 1 :] if last in ids else []
    items = found[: args["limit"]]
    more = len(found) > len(items)
    return Page(items, encode_cursor(items[-1].offer.id) if more else None)


@claims.route("/<name>/claims", methods=["POST"])
@claims.arguments(NothingSchema)
@claims.response(201, VoucherSchema)
def claim(_body: dict[str, Any], name: str) -> tuple[Voucher, int, dict[str, str]]:
    """Take one voucher of an offer, named by its id or slug. The body is empty."""
    key = idempotency_key()
    outcome = group().claim(actor=actor(), offer=offer_id(name), key=key)
    return outcome.value, 201, replay_header(outcome.replayed)
