"""Drafts of campaigns with their offers and lines, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Status
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Allotment
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, Offer, OfferKind, OfferPlan, ReleasePlan
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.ids import ApprovalId, VoucherId
from voucher_service.kernel.money import Money
from voucher_service.vouchers import service as vouchers

from .city import offers_of
from .steps import Asked, Effect, Line, Running, Step, nothing, publishing
from .sums import Delta

if TYPE_CHECKING:
    from .walk import Walk

_DAYS = 20
_HOLDER = text("SELECT resident_id FROM voucher WHERE id = :id")


def drafted(walk: Walk) -> Step | None:
    """Plan a campaign on a budget that has money for it, by one of three rules."""
    planner, random = walk.city.world.planner, walk.random
    budget = random.choice(list(walk.city.budgets.values()))
    mine = budgets.allotments(walk.core, actor=planner, budget=budget.id)
    sources = _by_funder(walk, mine)
    if not sources:
        return None
    wanted = [offers_of(random) for _ in range(random.randint(1, 2))]
    cost = sum(face * 100 * quota for face, quota in wanted)
    name, key, lapse_returns = f"活动 {walk.key()}", walk.key(), random.random() < 0.7
    slugs = [f"w{walk.seed}-{next(walk.numbers)}" for _ in wanted]
    rules = _rules(walk, list(sources), cost)

    def act(core: Core) -> Running:
        campaign = campaigns.create_campaign(
            core,
            actor=planner,
            programme=walk.city.programme.slug,
            name=name,
            kind=CampaignKind.VOUCHER,
            area=budget.area,
            opens_on=day_of(walk.now),
            closes_on=day_of(walk.now) + timedelta(days=_DAYS),
            budget=budget.id,
            key=key,
        ).value
        offers = [
            campaigns.create_offer(
                core,
                actor=planner,
                campaign=campaign.id,
                plan=_plan(walk, slug, face, quota, lapse_returns),
                key=slug,
            ).value
            for slug, (face, quota) in zip(slugs, wanted, strict=True)
        ]
        lines = [
            campaigns.add_budget_line(
                core,
                actor=planner,
                campaign=campaign.id,
                funder=funder,
                amount=Money(amount),
                share_bps=bps,
                fallback=fallback,
                shop_area=shop_area,
                key=f"{key}-{i}",
            ).value
            for i, (funder, amount, bps, fallback, shop_area) in enumerate(rules)
        ]
        return Running(
            campaign.id,
            [_line(one) for one in lines],
            {one.id: one.face_value.fen for one in offers},
            {one.id: one.face_value.fen * one.quota for one in offers},
            start_of(day_of(walk.now)) + timedelta(days=_DAYS),
        )

    def effect(answer: Any, seen: Delta) -> Delta:
        walk.campaigns.append(answer)
        return nothing(answer, seen)

    return Step("plan", act, effect)


def asked(
    walk: Walk,
    one: Running,
    name: str,
    service: Callable[..., ApprovalId],
    then: str,
    *,
    effect: Effect | None = None,
) -> Step:
    """Ask a second person to do something with a campaign."""
    planner = walk.city.world.planner

    def act(core: Core) -> ApprovalId:
        return service(core, actor=planner, campaign=one.id)

    def remembered(answer: Any, seen: Delta) -> Delta:
        if answer is None:
            standing = walk.patiently(
                lambda: approvals.latest(
                    walk.core, actor=planner, about=one.id, status=Status.WAITING
                )
            )
            answer = standing and standing.id
        due = publishing(one) if then == "running" else effect or nothing
        if answer is not None:
            walk.asked.append(Asked(answer, due, one, then))
        if then == "running":
            one.status = "submitted"
        return nothing(answer, seen)

    return Step(name, act, remembered)


def happened(walk: Walk, one: Running, then: str) -> None:
    """A campaign was published, resumed or closed."""
    one.status = "closed" if then == "closed" else "running"
    one.offers = walk.patiently(lambda: _offers(walk, one))


def _offers(walk: Walk, one: Running) -> dict[UUID, Offer]:
    with walk.core.transaction() as session:
        found = campaigns.campaign_offers(session, campaign=one.id)
    return {offer.id: offer for offer in found}


def code_of(core: Core, voucher: UUID) -> str:
    """The code that the voucher's holder would show now."""
    with core.transaction() as session:
        holder = session.execute(_HOLDER, {"id": voucher}).scalar_one()
    actor = Actor(ActorKind.RESIDENT, holder)
    _, _, (code,) = vouchers.codes(core, actor=actor, voucher=VoucherId(voucher))
    return code.text


def _plan(walk: Walk, slug: str, face: int, quota: int, lapse_returns: bool) -> OfferPlan:
    return OfferPlan(
        title=f"满{face * 5}减{face}",
        kind=OfferKind.THRESHOLD,
        face_value=Money.of_yuan(face),
        threshold=Money.of_yuan(face * 5),
        quota=quota,
        per_resident_limit=3,
        valid_days=walk.random.randint(1, 4),
        releases=(ReleasePlan(start_of(day_of(walk.now)), quota),),
        slug=slug,
        lapse_returns=lapse_returns,
    )


def _rules(walk: Walk, funders: list[str], cost: int) -> list[tuple[str, int, int, bool, str]]:
    """Lines: one payer, two by ratio, or a county that bears half of what its shops take."""
    first = "city" if "city" in funders else funders[0]
    if len(funders) == 1:
        return [(first, cost, 10_000, True, "")]
    other = walk.random.choice([one for one in funders if one != first])
    bps = walk.random.randint(1, 9_999)
    if walk.random.random() < 0.5:
        mine = cost * bps // 10_000 + 2
        return [(first, mine, bps, True, ""), (other, cost - mine + 4, 10_000 - bps, False, "")]
    area = walk.city.funders[other]
    some = walk.random.randint(1, max(1, cost // 2))
    return [(first, cost, 10_000, True, ""), (other, some, bps, False, area)]


def _by_funder(walk: Walk, mine: list[Allotment]) -> dict[str, Allotment]:
    found: dict[str, Allotment] = {}
    for one in mine:
        if one.available > Money(0):
            found.setdefault(one.fund.funder.code, one)
    return found


def _line(one: Any) -> Line:
    assert one.allotment_id is not None
    return Line(one.id, one.allotment_id, one.amount.fen, one.share_bps, one.shop_area)
