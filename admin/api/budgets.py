"""Funds, budgets, allotments and caps: what moves money or sets a cap answers with a proposal."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from admin.api import budget_schemas as schemas
from admin.paging import cut
from admin.schemas import ProposalSchema
from voucher_service.budgets import service
from voucher_service.budgets.model import Budget, BudgetId, FundId, Move, Span
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.ids import BudgetLineId, CampaignId
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import line as account_of
from voucher_service.web.api import ApiBlueprint
from voucher_service.web.auth import actor
from voucher_service.web.idempotency import idempotency_key, replay_header
from voucher_service.web.schemas import PageArgs, page_of
from voucher_service.web.site import core

budgets = ApiBlueprint("budgets", __name__, url_prefix="/api/v1")
planning = ApiBlueprint("budget-planning", __name__, url_prefix="/api/v1")

Proposed = tuple[dict[str, UUID], int, dict[str, str]]


@budgets.route("/funds", methods=["GET"])
@budgets.arguments(PageArgs, location="query")
@budgets.response(200, page_of(schemas.FundSchema))
def list_funds(args: dict[str, Any]) -> Any:
    """Funds of the caller's area, the newest year first."""
    return cut(service.funds(core(), actor=actor()), args, lambda one: str(one.id))


@planning.route("/funds", methods=["POST"])
@planning.arguments(schemas.NewFundSchema)
@planning.response(202, ProposalSchema)
def appropriate(body: dict[str, Any]) -> Proposed:
    """Propose to book what a funder appropriated. Needs an Idempotency-Key."""
    return _proposed(service.appropriate(core(), actor=actor(), key=idempotency_key(), **body))


@budgets.route("/funds/<uuid:id>", methods=["GET"])
@budgets.response(200, schemas.FundSchema)
def show_fund(id: UUID) -> Any:
    """One fund."""
    return service.fund(core(), actor=actor(), fund=FundId(id))


@budgets.route("/funds/<uuid:id>/standing", methods=["GET"])
@budgets.arguments(schemas.AtArgs, location="query")
@budgets.response(200, schemas.StandingSchema)
def fund_standing(args: dict[str, Any], id: UUID) -> Any:
    """Where the fund's money stands, down to the lines of campaigns."""
    return service.fund_standing(core(), actor=actor(), fund=FundId(id), at=args["at"])


@budgets.route("/funds/<uuid:id>/moves", methods=["GET"])
@budgets.arguments(PageArgs, location="query")
@budgets.response(200, page_of(schemas.MoveSchema))
def fund_moves(args: dict[str, Any], id: UUID) -> Any:
    """What was proposed with the fund's money, newest first."""
    found = service.moves(core(), actor=actor(), fund=FundId(id))
    return cut(found, args, lambda one: str(one.id))


@planning.route("/funds/<uuid:id>/return", methods=["POST"])
@planning.arguments(schemas.AmountSchema)
@planning.response(202, ProposalSchema)
def return_fund(body: dict[str, Any], id: UUID) -> Proposed:
    """Propose to give money back to the treasury. Needs an Idempotency-Key."""
    return _proposed(
        service.return_to_treasury(
            core(), actor=actor(), fund=FundId(id), key=idempotency_key(), **body
        )
    )


@planning.route("/funds/<uuid:id>/carry-over", methods=["POST"])
@planning.arguments(schemas.AmountSchema)
@planning.response(202, ProposalSchema)
def carry_over(body: dict[str, Any], id: UUID) -> Proposed:
    """Propose to carry money into the next year. Needs an Idempotency-Key."""
    return _proposed(
        service.carry_over(core(), actor=actor(), fund=FundId(id), key=idempotency_key(), **body)
    )


@budgets.route("/budgets", methods=["GET"])
@budgets.arguments(schemas.BudgetArgs, location="query")
@budgets.response(200, page_of(schemas.BudgetSchema))
def list_budgets(args: dict[str, Any]) -> Any:
    """Budgets of the caller's area, a frame before its parts."""
    slugs = _slugs()
    found = service.budgets(core(), actor=actor())
    shown = [_shown(one, slugs) for one in found]
    wanted = [one for one in shown if args["programme"] in (None, one["programme"])]
    return cut(wanted, args, lambda one: str(one["id"]))


@planning.route("/budgets", methods=["POST"])
@planning.arguments(schemas.BudgetSchema)
@planning.response(201, schemas.BudgetSchema)
def open_budget(body: dict[str, Any]) -> Any:
    """Open the frame of a programme, or a part of a budget; empty until money is allotted."""
    with core().transaction() as session:
        programme = campaigns.programme(session, slug=body.pop("programme"))
    made = service.create_budget(
        core(),
        actor=actor(),
        programme=programme.id,
        name=body["name"],
        area=body["area"],
        parent=body["parent_id"] and BudgetId(body["parent_id"]),
    )
    return _shown(made, {programme.id: programme.slug})


@budgets.route("/budgets/<uuid:id>", methods=["GET"])
@budgets.response(200, schemas.BudgetSchema)
def show_budget(id: UUID) -> Any:
    """One budget."""
    return _shown(service.budget(core(), actor=actor(), budget=BudgetId(id)), _slugs())


@budgets.route("/budgets/<uuid:id>/standing", methods=["GET"])
@budgets.arguments(schemas.AtArgs, location="query")
@budgets.response(200, schemas.StandingSchema)
def budget_standing(args: dict[str, Any], id: UUID) -> Any:
    """Where the money of a budget and its parts stands, down to the lines of campaigns."""
    return service.budget_standing(core(), actor=actor(), budget=BudgetId(id), at=args["at"])


