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
from voucher_service.audit.hands import hands
from voucher_service.budgets import service as budgets
from voucher_service.infra import areas, outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId, CampaignId, OfferId, ProgrammeId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.stops import service as stops
from voucher_service.stops.model import What

from .. import store
from ..issuing import issued_at_most, later_than
from ..lifecycles import CAMPAIGN, OFFER, CampaignEvent, OfferEvent
from ..model import (
    Campaign,
    CampaignIncomplete,
    CampaignKind,
    CampaignStatus,
    Mode,
    Offer,
    OfferStatus,
    max_liability,
)
from ..plans import frozen
from ..tables import OfferRow
from .foresight import PUBLISH, foresight
from .judging import overrule
from .moving import move
from .planning import draft
from .reading import raise_epoch

RESUME, CLOSE = "campaign.resume", "campaign.close"
More = Callable[[Session, Sequence[OfferId]], list[dict[str, Any]]]
_MORE: dict[str, More] = {}


def also_frozen(name: str, read: More) -> None:
    """Let an approver sign for terms of offers that another feature keeps, as plain JSON.

    Called once by the feature that owns them.
    """
    _MORE[name] = read


def submit(core: Core, *, actor: Actor, campaign: CampaignId) -> ApprovalId:
    """Freeze the plan and ask for a second person.

    Raises NoSuchThing, CampaignNotDraft, CampaignIncomplete, BudgetNeeded, SharesNotWhole,
    BudgetShort, CapReached, CampaignCapReached.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = draft(session, actor, campaign)
        payload, offers = _payload(session, found)
        lines = budgets.lines(session, campaign=campaign)
        if not offers or not lines:
            raise CampaignIncomplete
        budgets.check_drawn(session, budget=found.budget_id, programme=found.programme.id)
        budgets.covers(session, lines, [_cost(one) for one in offers])
        budgets.check_caps(session, **_issue(found, offers))
        move(session, found, CampaignEvent.SUBMITTED, actor, now)
        foreseen = foresight(session, found, offers, lines, now)
        return _propose(
            session,
            PUBLISH,
            found,
            payload,
            actor,
            now,
            amount=Money.total(_cost(one) for one in offers),
            steep=any(one["steep"] for one in foreseen["discounts"]),
            simulation=foreseen,
        )


def resume(core: Core, *, actor: Actor, campaign: CampaignId) -> ApprovalId:
    """Ask a second person to let a paused campaign go on."""
    return _ask(core, RESUME, CampaignEvent.RESUMED, actor, campaign)


def close(core: Core, *, actor: Actor, campaign: CampaignId) -> ApprovalId:
    """Ask a second person to end a campaign; what no voucher needs goes back to its lines."""
    return _ask(core, CLOSE, CampaignEvent.CLOSED, actor, campaign)


def free_unspent(
    session: Session,
    *,
    campaign: CampaignId,
    now: datetime,
    pool: OfferId | None = None,
) -> Money:
    """Give back what closed offers no longer need: at the close, and again as vouchers lapse.

    A pool of qualifications sets nothing aside for those it gave out, so that its money goes back
    when it is named as the `pool` of which none can be used any more.

    What the lines of a closed campaign then have goes on to their budget or the treasury.
    """
    freed = ZERO
    for one in store.offers(session, OfferRow.campaign_id == campaign):
        wanted = one.id == pool if pool else one.issues is CampaignKind.VOUCHER
        if one.status is OfferStatus.CLOSED and wanted:
            budgets.fold(session, campaign=campaign, offer=one.id, now=now)
            freed += budgets.free(session, campaign=campaign, offer=one.id, now=now)
    if store.campaign(session, campaign).status is CampaignStatus.CLOSED:
        budgets.send_home(session, campaign=campaign, now=now)
    return freed


def send_rest_home(session: Session, *, programme: ProgrammeId, now: datetime) -> None:
    """Free again what closed campaigns kept for the shops of an area, as its vouchers are used."""
    for one in store.closed_with_shop_areas(session, programme):
        free_unspent(session, campaign=one, now=now)


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
    *,
    amount: Money = ZERO,
    steep: bool = False,
    simulation: Mapping[str, Any] | None = None,
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
        amount=amount,
        group=f"{action}:{found.programme.slug}:{found.area}",
        authors=_authors(session, payload),
        steep=steep,
        simulation=simulation,
    )


def _authors(session: Session, payload: Mapping[str, Any]) -> set[UUID]:
    """Who planned the campaign or stopped it: they ask, and others sign."""
    return hands(
        session,
        objects={
            "campaign": [UUID(payload["campaign"]["id"])],
            "offer": [UUID(one["id"]) for one in payload["offers"]],
            "budget_line": [UUID(one["id"]) for one in payload["lines"]],
        },
        moves=[CampaignEvent.SUBMITTED, CampaignEvent.PAUSED],
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
            "shop_area": one.shop_area,
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
    budgets.count(session, **_issue(found, offers))
    store.set_shop_areas(session, found.id, budgets.shop_areas(session, campaign=found.id))
    store.start_canaries(session, found.id, now)
    move(session, found, CampaignEvent.PUBLISHED, actor, now)
    for one in offers:
        _move_offer(session, one.id, OfferStatus.DRAFT, OfferEvent.OPENED, actor, now)
        if found.kind is not CampaignKind.VOUCHER:  # PostgreSQL alone, until a gate is filled
            raise_epoch(session, one.id, mode=Mode.DEGRADED)
        key = f"prepare_gate:{one.id}"
        outbox.add(session, kind="prepare_gate", key=key, args={"offer": str(one.id)})


def _send_back(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = store.campaign(session, CampaignId(UUID(payload["campaign"]["id"])), lock=True)
    move(session, found, CampaignEvent.SENT_BACK, actor, now)


def _go_on(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = _unchanged(session, payload)
    move(session, found, CampaignEvent.RESUMED, actor, now)
    _lift(session, found, actor, now)
    overrule(session, campaign=found.id, actor=actor, now=now)


def _close(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = _unchanged(session, payload)
    move(session, found, CampaignEvent.CLOSED, actor, now)
    _lift(session, found, actor, now)
    _close_offers(session, found.id, actor, now)
    _issue_no_more(session, found, now)
    free_unspent(session, campaign=found.id, now=now)


def _leave(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """A rejected resume or close changes nothing."""


def _mine(session: Session, actor: Actor, id: CampaignId) -> Campaign:
    found = store.campaign(session, id, lock=True)
    if actor is not SYSTEM and not areas.within(found.area, actor.area):
        raise NoSuchThing
    return found


def _issue(found: Campaign, offers: Sequence[Offer]) -> dict[str, Any]:
    """What caps judge: whose campaign it is, and what it can issue at most."""
    return {
        "campaign": found.id,
        "budget": found.budget_id,
        "planned": issued_at_most(found.id, offers),
    }


def _issue_no_more(session: Session, found: Campaign, now: datetime) -> None:
    offers = store.offers(session, OfferRow.campaign_id == found.id)
    later = later_than(issued_at_most(found.id, offers), day_of(now))
    budgets.uncount(session, campaign=found.id, budget=found.budget_id, planned=later)


def _cost(offer: Offer) -> Money:
    return max_liability(offer) * offer.quota


def _lift(session: Session, found: Campaign, actor: Actor, now: datetime) -> None:
    """The stop that paused the campaign is over."""
    for one in stops.about(session, subjects=[found.id], what=What.CLAIMS):
        stops.lift(session, stop=one, actor=actor, now=now)


def _close_offers(session: Session, campaign: CampaignId, actor: Actor, now: datetime) -> None:
    ids = session.scalars(
        select(OfferRow.id).where(
            OfferRow.campaign_id == campaign, OfferRow.status == OfferStatus.OPEN
        )
    )
    for id in ids.all():
        # The raised epoch fences claims that are under way and makes the gate ask again.
        raise_epoch(session, OfferId(id))
        _move_offer(session, OfferId(id), OfferStatus.OPEN, OfferEvent.CLOSED, actor, now)


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
