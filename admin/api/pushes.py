"""Pushes: give an offer to the people of a list; what became of each line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from admin.paging import cut
from voucher_service.kernel.ids import OfferId
from voucher_service.pushes import service
from voucher_service.pushes.model import Push, PushId
from voucher_service.web.api import FILE, ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CountField, FenField, InstantField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

pushes = ApiBlueprint("pushes", __name__, url_prefix="/api/v1/pushes")
planning = ApiBlueprint("push-planning", __name__, url_prefix="/api/v1/pushes")

# A list of the greatest length, with room for names that we don't read.
LIST_LIMIT_BYTES = 8 * 1024 * 1024


class PushSchema(Schema):
    """A push. `status`: submitted approved rejected done. `count`: how many are to be given at
    most. `results`: lines by what became of them: waiting given already_has unknown unreadable
    repeated not_verified minor not_chosen blocked not_eligible no_slot closed. `reserved`: only
    those on the offer's lists may claim it.
    """

    id = fields.UUID(required=True)
    offer_id = fields.UUID(attribute="offer.id", required=True)
    title = fields.String(attribute="offer.title", required=True)
    unit = fields.String(required=True)
    list_sha256 = fields.String(required=True)
    lines = CountField(required=True)
    count = CountField(required=True)
    worst_case_fen = FenField(attribute="worst_case", required=True)
    reserved = fields.Boolean(required=True)
    status = fields.String(required=True)
    created_by = fields.UUID(required=True)
    created_at = InstantField(required=True)
    done_at = InstantField(required=True, allow_none=True)
    results = fields.Function(
        lambda push: {str(result or "waiting"): count for result, count in push.results.items()}
    )


class ListSchema(Schema):
    """A list for an offer: CSV text with a column `mobile` or `id_number`; with a column
    `household` (and `head`, if wanted) each household gets one.
    """

    offer_id = fields.UUID(required=True)
    list = fields.String(required=True)


@pushes.route("", methods=["GET"])
@pushes.arguments(PageArgs, location="query")
@pushes.response(200, page_of(PushSchema))
def list_pushes(args: dict[str, Any]) -> Any:
    """Pushes of the caller's area, newest first."""
    return cut(service.pushes(core(), actor=actor()), args, lambda one: str(one.id))


@pushes.route("/<uuid:id>", methods=["GET"])
@pushes.response(200, PushSchema)
def show(id: UUID) -> Push:
    """One push and how far it is."""
    return service.push(core(), actor=actor(), push=PushId(id))


@pushes.route("/<uuid:id>/results.csv", methods=["GET"])
@pushes.response(200, FILE, content_type="text/csv")
def results_csv(id: UUID) -> Response:
    """What became of each line; numbers are masked."""
    return download(PushId(id))


@planning.route("", methods=["POST"])
@planning.arguments(ListSchema)
@planning.response(201, PushSchema)
def propose(body: dict[str, Any]) -> Push:
    """Upload a list; a second person approves it before anything is given."""
    return service.propose(
        core(),
        actor=actor(),
        offer=OfferId(body["offer_id"]),
        content=body["list"].encode("utf-8", "replace"),
    )


def download(push: PushId) -> Response:
    """The results as an attachment. Raises NoSuchThing."""
    content = service.results_file(core(), actor=actor(), push=push)
    answer = Response(content, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="results.csv"'
    return answer
