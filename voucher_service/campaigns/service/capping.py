"""Caps on what a budget or a campaign may issue: proposed by one person, set by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.audit import service as audit
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import BudgetId, Cap, Span
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId, CampaignId
from voucher_service.kernel.money import Money

from .. import store
from ..issuing import issued_at_most, not_over
from ..model import Campaign, CampaignStatus
from ..tables import CampaignRow, OfferRow

SET_BUDGET, SET_CAMPAIGN = "budget.cap", "campaign.cap"
_RUNNING = (CampaignStatus.PUBLISHED, CampaignStatus.PAUSED)
_ISSUING = (*_RUNNING, CampaignStatus.CLOSED)
Amounts = Mapping[Span, Money | None]


def cap_budget(core: Core, *, actor: Actor, budget: BudgetId, amounts: Amounts) -> ApprovalId:
    """Propose what a budget with its parts may issue at most: by campaign, day and month.

    None lifts a cap; a span that is not named keeps its own. A part's cap is signed where its money
    comes from, so that no county lifts what the city set. Raises NoSuchThing, AlreadyProposed.
    """
    found = budgets.budget(core, actor=actor, budget=budget)
    above = found.parent_id and budgets.budget(core, actor=SYSTEM, budget=found.parent_id)
    with core.transaction() as session:
        payload = {"budget": str(budget), "name": found.name, "caps": _frozen(amounts)}
        return approvals.propose(
            session,
            action=SET_BUDGET,
            object_type="budget",
            object_id=budget,
            area=(above or found).area,
            title=found.name,
            payload=payload,
            maker=actor,
            now=core.now(session),
        )


def cap_campaign(core: Core, *, actor: Actor, campaign: CampaignId, amounts: Amounts) -> ApprovalId:
    """The same for one campaign; two sign where it runs. Raises NoSuchThing, AlreadyProposed."""
    with core.transaction() as session:
        found = _mine(session, actor, campaign)
        payload = {"campaign_id": str(campaign), "name": found.name, "caps": _frozen(amounts)}
        return approvals.propose(
            session,
            action=SET_CAMPAIGN,
            object_type="campaign_cap",
            object_id=campaign,
            area=found.area,
            title=found.name,
            payload=payload,
            maker=actor,
            now=core.now(session),
            live=found.status in _RUNNING,
        )


def budget_caps(core: Core, *, actor: Actor, budget: BudgetId) -> list[Cap]:
    """The caps of a budget of the actor's area with what is planned. Raises NoSuchThing."""
    budgets.budget(core, actor=actor, budget=budget)
    with core.transaction() as session:
        return budgets.caps(session, budget=budget)


def campaign_caps(core: Core, *, actor: Actor, campaign: CampaignId) -> list[Cap]:
    """The same of a campaign. Raises NoSuchThing."""
    with core.transaction() as session:
        _mine(session, actor, campaign)
        return budgets.caps(session, campaign=campaign)


def _cap_budget(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    id = BudgetId(UUID(payload["budget"]))
    whole = budgets.keep_unpublished(session, budget=id)
    found = store.campaigns(session, CampaignRow.budget_id.in_(whole))
    budgets.set_caps(
        session,
        budget=id,
        campaign=None,
        amounts=_thawed(payload["caps"]),
        planned=_planned(session, found, now),
    )
    _record(session, "budget", id, payload, actor, now)


def _cap_campaign(
    session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime
) -> None:
    id = CampaignId(UUID(payload["campaign_id"]))
    found = store.campaign(session, id, lock=True)
    budgets.set_caps(
        session,
        budget=None,
        campaign=id,
        amounts=_thawed(payload["caps"]),
        planned=_planned(session, [found], now),
    )
    _record(session, "campaign", id, payload, actor, now)


def _record(
    session: Session, kind: str, id: UUID, payload: Mapping[str, Any], actor: Actor, now: datetime
) -> None:
    audit.record(
        session,
        actor=actor,
        action=f"{kind}.capped",
        object_type=f"{kind}_cap",
        object_id=str(id),
        now=now,
        detail=payload["caps"],
    )


def _planned(
    session: Session, campaigns: Sequence[Campaign], now: datetime
) -> list[dict[str, Money]]:
    """What published campaigns can still issue from today on; closed ones in the current periods
    only.
    """
    today = day_of(now)
    found = []
    for one in campaigns:
        if one.status not in _ISSUING:
            continue
        offers = store.offers(session, OfferRow.campaign_id == one.id)
        closed = one.status is CampaignStatus.CLOSED
        found.append(not_over(issued_at_most(one.id, offers), today, nothing_later=closed))
    return found


def _leave(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """A rejected cap changes nothing."""


def _mine(session: Session, actor: Actor, id: CampaignId) -> Campaign:
    found = store.campaign(session, id)
    if not areas.within(found.area, actor.area):
        raise NoSuchThing
    return found


def _frozen(amounts: Amounts) -> dict[str, int | None]:
    return {
        f"{span}_fen": None if amount is None else amount.fen for span, amount in amounts.items()
    }


def _thawed(caps: Mapping[str, int | None]) -> dict[Span, Money | None]:
    return {
        Span(name.removesuffix("_fen")): None if fen is None else Money(fen)
        for name, fen in caps.items()
    }


approvals.register(SET_BUDGET, execute=_cap_budget, refuse=_leave)
approvals.register(SET_CAMPAIGN, execute=_cap_campaign, refuse=_leave)
