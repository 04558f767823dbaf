"""`/api/v1/redemptions/{id}/evidence`: the papers of subsidised sales, and what became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request

from merchant_portal.sale_schemas import ProofArgs, SaleReviewSchema, SalesArgs
from voucher_service.infra import files
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.page import Page
from voucher_service.tradein.review import service
from voucher_service.tradein.review.model import ProofKind, Review
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

calls = ApiBlueprint("sale_calls", __name__, url_prefix="/api/v1")
handing_in = ApiBlueprint("proof_calls", __name__, url_prefix="/api/v1/redemptions")


@calls.route("/sales", methods=["GET"])
@calls.arguments(SalesArgs, location="query")
@calls.response(200, page_of(SaleReviewSchema))
def show_all(args: dict[str, Any]) -> Page[Review]:
    """Subsidised sales of this shop with what is missing, newest first (`show`)."""
    return service.mine(core(), actor=actor(), **args)


@calls.route("/redemptions/<uuid:redemption_id>/evidence", methods=["GET"])
@calls.response(200, SaleReviewSchema)
def show(redemption_id: UUID) -> Review:
    """The papers of a subsidised sale, what is missing, and how far its money is."""
    return service.own(core(), actor=actor(), sale=RedemptionId(redemption_id))


@handing_in.route("/<uuid:redemption_id>/evidence/<kind>", methods=["PUT"])
@handing_in.arguments(ProofArgs, location="query")
@handing_in.takes("application/pdf", "image/jpeg", "image/png")
@handing_in.response(200, SaleReviewSchema)
def hand_in(args: dict[str, Any], redemption_id: UUID, kind: str) -> Review:
    """Keep a paper, in place of an earlier one: a PDF, or a JPEG or PNG picture, as the body.

    An invoice comes with its `number`, which stands with one sale for ever: 409 `invoice_taken`.
    """
    sale = RedemptionId(redemption_id)
    if kind not in set(ProofKind):
        raise NoSuchThing
    service.own(core(), actor=actor(), sale=sale)  # before anything is read
    most = core().settings.onboarding.file_limit_bytes
    return service.hand_in(
        core(),
        actor=actor(),
        sale=sale,
        kind=ProofKind(kind),
        received=files.received(request.get_data(cache=False), most_bytes=most),
        number=args["number"],
    )


@calls.route("/redemptions/<uuid:redemption_id>/evidence/answer", methods=["POST"])
@calls.response(200, SaleReviewSchema)
def answer(redemption_id: UUID) -> Review:
    """Ask for another look at a refused sale, once a paper was replaced or added."""
    return service.answer(core(), actor=actor(), sale=RedemptionId(redemption_id))
