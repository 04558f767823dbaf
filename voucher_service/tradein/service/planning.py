"""Plan a pool: an offer of a trade-in campaign, approved and funded like any other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import (
    CampaignKind,
    OfferKind,
    OfferPlan,
    PlanInvalid,
)
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome as Answered
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import CampaignId, OfferId
from voucher_service.kernel.money import Money

from .. import shelf, store
from ..policy import Category, Policy, Share
from ..qualifications import AT_THE_TILL, Outcome, Pool, PoolPlan, errors, releases, set_aside
from ..tables import PoolRow

# A rate takes something off an order of this much; what a till computes is the policy's.
_LEAST_ORDER = Money.of_yuan(100)


def create_pool(
    core: Core, *, actor: Actor, campaign: CampaignId, plan: PoolPlan, key: str | None = None
) -> Answered[Pool]:
    """Add a pool to the draft of a trade-in campaign.

    Its offer's face value is the money set aside for each qualification, so that publishing
    reserves what the releases add up to, over-booked or not. Raises NoSuchThing, CampaignNotDraft,
    PlanInvalid.
    """
    policy = {one.id: one for one in shelf.shelf()}.get(plan.policy)
    with core.transaction() as session:
        found = campaigns.draft(session, actor, campaign)
        if wrong := dict(errors(plan, policy, found)):
            raise PlanInvalid(extra={"errors": wrong}, fields=", ".join(sorted(wrong)))
        assert policy is not None, "a plan without a policy was refused"
        slices = releases(plan, found)
        made = campaigns.add_offer(
            session,
            actor=actor,
            campaign=found,
            plan=OfferPlan(
                title=plan.title,
                kind=OfferKind.PERCENT_CAPPED,
                face_value=set_aside(policy.most(), plan.overbook_bps),
                threshold=_LEAST_ORDER,
                rate_bps=_rate(policy),
                quota=sum(one.quota for one in slices),
                per_resident_limit=sum(policy.units_of(one) for one in plan.categories),
                valid_days=plan.valid_days,
                releases=slices,
                lapse_returns=True,
            ),
            kind=CampaignKind.TRADE_IN,
            key=key,
        )
        if not made.replayed:
            session.add(
                PoolRow(
                    offer_id=made.value.id,
                    policy_id=policy.id,
                    categories=[str(one) for one in plan.categories],
                    overbook_bps=plan.overbook_bps,
                    reclaims=plan.reclaims,
                    ends_on=min(found.closes_on, policy.last),
                )
            )
            session.flush()
        (pool,) = store.pools(session, [made.value])
        return Answered(pool, made.replayed)


def terms(core: Core, *, offers: Sequence[OfferId]) -> list[dict[str, Any]]:
    """The terms of pools as an approver signs for them, as plain JSON."""
    with core.transaction() as session:
        return _frozen(session, offers)


def policies(*, first: date, last: date) -> list[Policy]:
    """The policies that a pool of a campaign of these days can be of."""
    return [
        one
        for one in shelf.shelf()
        if one.scheme in AT_THE_TILL and one.first <= first and last <= one.last
    ]


def outcome(core: Core, *, categories: Collection[Category]) -> Outcome:
    """What became of earlier qualifications of these categories, over all pools."""
    with core.transaction() as session:
        return store.outcome(session, categories)


def _rate(policy: Policy) -> int:
    return max(rule.amount.rate.value for rule in policy.rules if isinstance(rule.amount, Share))


def _frozen(session: Session, offers: Sequence[OfferId]) -> list[dict[str, Any]]:
    """The terms of pools that an approver signs for."""
    rows = session.scalars(
        select(PoolRow).where(PoolRow.offer_id.in_(offers)).order_by(PoolRow.offer_id)
    )
    return [
        {
            "offer": str(row.offer_id),
            "policy": row.policy_id,
            "categories": list(row.categories),
            "overbook_bps": row.overbook_bps,
            "reclaims": row.reclaims,
            "ends_on": row.ends_on.isoformat(),
        }
        for row in rows
    ]


campaigns.also_frozen("qualification_pools", _frozen)
