"""A treasury for tests: a programme with a frame and two counties, through the real services."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from tests.make import CITY, JIANGCHENG, World
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Budget, BudgetId, Fund, FundId, Level, Move
from voucher_service.budgets.sums import Sums
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Campaign, CampaignKind, Offer, Programme
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.money import Money
from voucher_service.reports import verification

YANGCHUN = "441781"


def yuan(amount: int) -> Money:
    return Money.of_yuan(amount)


@dataclass
class Treasury:
    """A programme with a frame and two counties, each with its own planner and approver."""

    world: World
    programme: Programme
    frame: Budget
    jiangcheng: Budget
    yangchun: Budget
    planners: dict[str, Actor]
    approvers: dict[str, Actor]

    @property
    def core(self) -> Core:
        return self.world.core

    def fund(self, funder: str, amount: Money, *, purpose: str = "", year: int = 2026) -> Fund:
        """Money a funder appropriated, approved by a second person."""
        move = budgets.appropriate(
            self.core,
            actor=self.world.planner,
            funder=funder,
            year=year,
            purpose_code=purpose,
            document=f"阳财预〔{year}〕{uuid4().hex[:6]} 号",
            amount=amount,
            key=uuid4().hex,
        ).value
        self.world.approve(move.approval_id)
        return self.look(move.fund.id)

    def look(self, fund: FundId) -> Fund:
        return budgets.fund(self.core, actor=self.world.planner, fund=fund)

    def allot(
        self, budget: Budget, fund: Fund, amount: Money, *, planner: Actor | None = None
    ) -> Move:
        """Money for a budget, approved by a second person."""
        move = budgets.allot(
            self.core,
            actor=planner or self.world.planner,
            budget=budget.id,
            fund=fund.id,
            amount=amount,
            key=uuid4().hex,
        ).value
        self.world.approve(move.approval_id)
        return move

    def hand_back(self, budget: Budget, fund: Fund, amount: Money) -> None:
        """Money a budget gives up, approved by a second person."""
        move = budgets.hand_back(
            self.core,
            actor=self.world.planner,
            budget=budget.id,
            fund=fund.id,
            amount=amount,
            key=uuid4().hex,
        ).value
        self.world.approve(move.approval_id)

    def draft(self, budget: Budget | None, *, planner: Actor | None = None) -> Campaign:
        """A campaign that draws on a budget."""
        return campaigns.create_campaign(
            self.core,
            actor=planner or self.world.planner,
            programme=self.programme.slug,
            name="惠利金秋 一场",
            kind=CampaignKind.VOUCHER,
            area=budget.area if budget else CITY,
            opens_on=self.programme.opens_on,
            closes_on=self.programme.closes_on,
            budget=budget and budget.id,
        ).value

    def line(
        self,
        campaign: Campaign,
        funder: str,
        amount: Money,
        share_bps: int = 10_000,
        **rule: object,
    ) -> None:
        campaigns.add_budget_line(
            self.core,
            actor=self.world.planner,
            campaign=campaign.id,
            funder=funder,
            amount=amount,
            share_bps=share_bps,
            **rule,  # type: ignore[arg-type]
        )

    def offer(self, campaign: Campaign, quota: int, face: int = 20) -> Offer:
        made = campaigns.create_offer(
            self.core,
            actor=self.world.planner,
            campaign=campaign.id,
            plan=self.world.plan(quota=quota, face=face, threshold=5 * face, limit=100),
        )
        return made.value

    def publish(self, campaign: Campaign, offer: Offer) -> Offer:
        self.world.publish(campaign.id)
        return self.world.reload(offer.id)

    def close(self, campaign: Campaign) -> None:
        proposal = campaigns.close(self.core, actor=self.world.planner, campaign=campaign.id)
        self.world.approve(proposal)

    def fold(self, offer: Offer) -> None:
        with self.core.transaction() as session:
            now = self.core.now(session)
            budgets.fold(session, campaign=offer.campaign_id, offer=offer.id, now=now)

    def of_fund(self, fund: Fund) -> Sums:
        return budgets.fund_standing(self.core, actor=self.world.planner, fund=fund.id).total

    def of_budget(self, budget: Budget) -> Sums:
        return budgets.budget_standing(self.core, actor=self.world.planner, budget=budget.id).total


def treasury_of(world: World) -> Treasury:
    """A fresh programme; the funders are the same for all."""
    programme = world.programme()
    world.funder("city", Level.CITY, CITY)
    world.funder("jiangcheng", Level.COUNTY, JIANGCHENG)
    world.funder("yangchun", Level.COUNTY, YANGCHUN)

    def budget(name: str, area: str, parent: BudgetId | None = None) -> Budget:
        return budgets.create_budget(
            world.core,
            actor=world.planner,
            programme=programme.id,
            name=name,
            area=area,
            parent=parent,
        )

    frame = budget("市级统筹", CITY)
    return Treasury(
        world,
        programme,
        frame,
        budget("江城区", JIANGCHENG, frame.id),
        budget("阳春市", YANGCHUN, frame.id),
        {area: world.staff(Role.PLANNER, area=area) for area in (JIANGCHENG, YANGCHUN)},
        {area: world.staff(Role.APPROVER, area=area) for area in (JIANGCHENG, YANGCHUN)},
    )


def clean(core: Core) -> set[str]:
    """The invariants of money that are broken."""
    found = verification.verify(core).breaches
    return {one.invariant for one in found if one.invariant.startswith(("L", "A"))}
