"""Campaigns: plan a draft, submit it, stop it, let it go on, end it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from admin.api.keys import optional_key
from admin.paging import cut
from admin.planning import offer_plan
from admin.schemas import (
    BudgetLineSchema,
    CampaignArgs,
    CampaignDetailSchema,
    CampaignSchema,
    OfferSchema,
    PauseSchema,
    ProposalSchema,
)
from voucher_service.campaigns import service
from voucher_service.campaigns.model import CampaignKind
from voucher_service.kernel.ids import CampaignId
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import replay_header
from voucher_service.web.schemas import page_of
from voucher_service.web.site import core

campaigns = ApiBlueprint("campaigns", __name__, url_prefix="/api/v1/campaigns")
planning = ApiBlueprint("planning", __name__, url_prefix="/api/v1/campaigns")
running = ApiBlueprint("running", __name__, url_prefix="/api/v1/campaigns")


@campaigns.route("", methods=["GET"])
@campaigns.arguments(CampaignArgs, location="query")
@campaigns.response(200, page_of(CampaignSchema))
def list_campaigns(args: dict[str, Any]) -> Any:
    """Campaigns of the caller's area, by their first day."""
    found = service.campaigns(core(), actor=actor(), programme=args["programme"])
    return cut(found, args, lambda one: str(one.id))


@campaigns.route("/<uuid:campaign>", methods=["GET"])
@campaigns.response(200, CampaignDetailSchema)
def show(campaign: UUID) -> Any:
    """A campaign with its offers and its money."""
    found, offers, lines = service.campaign(core(), actor=actor(), campaign=CampaignId(campaign))
    shown = {name: getattr(found, name) for name in found.__slots__}
    canaries = service.canaries(core(), actor=actor(), campaign=found.id)
    return shown | {"offers": offers, "budget_lines": lines, "canaries": canaries}


@planning.route("", methods=["POST"])
@planning.arguments(CampaignSchema)
@planning.response(201, CampaignSchema)
def begin(body: dict[str, Any]) -> Any:
    """Begin a campaign as a draft."""
    body["kind"] = CampaignKind(body["kind"])
    body["budget"] = body.pop("budget_id")
    made = service.create_campaign(core(), actor=actor(), key=optional_key(), **body)
    return made.value, 201, replay_header(made.replayed)


@planning.route("/<uuid:campaign>/budget-lines", methods=["POST"])
@planning.arguments(BudgetLineSchema)
@planning.response(201, BudgetLineSchema)
def fund(body: dict[str, Any], campaign: UUID) -> Any:
    """Plan a funder's money for a draft. All shares must come to 10,000 when it is submitted."""
    made = service.add_budget_line(
        core(), actor=actor(), campaign=CampaignId(campaign), key=optional_key(), **body
    )
    return made.value, 201, replay_header(made.replayed)


@planning.route("/<uuid:campaign>/offers", methods=["POST"])
@planning.arguments(OfferSchema)
@planning.response(201, OfferSchema)
def offer(body: dict[str, Any], campaign: UUID) -> Any:
    """Add an offer to a draft."""
    made = service.create_offer(
        core(),
        actor=actor(),
        campaign=CampaignId(campaign),
        plan=offer_plan(body, core().settings.canary),
        key=optional_key(),
    )
    return made.value, 201, replay_header(made.replayed)


@planning.route("/<uuid:campaign>/submit", methods=["POST"])
@planning.response(202, ProposalSchema)
def submit(campaign: UUID) -> Any:
    """Freeze the plan and ask a second person to publish it."""
    return _proposed(service.submit(core(), actor=actor(), campaign=CampaignId(campaign)))


@running.route("/<uuid:campaign>/pause", methods=["POST"])
@running.arguments(PauseSchema)
@running.response(200, CampaignSchema)
def pause(body: dict[str, Any], campaign: UUID) -> Any:
    """Stop claims at once: one person is enough. To stop redemptions too, see /stops."""
    return service.pause(core(), actor=actor(), campaign=CampaignId(campaign), **body)


@running.route("/<uuid:campaign>/resume", methods=["POST"])
@running.response(202, ProposalSchema)
def resume(campaign: UUID) -> Any:
    """Ask a second person to let a paused campaign go on."""
    return _proposed(service.resume(core(), actor=actor(), campaign=CampaignId(campaign)))


@running.route("/<uuid:campaign>/close", methods=["POST"])
@running.response(202, ProposalSchema)
def close(campaign: UUID) -> Any:
    """Ask a second person to end a campaign."""
    return _proposed(service.close(core(), actor=actor(), campaign=CampaignId(campaign)))


def _proposed(approval: UUID) -> dict[str, UUID]:
    return {"approval_id": approval}