@budgets.route("/budgets/<uuid:id>/allotments", methods=["GET"])
@budgets.arguments(PageArgs, location="query")
@budgets.response(200, page_of(schemas.AllotmentSchema))
def list_allotments(args: dict[str, Any], id: UUID) -> Any:
    """What the budget was given of each fund, the oldest fund first."""
    found = service.allotments(core(), actor=actor(), budget=BudgetId(id))
    return cut(found, args, lambda one: str(one.id))


@planning.route("/budgets/<uuid:id>/allotments", methods=["POST"])
@planning.arguments(schemas.AllotSchema)
@planning.response(202, ProposalSchema)
def allot(body: dict[str, Any], id: UUID) -> Proposed:
    """Propose to give a budget money: from the fund, or from the budget above. Needs an
    Idempotency-Key.
    """
    return _proposed(service.allot(core(), actor=actor(), **_of_budget(body, id)))


@planning.route("/budgets/<uuid:id>/hand-back", methods=["POST"])
@planning.arguments(schemas.AllotSchema)
@planning.response(202, ProposalSchema)
def hand_back(body: dict[str, Any], id: UUID) -> Proposed:
    """Propose to give money back to where the budget got it from. Needs an Idempotency-Key."""
    return _proposed(service.hand_back(core(), actor=actor(), **_of_budget(body, id)))


@budgets.route("/budgets/<uuid:id>/moves", methods=["GET"])
@budgets.arguments(PageArgs, location="query")
@budgets.response(200, page_of(schemas.MoveSchema))
def budget_moves(args: dict[str, Any], id: UUID) -> Any:
    """What was proposed to give the budget or to hand back, newest first."""
    found = service.moves(core(), actor=actor(), budget=BudgetId(id))
    return cut(found, args, lambda one: str(one.id))


@budgets.route("/budgets/<uuid:id>/caps", methods=["GET"])
@budgets.response(200, schemas.CapsSchema)
def budget_caps(id: UUID) -> Any:
    """What the budget with its parts may issue at most, and what is planned."""
    return {"items": campaigns.budget_caps(core(), actor=actor(), budget=BudgetId(id))}


@planning.route("/budgets/<uuid:id>/caps", methods=["PUT"])
@planning.arguments(schemas.NewCapsSchema)
@planning.response(202, ProposalSchema)
def cap_budget(body: dict[str, Any], id: UUID) -> dict[str, UUID]:
    """Propose caps: null lifts one, what is left out stays."""
    approval = campaigns.cap_budget(core(), actor=actor(), budget=BudgetId(id), amounts=_caps(body))
    return {"approval_id": approval}


@budgets.route("/campaigns/<uuid:id>/standing", methods=["GET"])
@budgets.arguments(schemas.AtArgs, location="query")
@budgets.response(200, schemas.StandingSchema)
def campaign_standing(args: dict[str, Any], id: UUID) -> Any:
    """Where the money of a campaign's lines stands."""
    campaigns.campaign(core(), actor=actor(), campaign=CampaignId(id))
    return service.campaign_standing(core(), campaign=CampaignId(id), at=args["at"])


@budgets.route("/campaigns/<uuid:id>/caps", methods=["GET"])
@budgets.response(200, schemas.CapsSchema)
def campaign_caps(id: UUID) -> Any:
    """What the campaign may issue at most, and what is planned."""
    return {"items": campaigns.campaign_caps(core(), actor=actor(), campaign=CampaignId(id))}


@planning.route("/campaigns/<uuid:id>/caps", methods=["PUT"])
@planning.arguments(schemas.NewCapsSchema)
@planning.response(202, ProposalSchema)
def cap_campaign(body: dict[str, Any], id: UUID) -> dict[str, UUID]:
    """Propose caps of one campaign: null lifts one, what is left out stays."""
    approval = campaigns.cap_campaign(
        core(), actor=actor(), campaign=CampaignId(id), amounts=_caps(body)
    )
    return {"approval_id": approval}


@budgets.route("/budget-lines/<uuid:id>/statement", methods=["GET"])
@budgets.arguments(schemas.StatementArgs, location="query")
@budgets.response(200, page_of(schemas.StatementLineSchema))
def statement(args: dict[str, Any], id: UUID) -> Any:
    """What moved on one account of a line, newest first, with the balance after each."""
    return lines_of(
        BudgetLineId(id), Stage(args["stage"]), args["until"], args["cursor"], args["limit"]
    )


def lines_of(
    id: BudgetLineId, stage: Stage, until: datetime | None, cursor: str | None, limit: int
) -> Any:
    """A page of a line's statement, for those who see its campaign. Raises NoSuchThing."""
    with core().transaction() as session:
        campaign = service.line_of(session, line=id).campaign_id
    campaigns.campaign(core(), actor=actor(), campaign=campaign)
    with core().transaction() as session:
        return ledger.statement(
            session, account_of(id, stage), until=until, cursor=cursor, limit=limit
        )


def _of_budget(body: dict[str, Any], id: UUID) -> dict[str, Any]:
    return {
        "budget": BudgetId(id),
        "fund": FundId(body["fund_id"]),
        "amount": body["amount"],
        "key": idempotency_key(),
    }


def _proposed(made: Outcome[Move]) -> Proposed:
    return {"approval_id": made.value.approval_id}, 202, replay_header(made.replayed)


def _caps(body: dict[str, Any]) -> dict[Span, Any]:
    return {span: body[str(span)] for span in Span if str(span) in body}


def _slugs() -> dict[Any, str]:
    return {one.id: one.slug for one in campaigns.programmes(core())}


def _shown(one: Budget, slugs: dict[Any, str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "programme": slugs[one.programme_id],
        "parent_id": one.parent_id,
        "name": one.name,
        "area": one.area,
    }
