"""Plan a pool of places for applications: an offer of a trade-in campaign, approved and funded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, OfferKind, OfferPlan, PlanInvalid
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import CampaignId, OfferId

from ... import shelf
from ...policy import Category
from .. import store
from ..pools import ApplicationPool, ApplicationPoolPlan, errors, releases
from ..tables import ApplicationPoolRow

# An offer names the least order that it takes its sum off. What is paid is the policy's: the sums
# of national and local tables are 3 to 13 % of a car's price.
_LEAST_PRICES = 5


def create_pool(
    core: Core,
    *,
    actor: Actor,
    campaign: CampaignId,
    plan: ApplicationPoolPlan,
    key: str | None = None,
) -> Outcome[ApplicationPool]:
    """Add a pool of places to the draft of a trade-in campaign.

    Its offer's face value is the most that its policy pays, so that publishing reserves it for each
    place. Raises NoSuchThing, CampaignNotDraft, PlanInvalid.
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
                kind=OfferKind.THRESHOLD,
                face_value=policy.most(),
                threshold=policy.most() * _LEAST_PRICES,
                quota=sum(one.quota for one in slices),
                per_resident_limit=policy.units_of(Category.CAR),
                valid_days=1,
                releases=slices,
                lapse_returns=True,
            ),
            kind=CampaignKind.TRADE_IN,
            key=key,
        )
        if not made.replayed:
            row = ApplicationPoolRow(
                offer_id=made.value.id, scheme=policy.scheme, policy_id=policy.id
            )
            session.add(row)
            session.flush()
        (pool,) = store.pools(session, [made.value])
        return Outcome(pool, made.replayed)


def _frozen(session: Session, offers: Sequence[OfferId]) -> list[dict[str, Any]]:
    """The terms of pools that an approver signs for."""
    return [
        {"offer": str(row.offer_id), "scheme": str(row.scheme), "policy": row.policy_id}
        for row in store.pool_rows(session, offers)
    ]


campaigns.also_frozen("application_pools", _frozen)
