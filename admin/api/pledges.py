"""What merchants, banks and platforms promised a programme."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from admin.schemas import SLUG, ProposalSchema, one_of
from voucher_service.kernel.ids import ApprovalId
from voucher_service.pledges import service
from voucher_service.redemption.model import Payer
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.fields import CodeField, DayField, FenField, InstantField, NameField
from voucher_service.web.schemas import PageArgs, Schema, page_of
from voucher_service.web.site import core

pledges = ApiBlueprint("pledges", __name__, url_prefix="/api/v1/pledges")
pledging = ApiBlueprint("pledging", __name__, url_prefix="/api/v1/pledges")


class PledgeArgs(PageArgs):
    """Of which programme."""

    programme = CodeField(required=True, pattern=SLUG)


class NewPledgeSchema(Schema):
    """A promise to add up to `amount_fen` to a programme; 0 takes an earlier one of that name back.
    `payer`: merchant bank platform.
    """

    programme = CodeField(required=True, pattern=SLUG)
    payer = fields.String(required=True, validate=one_of(*Payer))
    name = NameField(required=True, maximum=60)
    amount_fen = FenField(required=True, attribute="amount")
    pledged_on = DayField(required=True)
    document = NameField(required=True, maximum=100)


class PledgeSchema(Schema):
    """A pledge. `status`: proposed entered refused; of a payer and name the newest that was entered
    counts.
    """

    id = fields.UUID(required=True)
    payer = fields.String(required=True)
    name = fields.String(required=True)
    amount_fen = FenField(required=True, attribute="amount")
    pledged_on = DayField(required=True)
    document = fields.String(required=True)
    status = fields.String(required=True)
    proposed_by = fields.UUID(required=True)
    approval_id = fields.UUID(required=True)
    at = InstantField(required=True)


@pledges.route("", methods=["GET"])
@pledges.arguments(PledgeArgs, location="query")
@pledges.response(200, page_of(PledgeSchema))
def list_pledges(args: dict[str, Any]) -> Any:
    """The pledges of a programme, newest first."""
    return service.pledges(core(), actor=actor(), **args)


@pledging.route("", methods=["POST"])
@pledging.arguments(NewPledgeSchema)
@pledging.response(202, ProposalSchema)
def enter(body: dict[str, Any]) -> dict[str, ApprovalId]:
    """Ask a second person to enter a pledge."""
    payer = Payer(body.pop("payer"))
    return {"approval_id": service.propose(core(), actor=actor(), payer=payer, **body)}
