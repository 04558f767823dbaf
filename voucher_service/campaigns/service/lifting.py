"""Let what was stopped go on, with a second person: who stopped it may ask, and others sign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ApprovalId, CampaignId, MerchantId
from voucher_service.merchants import service as merchants
from voucher_service.stops import service as stops
from voucher_service.stops.model import LIFECYCLE, Event, Scope, Stop, StopId, What

from .publishing import resume

LIFT = "stop.lift"


def ask_to_lift(core: Core, *, actor: Actor, stop: StopId) -> ApprovalId:
    """Ask a second person to let it go on.

    The pause of a campaign ends as its campaign is resumed. Raises NoSuchThing, for another area's
    too, IllegalTransition when it was lifted, and AlreadyProposed.
    """
    with core.transaction() as session:
        found = stops.get(session, stop=stop)
        if not areas.within(found.area, actor.area):
            raise NoSuchThing
        LIFECYCLE.next(found.status, Event.LIFTED)
        if found.scope is not Scope.CAMPAIGN or found.what is not What.CLAIMS:
            return _propose(session, found, actor, core.now(session))
    return resume(core, actor=actor, campaign=CampaignId(found.subject_id))


def _propose(session: Session, found: Stop, actor: Actor, now: datetime) -> ApprovalId:
    return approvals.propose(
        session,
        action=LIFT,
        object_type=LIFECYCLE.name,
        object_id=found.id,
        area=found.area,
        title=found.title,
        payload=_frozen(found),
        maker=actor,
        now=now,
        authors={found.stopped_by} if found.stopped_by else (),
    )


def _frozen(found: Stop) -> dict[str, Any]:
    """Everything an approver signs for, as plain JSON."""
    return {
        "stop": {
            "id": str(found.id),
            "scope": str(found.scope),
            "subject": str(found.subject_id),
            "what": str(found.what),
            "title": found.title,
            "reason": found.reason,
            "stopped_at": found.stopped_at.isoformat(),
        }
    }


def _lift(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    found = stops.get(session, stop=StopId(UUID(payload["stop"]["id"])))
    if _frozen(found) != payload:
        raise ChangedSinceProposed
    if found.scope is Scope.MERCHANT:
        merchant = MerchantId(found.subject_id)
        merchants.reinstate(session, merchant=merchant, reason=found.reason, actor=actor, now=now)
    stops.lift(session, stop=found, actor=actor, now=now)


def _leave(_session: Session, _payload: Mapping[str, Any], _actor: Actor, _now: datetime) -> None:
    """Sent back: it stays stopped."""


approvals.register(LIFT, execute=_lift, refuse=_leave)
