"""Stop claims and redemptions at once.

A stop is a row that claims and tills ask for in the statement that decides them. It waits for
nothing that a crowd holds, so that it takes effect within one batch of claims.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import CampaignId, MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.stops import service as stops
from voucher_service.stops.model import EVERYTHING, Scope, Stop, StopInvalid, What

from .. import store
from ..lifecycles import CampaignEvent
from ..model import Campaign
from .moving import move


def stop(
    core: Core,
    *,
    actor: Actor,
    scope: Scope,
    subject: UUID | None,
    what: Collection[What],
    reason: str,
) -> list[Stop]:
    """Stop claims, redemptions or both. One person is enough; to go on takes two.

    Raises NoSuchThing, NotAllowed for more than the actor's area, AlreadyStopped, StopInvalid, and
    IllegalTransition for the claims of a campaign that is not running.
    """
    with core.transaction() as session:
        now = core.now(session)
        return [
            order(
                session, actor=actor, scope=scope, subject=subject, what=one, reason=reason, now=now
            )
            for one in sorted(what)
        ]


def pause(core: Core, *, actor: Actor, campaign: CampaignId, reason: str = "") -> Campaign:
    """Stop the claims of a campaign at once. Raises NoSuchThing, IllegalTransition."""
    stop(
        core,
        actor=actor,
        scope=Scope.CAMPAIGN,
        subject=campaign,
        what=[What.CLAIMS],
        reason=reason,
    )
    with core.transaction() as session:
        return store.campaign(session, campaign)


def order(
    session: Session,
    *,
    actor: Actor,
    scope: Scope,
    subject: UUID | None,
    what: What,
    reason: str,
    now: datetime,
) -> Stop:
    """As `stop`, for one thing and within a transaction."""
    id = EVERYTHING if scope is Scope.EVERYTHING or subject is None else subject
    area, title = _named(session, actor, scope, id)
    if scope is Scope.CAMPAIGN and what is What.CLAIMS:
        found = store.campaign(session, CampaignId(id), lock=True)
        move(session, found, CampaignEvent.PAUSED, actor, now, detail={"reason": reason})
    if scope is Scope.MERCHANT:
        if what is not What.REDEMPTIONS:
            raise StopInvalid
        merchants.suspend(session, merchant=MerchantId(id), reason=reason, actor=actor, now=now)
    return stops.order(
        session,
        scope=scope,
        subject=id,
        what=what,
        area=area,
        title=title,
        reason=reason,
        actor=actor,
        now=now,
    )


def _named(session: Session, actor: Actor, scope: Scope, id: UUID) -> tuple[str, str]:
    """The area and the name of what is to be stopped, if the actor may reach so far."""
    if scope is Scope.CAMPAIGN:
        found = store.campaign(session, CampaignId(id))
        if not areas.within(found.area, actor.area):
            raise NoSuchThing
        return found.area, found.name
    if actor.area and actor is not SYSTEM:
        raise NotAllowed
    if scope is Scope.PROGRAMME:
        return "", store.programme(session, id).name
    if scope is Scope.MERCHANT:
        return "", merchants.load_merchant(session, merchant=MerchantId(id)).name
    return "", ""
