"""The demonstration's money for cars: a campaign with a pool for each scheme in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, Programme
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.money import Money
from voucher_service.tradein import shelf
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.applications.model import SCHEMES
from voucher_service.tradein.applications.pools import ApplicationPoolPlan
from voucher_service.tradein.policy import Policy, Scheme
from voucher_service.tradein.qualifications import Every

_NAME = "汽车以旧换新"
_PLACES_A_MONTH = 50
_TITLES = {Scheme.CAR_SCRAP: "汽车报废更新名额", Scheme.CAR_REPLACE: "汽车置换更新名额"}


def load(
    core: Core,
    programme: Programme,
    area: str,
    *,
    today: date,
    planner: Actor,
    approvers: Sequence[Actor],
) -> None:
    """Plan, fund and publish what is missing; nothing in a year without policies for cars."""
    standing = campaigns.campaigns(core, actor=planner, programme=programme.slug)
    policies = [one for scheme in SCHEMES if (one := _policy(scheme, area, today)) is not None]
    if not policies or any(one.name == _NAME for one in standing):
        return
    last = min(one.file_by or one.last for one in policies)
    made = campaigns.create_campaign(
        core,
        actor=planner,
        programme=programme.slug,
        name=_NAME,
        kind=CampaignKind.TRADE_IN,
        area=area,
        opens_on=today,
        closes_on=min(last, programme.closes_on),
    ).value
    pools = [
        applications.create_pool(
            core,
            actor=planner,
            campaign=made.id,
            plan=ApplicationPoolPlan(_TITLES[one.scheme], one.id, Every.MONTH, _PLACES_A_MONTH),
        ).value
        for one in policies
    ]
    campaigns.add_budget_line(
        core,
        actor=planner,
        campaign=made.id,
        funder="city",
        amount=Money.total(one.offer.face_value * one.offer.quota for one in pools),
        share_bps=10_000,
    )
    proposal = campaigns.submit(core, actor=planner, campaign=made.id)
    waiting = approvals.get(core, actor=planner, approval=proposal)
    for signer in approvers[: waiting.signatures_needed]:
        approvals.approve(core, actor=signer, approval=proposal)


def _policy(scheme: Scheme, area: str, on: date) -> Policy | None:
    """The policy that pays for what is bought on a day, published last."""
    fitting = [
        one
        for one in shelf.shelf()
        if one.scheme is scheme
        and one.first <= on <= one.last
        and (not one.areas or any(areas.within(area, place) for place in one.areas))
    ]
    return max(fitting, key=lambda one: one.published_on, default=None)
