"""The simulation of a plan: frozen with its proposal, and shown to whoever plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import Status
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import BudgetLine
from voucher_service.infra import areas
from voucher_service.infra.core import Core, core_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId

from .. import store
from ..foreseeing import Before, Past, foresee
from ..model import WAS_PUBLISHED, Campaign, Offer
from ..tables import CampaignRow, OfferRow

PUBLISH = "campaign.publish"
ReadPast = Callable[[Session, Campaign, datetime], Past]
_PAST: dict[str, ReadPast] = {}


def past_from(read: ReadPast) -> None:
    """Say how to find out what became of offers: vouchers and redemptions lie above campaigns."""
    _PAST["read"] = read


def foresight(
    session: Session,
    found: Campaign,
    offers: Sequence[Offer],
    lines: Sequence[BudgetLine],
    now: datetime,
) -> dict[str, Any]:
    """What a plan can cost and probably will, beside the last campaign of its programme or area."""
    alert_bps = core_of(session).settings.approvals.discount_alert_bps
    return foresee(found, offers, lines, _before(session, found, now), alert_bps=alert_bps)


def simulation(core: Core, *, actor: Actor, campaign: CampaignId) -> dict[str, Any]:
    """What the signers of a campaign were shown; of a draft, what they would be shown now.

    Raises NoSuchThing.
    """
    for status in (Status.WAITING, Status.EXECUTED):
        frozen = approvals.latest(core, actor=actor, about=campaign, status=status, action=PUBLISH)
        if frozen is not None and frozen.simulation is not None:
            return dict(frozen.simulation)
    with core.transaction() as session:
        found = store.campaign(session, campaign)
        if not areas.within(found.area, actor.area):
            raise NoSuchThing
        offers = store.offers(session, OfferRow.campaign_id == campaign)
        lines = budgets.lines(session, campaign=campaign)
        return foresight(session, found, offers, lines, core.now(session))


def _before(session: Session, found: Campaign, now: datetime) -> Before | None:
    """The last campaign that was issued in the area, of the same programme if there is one.

    A replay says nothing about people, so it is compared with replays only.
    """
    issued = store.campaigns(
        session,
        CampaignRow.area == found.area,
        CampaignRow.id != found.id,
        CampaignRow.status.in_(WAS_PUBLISHED),
        CampaignRow.opens_on <= found.opens_on,
    )
    alike = [one for one in issued if one.programme.synthetic == found.programme.synthetic]
    same = [one for one in alike if one.programme.id == found.programme.id]
    last = max(same or alike, key=lambda one: (one.opens_on, one.id), default=None)
    if last is None:
        return None
    offers = store.offers(session, OfferRow.campaign_id == last.id)
    read = _PAST.get("read")
    past = read(session, last, now) if read else None
    return Before(last, offers, past)
