"""What a resident gets more by a later policy, and the card that it is paid to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields

from voucher_service.tradein.revisions import service
from voucher_service.tradein.revisions.model import RevisionId
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import FenField, InstantField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

from ..application_schemas import BankCardSchema
from ..limiting import not_too_often

calls = ApiBlueprint("difference_calls", __name__, url_prefix="/api/v1/trade-in/differences")


class DifferenceSchema(Schema):
    """What a decision gets more. `kind`: application sale; `state`: unclaimed (name a card) payable
    sent paid; cancelled or returned with its unit. `kept_fen` is paid of it, or will be.
    `card_last4` is that of the card named for a sale; an application has its own.
    """

    revision_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    subject_id = fields.UUID(required=True)
    category = fields.String(required=True)
    before_fen = FenField(required=True, attribute="before")
    after_fen = FenField(required=True, attribute="after")
    difference_fen = FenField(required=True, attribute="difference")
    kept_fen = FenField(required=True, attribute="kept")
    state = fields.String(required=True)
    card_last4 = fields.String(required=True)
    paid_at = InstantField(required=True, allow_none=True)


@calls.route("", methods=["GET"])
@calls.arguments(PageArgs, location="query")
@calls.response(200, page_of(DifferenceSchema))
def list_differences(args: dict[str, Any]) -> Any:
    """What the caller gets more."""
    return service.mine(core(), actor=actor(), **args)


@calls.route("/<uuid:revision>/<uuid:subject>/card", methods=["PUT"])
@calls.arguments(BankCardSchema)
@calls.response(204)
def name_card(body: dict[str, Any], revision: UUID, subject: UUID) -> None:
    """Name the caller's own card for what they get more of a sale, until it is paid."""
    not_too_often(core(), actor())
    service.name_card(core(), actor=actor(), revision=RevisionId(revision), subject=subject, **body)
