"""Submit, publish, pause, resume, close: what spends goes through a second person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed, fingerprint
from voucher_service.audit import service as audit
from voucher_service.budgets import service as budgets
from voucher_service.infra import areas, outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId, CampaignId, OfferId
from voucher_service.kernel.money import ZERO, Money

from .. import store
from ..model import (
    CAMPAIGN,
    OFFER,
    Campaign,
    CampaignEvent,
    CampaignIncomplete,
    CampaignStatus,
    Offer,
    OfferEvent,
    OfferStatus,
    frozen,
    max_liability,
)
from ..tables import CampaignRow, OfferRow
from .planning import draft
from .reading import raise_epoch

PUBLISH, RESUME, CLOSE = "campaign.publish", "campaign.resume", "campaign.close"
More = Callable[[Session, Sequence[OfferId]], list[dict[str, Any]]]
_MORE: dict[str, More] = {}


def also_frozen(name: str, read: More) -> None:
    """Let an approver sign for terms of offers that another feature keeps, as plain JSON.

    Called once by the feature that owns them.
    """
    _MORE[name] = read


def submit(core: Core, *, actor: Actor, campaign: CampaignId) -> ApprovalId:
    """Freeze the plan and ask for a second person.

    Raises NoSuchThing, CampaignNotDraft, CampaignIncomplete, SharesNotWhole, BudgetShort.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = draft(session, actor, campaign)
        payload, offers = _payload(session, found)
        lines = budgets.lines(session, campaign=campaign)
        if not offers or not lines:
            raise CampaignIncomplete
        budgets.covers(lines, [_cost(one) for one in offers])
        _move(session, found, CampaignEvent.SUBMITTED, actor, now)
        return _propose(session, PUBLISH, found, payload, actor, now)


def pause(core: Core, *, actor: Actor, campaign: CampaignId) -> Campaign:
    """Stop claims at once. One person is enough to stop; to go on takes two."""
    with core.transaction() as session:
        now = core.now(session)
        found = _mine(session, actor, campaign)
        _move(session, found, CampaignEvent.PAUSED, actor, now)
        _move_offers(session, campaign, OfferStatus.OPEN, OfferEvent.PAUSED, actor, now)
        return store.campaign(session, campaign)


def resume(core: Core, *, actor: Actor, campaign: CampaignId) -> ApprovalId:
    """Ask a second person to let a paused campaign go on."""
    return _ask(core, RESUME, CampaignEvent.RESUMED, actor, campaign)


def close(core: Core, *, actor: Actor, campaign: CampaignId) -> ApprovalId:
    """Ask a second person to end a campaign; what no voucher needs goes back to its lines."""
    return _ask(core, CLOSE, CampaignEvent.CLOSED, actor, campaign)


def free_unspent(session: Session, *, campaign: CampaignId, now: datetime) -> Money:
    """Give back what closed offers no longer need: at the close, and again as vouchers lapse."""
    freed = ZERO
    for one in store.offers(session, OfferRow.campaign_id == campaign):
        if one.status is OfferStatus.CLOSED:
            budgets.fold(session, campaign=campaign, offer=one.id, now=now)
            freed += budgets.free(session, campaign=campaign, offer=one.id, now=now)
    return freed


def _ask(
    core: Core, action: str, event: CampaignEvent, actor: Actor, campaign: CampaignId
) -> ApprovalId:
    with core.transaction() as session:
        now = core.now(session)
        found = _mine(session, actor, campaign)
        CAMPAIGN.next(found.status, event)  # refuse now what could not be executed later
        payload, _ = _payload(session, found)
        return _propose(session, action, found, payload, actor, now)


