"""Offers, and the claim of one voucher."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from marshmallow import EXCLUDE

from voucher_service.kernel.page import Page, decode_cursor, encode_cursor
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher
from voucher_service.vouchers.service import Standing
from voucher_service.waiting import service as waiting
from voucher_service.waiting.model import Ticket
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

from ..crowd import group, offer_id
from ..limiting import not_too_often
from ..schemas import (
    NothingSchema,
    OffersArgs,
    OfferSchema,
    ProofRequiredSchema,
    ProofSchema,
    TicketSchema,
    VoucherSchema,
)

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
@claims.arguments(ProofSchema, location="headers", unknown=EXCLUDE)
@claims.response(201, VoucherSchema)
@claims.alt_response(202, schema=TicketSchema)
@claims.alt_response(428, schema=ProofRequiredSchema, content_type="application/problem+json")
def claim(
    _body: dict[str, Any], headers: dict[str, Any], name: str
) -> tuple[Voucher, int, dict[str, str]] | Response:
    """Take one voucher of an offer, named by its id or slug. The body is empty.

    An offer with a waiting room answers 202 with a ticket until it is the resident's turn: ask for
    the ticket, then send the claim again with the same key. One with a proof of work answers 428.
    """
    key = idempotency_key()
    not_too_often(core(), actor())
    offer = offer_id(name)
    ticket = waiting.before_claim(
        core(), actor=actor(), offer=offer, key=key, proof=headers["proof"]
    )
    if ticket is not None:
        return _told(ticket, 202)
    outcome = group().claim(actor=actor(), offer=offer, key=key)
    return outcome.value, 201, replay_header(outcome.replayed)


@claims.route("/<name>/ticket", methods=["GET"])
@claims.response(200, TicketSchema)
@claims.alt_response(429, response="DEFAULT_ERROR")
def ticket(name: str) -> Ticket:
    """My place in the offer's line as it stands. Not found for who is in none: claim first."""
    not_too_often(core(), actor())
    return waiting.ticket(core(), actor=actor(), offer=offer_id(name))


def _told(ticket: Ticket, status: int) -> Response:
    answer = jsonify(TicketSchema().dump(ticket))
    answer.status_code = status
    return answer
