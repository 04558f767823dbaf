"""Start canaries, let the rest of an offer open, or stop its campaign."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from voucher_service.alarms import service as alarms
from voucher_service.alarms.model import Kind
from voucher_service.audit import service as audit
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import CampaignId, OfferId
from voucher_service.stops import service as stops
from voucher_service.stops.model import Scope, What

from .. import store
from ..canary import COSTLY, LIFECYCLE, Canary, Event, Finding, Status
from ..model import Campaign, CampaignStatus, Offer
from ..tables import CanaryRow
from .stopping import order

_LATELY = timedelta(seconds=5)


def canaries(core: Core, *, actor: Actor, campaign: CampaignId) -> list[Canary]:
    """The canaries of a campaign of the actor's area. Raises NoSuchThing."""
    with core.transaction() as session:
        if not areas.within(store.campaign(session, campaign).area, actor.area):
            raise NoSuchThing
        return store.canaries(session, store.of_campaign(campaign))


def rest_to_come(core: Core, *, offer: OfferId) -> bool:
    """Whether a canary keeps the rest of an offer shut, or did a moment ago.

    "Sold out" is no last word then: a process may remember the shut rest for a second.
    """
    with core.transaction() as session:
        since = core.now(session) - _LATELY
        return any(
            one.status is not Status.PASSED or one.judged_at is None or one.judged_at > since
            for one in store.canaries(session, store.of_offer(offer))
        )


def looked_at(core: Core) -> list[tuple[Canary, Offer]]:
    """The canaries that are to be judged: begun, undecided, and of a campaign that is running."""
    with core.transaction() as session:
        found = store.canaries(session, store.begun(core.now(session)))
        offers = {one.offer_id: store.offer(session, one.offer_id) for one in found}
        return [(one, offers[one.offer_id]) for one in found]


def pass_(core: Core, *, canary: Canary) -> None:
    """Let the rest open; all processes know within a second. Raises OvertakenByAnother."""
    with core.transaction() as session:
        now = core.now(session)
        _move(session, canary, Event.PASSED, SYSTEM, now)
        alarms.clear(session, kind=Kind.CANARY, subject=_alarm(canary), now=now)


def fail(
    core: Core, *, canary: Canary, offer: Offer, findings: Sequence[Finding], reason: str
) -> None:
    """Stop the campaign's claims, and its redemptions where they give money away.

    Raises OvertakenByAnother.
    """
    with core.transaction() as session:
        now = core.now(session)
        _move(session, canary, Event.STOPPED, SYSTEM, now, findings)
        campaign = store.campaign(session, offer.campaign_id)
        for what in _to_stop(session, campaign, findings):
            order(
                session,
                actor=SYSTEM,
                scope=Scope.CAMPAIGN,
                subject=campaign.id,
                what=what,
                reason=reason,
                now=now,
            )
        told = {"offer": str(offer.id), "title": offer.title, "findings": _json(findings)}
        alarms.raise_alarm(
            session,
            kind=Kind.CANARY,
            subject=_alarm(canary),
            detail=told,
            area=campaign.area,
            now=now,
        )


def late(core: Core, *, canary: Canary, offer: Offer, why: str) -> None:
    """Say that the rest stays shut because nobody could judge."""
    with core.transaction() as session:
        alarms.raise_alarm(
            session,
            kind=Kind.CANARY,
            subject=_alarm(canary),
            detail={"offer": str(offer.id), "title": offer.title, "late": why},
            area=offer.issuing_area,
            now=core.now(session),
        )


def overrule(session: Session, *, campaign: CampaignId, actor: Actor, now: datetime) -> None:
    """Let the rest of what a canary stopped open after all: two people resumed the campaign."""
    for one in store.canaries(session, store.of_campaign(campaign)):
        if one.status is Status.STOPPED:
            _move(session, one, Event.OVERRULED, actor, now, one.findings)
            alarms.clear(session, kind=Kind.CANARY, subject=_alarm(one), now=now, actor=actor)


def _to_stop(session: Session, campaign: Campaign, findings: Collection[Finding]) -> list[What]:
    """What is to be stopped and is not yet."""
    wanted = [What.CLAIMS] if campaign.status is CampaignStatus.PUBLISHED else []
    if any(one.signal in COSTLY for one in findings):
        wanted.append(What.REDEMPTIONS)
    there = {one.what for one in stops.about(session, subjects=[campaign.id])}
    return [one for one in wanted if one not in there]


def _move(
    session: Session,
    one: Canary,
    event: Event,
    actor: Actor,
    now: datetime,
    findings: Sequence[Finding] = (),
) -> None:
    audit.transition(
        session,
        CanaryRow,
        id=one.id,
        current=one.status,
        lifecycle=LIFECYCLE,
        event=event,
        actor=actor,
        now=now,
        set_={"judged_at": now, "findings": _json(findings)},
        detail={"offer": str(one.offer_id), "findings": _json(findings)},
    )


def _json(findings: Collection[Finding]) -> list[dict[str, object]]:
    return [asdict(one) for one in findings]


def _alarm(canary: Canary) -> str:
    return f"canary:{canary.id}"
