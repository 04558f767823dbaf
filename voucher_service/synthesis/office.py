"""The bureau of a synthetic book: who plans, who signs, and the money of its campaigns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import MOST_SIGNATURES, Status
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Budget, BudgetId, FundId
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.ids import ApprovalId, CampaignId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.replay.players import player
from voucher_service.replay.publish import WantedCampaign


@dataclass(frozen=True, slots=True)
class Office:
    """Accounts of this book alone; nobody knows their passwords."""

    planner: Actor
    approvers: Sequence[Actor]

    def sign(self, core: Core, asked: ApprovalId) -> None:
        """Sign a proposal as often as it takes."""
        for signer in self.approvers:
            if approvals.approve(core, actor=signer, approval=asked).status is Status.EXECUTED:
                return

    def close(self, core: Core, campaign: CampaignId) -> None:
        """End a campaign."""
        self.sign(core, campaigns.close(core, actor=self.planner, campaign=campaign))


def office(core: Core) -> Office:
    """Open the accounts."""
    planner, *approvers = (
        player(core, role, of="synthesis")
        for role in (Role.PLANNER, *[Role.APPROVER] * MOST_SIGNATURES)
    )
    return Office(planner, approvers)


def budgeted(
    core: Core, staff: Office, programme: str, city: str, wanted: Sequence[WantedCampaign]
) -> dict[str, BudgetId]:
    """What the campaigns need: appropriated by each funder, in a frame of the city's and a part
    for each county. Returns the budgets by area.
    """
    needs: dict[str, dict[str, Money]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for one in wanted:
        for line in one.lines:
            needs[one.area][line.funder] += line.amount
    funds = _funds(core, staff, programme, min(one.opens_on for one in wanted).year, needs)
    with core.transaction() as session:
        found = campaigns.programme(session, slug=programme)
    areas_of = {one.code: one.area for one in budgets.funders(core)}
    # What a county has of another area's fund comes down through the frame.
    frame_needs = dict(needs[city])
    for area, parts in needs.items():
        for funder, amount in parts.items():
            if area not in (city, areas_of[funder]):
                frame_needs[funder] = frame_needs.get(funder, ZERO) + amount
    frame = budgets.create_budget(
        core, actor=staff.planner, programme=found.id, name=f"{programme} 总盘子", area=city
    )
    _allot(core, staff, frame, funds, frame_needs)
    made = {city: frame.id}
    for area in sorted(needs.keys() - {city}):
        part = budgets.create_budget(
            core,
            actor=staff.planner,
            programme=found.id,
            name=f"{programme} {area}",
            area=area,
            parent=frame.id,
        )
        _allot(core, staff, part, funds, needs[area])
        made[area] = part.id
    return made


def _funds(
    core: Core,
    staff: Office,
    programme: str,
    year: int,
    needs: dict[str, dict[str, Money]],
) -> dict[str, FundId]:
    funds: dict[str, FundId] = {}
    for funder in sorted({funder for parts in needs.values() for funder in parts}):
        amount = Money.total(parts.get(funder, ZERO) for parts in needs.values())
        move = budgets.appropriate(
            core,
            actor=staff.planner,
            funder=funder,
            year=year,
            purpose_code="",
            document=f"合成〔{year}〕{programme}",
            amount=amount,
            key=f"{programme}:{funder}",
        ).value
        staff.sign(core, move.approval_id)
        funds[funder] = move.fund.id
    return funds


def _allot(
    core: Core, staff: Office, budget: Budget, funds: dict[str, FundId], needs: dict[str, Money]
) -> None:
    for funder, amount in sorted(needs.items()):
        move = budgets.allot(
            core,
            actor=staff.planner,
            budget=budget.id,
            fund=funds[funder],
            amount=amount,
            key=f"{budget.id}:{funder}",
        ).value
        staff.sign(core, move.approval_id)
