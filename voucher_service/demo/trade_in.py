"""Trade-in in the demonstration: a campaign with pools for appliances and for digital goods."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import date, time, timedelta

from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import Level
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import (
    Campaign,
    CampaignKind,
    CampaignStatus,
    ProgrammeExists,
)
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import Money
from voucher_service.tradein import service as tradein
from voucher_service.tradein import shelf
from voucher_service.tradein.policy import Category, Policy, Scheme
from voucher_service.tradein.qualifications import Every, PoolPlan

SLUG, NAME = "demo-trade-in", "以旧换新 家电和数码"
FUNDERS = (
    ("central", "中央超长期特别国债", Level.CENTRAL, 8_500),
    ("city", "阳江市财政", Level.CITY, 1_500),
)
_MOST_DAYS = 60
_TITLES = {Scheme.APPLIANCE: "家电以旧换新资格", Scheme.DIGITAL: "手机平板购新资格"}
# Twice as many as the money pays at the cap: most lapse, and the pool stops by itself.
_OVERBOOK_BPS = 10_000
_A_DAY = 50


def load(
    core: Core, today: date, *, area: str, planner: Actor, sign: Callable[[ApprovalId], None]
) -> None:
    """Load what is missing; nothing in a year whose rules are not on the shelf.

    `sign` has the approvers sign a proposal.
    """
    policies = [
        one for one in shelf.shelf() if one.scheme in _TITLES and one.first <= today <= one.last
    ]
    if not policies:
        return
    last = min(today + timedelta(days=_MOST_DAYS), *(one.last for one in policies))
    with contextlib.suppress(ProgrammeExists):
        campaigns.create_programme(
            core,
            actor=planner,
            slug=SLUG,
            name="以旧换新 示范",
            name_en="Trade-in (demo)",
            brand="renew",
            opens_on=today - timedelta(days=1),
            closes_on=last,
        )
    standing = campaigns.campaigns(core, actor=planner, programme=SLUG)
    found = next((one for one in standing if one.name == NAME), None)
    if found is None:
        found = campaigns.create_campaign(
            core,
            actor=planner,
            programme=SLUG,
            name=NAME,
            kind=CampaignKind.TRADE_IN,
            area=area,
            opens_on=today,
            closes_on=last,
        ).value
    if found.status is CampaignStatus.DRAFT:
        _fill(core, found, policies, planner, area)
        sign(campaigns.submit(core, actor=planner, campaign=found.id))


def _fill(
    core: Core, campaign: Campaign, policies: Sequence[Policy], planner: Actor, area: str
) -> None:
    _, offers, lines = campaigns.campaign(core, actor=planner, campaign=campaign.id)
    titles = {one.title for one in offers}
    for policy in policies:
        listed = {one for rule in policy.rules for one in rule.categories}
        plan = PoolPlan(
            _TITLES[policy.scheme],
            policy.id,
            tuple(one for one in Category if one in listed),
            Every.DAY,
            _A_DAY,
            valid_days=3,
            overbook_bps=_OVERBOOK_BPS,
            opens=time(0),
            closes=time(23, 59),
        )
        if plan.title not in titles:
            tradein.create_pool(core, actor=planner, campaign=campaign.id, plan=plan)
    _, offers, _ = campaigns.campaign(core, actor=planner, campaign=campaign.id)
    total = Money.total(one.face_value * one.quota for one in offers)
    paying = {one.funder.code for one in lines}
    amounts = total.split([share for *_, share in FUNDERS])
    for (code, name, level, share), amount in zip(FUNDERS, amounts, strict=True):
        if code not in paying:
            budgets.create_funder(core, actor=SYSTEM, code=code, name=name, level=level, area=area)
            campaigns.add_budget_line(
                core,
                actor=planner,
                campaign=campaign.id,
                funder=code,
                amount=amount,
                share_bps=share,
                fallback=code == "city",
            )
