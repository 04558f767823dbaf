"""Bring a campaign to published through the real services, from wherever an earlier run left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Status as ApprovalStatus
from voucher_service.budgets.model import BudgetId
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign, CampaignKind, CampaignStatus, OfferPlan
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.money import Money
from voucher_service.tradein import service as tradein
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.applications.pools import ApplicationPoolPlan
from voucher_service.tradein.qualifications import PoolPlan


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A funder's part of a campaign."""

    funder: str
    amount: Money
    share_bps: int
    fallback: bool = False
    shop_area: str = ""


@dataclass(frozen=True, slots=True)
class WantedCampaign:
    """A campaign as it should stand."""

    programme: str
    name: str
    area: str
    opens_on: date
    closes_on: date
    offers: tuple[OfferPlan, ...]
    lines: tuple[WantedLine, ...]
    budget: BudgetId | None = None
    pool: PoolPlan | ApplicationPoolPlan | None = None

    @property
    def kind(self) -> CampaignKind:
        """Trade-in where it has a pool."""
        return CampaignKind.TRADE_IN if self.pool else CampaignKind.VOUCHER


def publish(
    core: Core, wanted: WantedCampaign, *, planner: Actor, approvers: Sequence[Actor]
) -> Campaign:
    """Plan what is missing, submit and approve; nothing when it is published already.

    Planner and approvers are different persons, as everywhere; as many of them sign as are needed.
    """
    found = _standing(core, wanted, planner) or _create(core, wanted, planner)
    if found.status is CampaignStatus.DRAFT:
        _fill(core, wanted, found, planner)
        campaigns.submit(core, actor=planner, campaign=found.id)
    sign(core, about=found.id, action=campaigns.PUBLISH, actor=planner, approvers=approvers)
    return found


def sign(core: Core, *, about: UUID, action: str, actor: Actor, approvers: Sequence[Actor]) -> None:
    """Approve what waits about a thing, by as many as are needed; nothing when nothing waits."""
    waiting = approvals.latest(
        core, actor=actor, about=about, status=ApprovalStatus.WAITING, action=action
    )
    if waiting is not None:
        fresh = [one for one in approvers if waiting.may_sign(one)]
        for signer in fresh[: waiting.signatures_needed - len(waiting.signatures)]:
            approvals.approve(core, actor=signer, approval=waiting.id)


def _standing(core: Core, wanted: WantedCampaign, planner: Actor) -> Campaign | None:
    standing = campaigns.campaigns(core, actor=planner, programme=wanted.programme)
    same = (one for one in standing if (one.name, one.area) == (wanted.name, wanted.area))
    return next(same, None)


def _create(core: Core, wanted: WantedCampaign, planner: Actor) -> Campaign:
    return campaigns.create_campaign(
        core,
        actor=planner,
        programme=wanted.programme,
        name=wanted.name,
        kind=wanted.kind,
        area=wanted.area,
        opens_on=wanted.opens_on,
        closes_on=wanted.closes_on,
        budget=wanted.budget,
    ).value


def _fill(core: Core, wanted: WantedCampaign, found: Campaign, planner: Actor) -> None:
    _, offers, lines = campaigns.campaign(core, actor=planner, campaign=found.id)
    slugs = {one.slug for one in offers}
    for plan in wanted.offers:
        if plan.slug not in slugs:
            campaigns.create_offer(core, actor=planner, campaign=found.id, plan=plan)
    if wanted.pool is not None and wanted.pool.title not in {one.title for one in offers}:
        _create_pool(core, wanted.pool, found, planner)
    funders = {one.funder.code for one in lines}
    for line in wanted.lines:
        if line.funder not in funders:
            campaigns.add_budget_line(
                core,
                actor=planner,
                campaign=found.id,
                funder=line.funder,
                amount=line.amount,
                share_bps=line.share_bps,
                fallback=line.fallback,
                shop_area=line.shop_area,
            )


def _create_pool(
    core: Core, plan: PoolPlan | ApplicationPoolPlan, found: Campaign, planner: Actor
) -> None:
    if isinstance(plan, PoolPlan):
        tradein.create_pool(core, actor=planner, campaign=found.id, plan=plan)
    else:
        applications.create_pool(core, actor=planner, campaign=found.id, plan=plan)