def _propose(
    session: Session,
    action: str,
    found: Campaign,
    payload: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> ApprovalId:
    return approvals.propose(
        session,
        action=action,
        object_type="campaign",
        object_id=found.id,
        area=found.area,
        title=found.name,
        payload=payload,
        maker=actor,
        now=now,
    )


def _payload(session: Session, found: Campaign) -> tuple[dict[str, Any], list[Offer]]:
    offers = store.offers(session, OfferRow.campaign_id == found.id)
    lines = [
        {
            "id": str(one.id),
            "funder": one.funder.code,
            "amount_fen": one.amount.fen,
            "share_bps": one.share_bps,
            "purpose_code": one.purpose_code,
            "fallback": one.fallback,
        }
        for one in budgets.lines(session, campaign=found.id)
    ]
    ids = [one.id for one in offers]
    more = {name: terms for name, read in _MORE.items() if (terms := read(session, ids))}
    return frozen(found, offers, lines) | more, offers


def _unchanged(session: Session, payload: Mapping[str, Any]) -> Campaign:
    id = CampaignId(UUID(payload["campaign"]["id"]))
    found = store.campaign(session, id, lock=True)
    stands, _ = _payload(session, found)
    if fingerprint(stands) != fingerprint(payload):
        raise ChangedSinceProposed
    return found


def _publish(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = _unchanged(session, payload)
    offers = store.offers(session, OfferRow.campaign_id == found.id)
    budgets.reserve(
        session,
        campaign=found.id,
        costs={one.id: _cost(one) for one in offers},
        key=f"publish:{found.id}",
        now=now,
    )
    _move(session, found, CampaignEvent.PUBLISHED, actor, now)
    for one in offers:
        _move_offer(session, one.id, OfferStatus.DRAFT, OfferEvent.OPENED, actor, now)
        outbox.add(
            session, kind="prepare_gate", key=f"prepare_gate:{one.id}", args={"offer": str(one.id)}
        )


def _send_back(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = store.campaign(session, CampaignId(UUID(payload["campaign"]["id"])), lock=True)
    _move(session, found, CampaignEvent.SENT_BACK, actor, now)


def _go_on(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = _unchanged(session, payload)
    _move(session, found, CampaignEvent.RESUMED, actor, now)
    _move_offers(session, found.id, OfferStatus.PAUSED, OfferEvent.RESUMED, actor, now)


def _close(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = _unchanged(session, payload)
    _move(session, found, CampaignEvent.CLOSED, actor, now)
    for status in (OfferStatus.OPEN, OfferStatus.PAUSED):
        _move_offers(session, found.id, status, OfferEvent.CLOSED, actor, now)
    free_unspent(session, campaign=found.id, now=now)


def _leave(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """A rejected resume or close changes nothing."""


def _mine(session: Session, actor: Actor, id: CampaignId) -> Campaign:
    found = store.campaign(session, id, lock=True)
    if actor is not SYSTEM and not areas.within(found.area, actor.area):
        raise NoSuchThing
    return found


def _cost(offer: Offer) -> Money:
    return max_liability(offer) * offer.quota


def _move(
    session: Session, found: Campaign, event: CampaignEvent, actor: Actor, now: datetime
) -> CampaignStatus:
    return audit.transition(
        session,
        CampaignRow,
        id=found.id,
        current=found.status,
        lifecycle=CAMPAIGN,
        event=event,
        actor=actor,
        now=now,
    )


def _move_offers(
    session: Session,
    campaign: CampaignId,
    status: OfferStatus,
    event: OfferEvent,
    actor: Actor,
    now: datetime,
) -> None:
    ids = session.scalars(
        select(OfferRow.id).where(OfferRow.campaign_id == campaign, OfferRow.status == status)
    )
    for id in ids.all():
        # The raised epoch fences claims that are under way and makes the gate ask again.
        raise_epoch(session, OfferId(id))
        _move_offer(session, OfferId(id), status, event, actor, now)


def _move_offer(
    session: Session,
    id: OfferId,
    status: OfferStatus,
    event: OfferEvent,
    actor: Actor,
    now: datetime,
) -> None:
    audit.transition(
        session,
        OfferRow,
        id=id,
        current=status,
        lifecycle=OFFER,
        event=event,
        actor=actor,
        now=now,
    )


approvals.register(PUBLISH, execute=_publish, refuse=_send_back)
approvals.register(RESUME, execute=_go_on, refuse=_leave)
approvals.register(CLOSE, execute=_close, refuse=_leave)
