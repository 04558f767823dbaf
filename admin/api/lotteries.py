"""Lotteries: plan one for an offer, open and close its entries; the three parties' secrets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields

from admin.paging import cut
from admin.schemas import one_of
from voucher_service.kernel.ids import OfferId
from voucher_service.lotteries import service
from voucher_service.lotteries.model import LotteryId, Party, Terms
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CodeField, CountField, InstantField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

lotteries = ApiBlueprint("lotteries", __name__, url_prefix="/api/v1/lotteries")
planning = ApiBlueprint("lottery-planning", __name__, url_prefix="/api/v1/lotteries")
running = ApiBlueprint("lottery-running", __name__, url_prefix="/api/v1/lotteries")
parties = ApiBlueprint("lottery-parties", __name__, url_prefix="/api/v1/lotteries")

HEX = r"[0-9a-f]{64}"


class CommitmentSchema(Schema):
    """A party's promise, and its secret once it is revealed."""

    attempt = CountField(required=True)
    party = fields.String(required=True)
    staff_id = fields.UUID(required=True)
    sha256 = fields.String(required=True)
    committed_at = InstantField(required=True)
    secret = fields.String(required=True, allow_none=True)
    revealed_at = InstantField(required=True, allow_none=True)


class LotterySchema(Schema):
    """A lottery. `status`: draft open closed drawn. What is not known yet is null."""

    id = fields.UUID(required=True)
    offer_id = fields.UUID(attribute="offer.id", required=True)
    title = fields.String(attribute="offer.title", required=True)
    status = fields.String(required=True)
    seats = CountField(attribute="terms.seats", required=True)
    waiting = CountField(attribute="terms.waiting", required=True)
    opens_at = InstantField(attribute="terms.opens_at", required=True)
    closes_at = InstantField(attribute="terms.closes_at", required=True)
    waiting_from = InstantField(attribute="terms.waiting_from", allow_none=True, required=True)
    attempt = CountField(required=True)
    commitments = fields.List(fields.Nested(CommitmentSchema), required=True)
    closed_at = InstantField(allow_none=True, required=True)
    entries = CountField(allow_none=True, required=True)
    list_sha256 = fields.String(allow_none=True, required=True)
    reveal_by = InstantField(allow_none=True, required=True)
    seed = fields.String(allow_none=True, required=True)
    result_sha256 = fields.String(allow_none=True, required=True)
    drawn_at = InstantField(allow_none=True, required=True)


class TermsSchema(Schema):
    """The terms of a lottery for an offer whose campaign is a draft."""

    offer_id = fields.UUID(required=True)
    seats = CountField(required=True)
    waiting = CountField(load_default=0)
    opens_at = InstantField(required=True)
    closes_at = InstantField(required=True)
    waiting_from = InstantField(load_default=None, allow_none=True)


class PromiseSchema(Schema):
    """A promise: the SHA-256 of a secret of 64 hex digits, these digits taken as text."""

    party = fields.String(required=True, validate=one_of(*Party))
    sha256 = CodeField(required=True, pattern=HEX)


class SecretSchema(Schema):
    """The secret that was promised."""

    party = fields.String(required=True, validate=one_of(*Party))
    secret = CodeField(required=True, pattern=HEX)


@lotteries.route("", methods=["GET"])
@lotteries.arguments(PageArgs, location="query")
@lotteries.response(200, page_of(LotterySchema))
def list_lotteries(args: dict[str, Any]) -> Any:
    """Lotteries of the caller's area, newest entries first."""
    return cut(service.for_staff(core(), actor=actor()), args, lambda one: str(one.id))


@planning.route("", methods=["POST"])
@planning.arguments(TermsSchema)
@planning.response(201, LotterySchema)
def plan(body: dict[str, Any]) -> Any:
    """Say that an offer is drawn by lot; for the same offer again, other terms."""
    offer = OfferId(body.pop("offer_id"))
    return service.plan(core(), actor=actor(), offer=offer, terms=Terms(**body))


@running.route("/<uuid:id>/open", methods=["POST"])
@running.response(200, LotterySchema)
def open_entries(id: UUID) -> Any:
    """Announce the lottery; its offer must have been published."""
    return service.open_entries(core(), actor=actor(), lottery=LotteryId(id))


@running.route("/<uuid:id>/close", methods=["POST"])
@running.response(200, LotterySchema)
def close_entries(id: UUID) -> Any:
    """Close the list after its hour and publish its hash."""
    return service.close_entries(core(), actor=actor(), lottery=LotteryId(id))


@running.route("/<uuid:id>/void", methods=["POST"])
@running.response(200, LotterySchema)
def void(id: UUID) -> Any:
    """Give up an attempt in which a party did not reveal in time."""
    return service.void(core(), actor=actor(), lottery=LotteryId(id))


@parties.route("/<uuid:id>/commitments", methods=["POST"])
@parties.arguments(PromiseSchema)
@parties.response(201, LotterySchema)
def commit(body: dict[str, Any], id: UUID) -> Any:
    """Promise a secret by its hash."""
    return service.commit(
        core(),
        actor=actor(),
        lottery=LotteryId(id),
        party=Party(body["party"]),
        sha256=body["sha256"],
    )


@parties.route("/<uuid:id>/reveals", methods=["POST"])
@parties.arguments(SecretSchema)
@parties.response(201, LotterySchema)
def reveal(body: dict[str, Any], id: UUID) -> Any:
    """Show the secret; the last of the three draws."""
    return service.reveal(
        core(),
        actor=actor(),
        lottery=LotteryId(id),
        party=Party(body["party"]),
        secret=body["secret"],
    )
