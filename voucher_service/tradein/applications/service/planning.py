"""Plan a pool of places for applications: an offer of a trade-in campaign, approved and funded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignKind, OfferKind, OfferPlan, PlanInvalid
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import CampaignId, OfferId
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account

from ... import shelf
from ...policy import Category, Policy
from .. import store
from ..model import GRANTED, HOLDING, SCHEMES
from ..pools import ApplicationPool, ApplicationPoolPlan, Standing, errors, releases
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


def pool_policies(*, first: date, last: date) -> list[Policy]:
    """The policies that a pool of a campaign of these days can be of."""
    return [
        one
        for one in shelf.shelf()
        if one.scheme in SCHEMES and one.first <= first and last <= (one.file_by or one.last)
    ]


def pool_terms(core: Core, *, offers: Sequence[OfferId]) -> list[dict[str, Any]]:
    """The terms of pools as an approver signs for them, as plain JSON."""
    with core.transaction() as session:
        return _frozen(session, offers)


def pool_standings(core: Core, *, actor: Actor, campaign: CampaignId) -> list[Standing]:
    """How the pools of a campaign stand. Raises NoSuchThing, also outside the reader's area."""
    _, offers, _ = campaigns.campaign(core, actor=actor, campaign=campaign)
    with core.transaction() as session:
        now = core.now(session)
        return [_standing(session, one, now) for one in store.pools(session, offers)]


def _standing(session: Session, pool: ApplicationPool, now: datetime) -> Standing:
    counts, left = store.counts(session, pool.offer.id), account(pool.offer.id, Stage.RESERVED)
    released = sum(one.quota for one in pool.offer.releases if one.opens_at <= now)
    open_now = any(one.opens_at <= now < one.closes_at for one in pool.offer.releases)
    granted = sum(counts.get(one, 0) for one in GRANTED)
    held = sum(counts.get(one, 0) for one in HOLDING)
    places = max(0, released - held) if open_now else 0
    return Standing(pool, held - granted, granted, places, ledger.balance(session, left))


def _frozen(session: Session, offers: Sequence[OfferId]) -> list[dict[str, Any]]:
    """The terms of pools that an approver signs for."""
    return [
        {"offer": str(row.offer_id), "scheme": str(row.scheme), "policy": row.policy_id}
        for row in store.pool_rows(session, offers)
    ]


campaigns.also_frozen("application_pools", _frozen)
