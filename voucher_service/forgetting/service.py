"""Forget a person whom nothing ties to the house any more: two persons decide, and then it is done.

What leads to the person goes: name, numbers, mobile, cards, short messages, refused claims, keys
of panels with their lines, what purchases were compared by, papers of applications that came to
nothing, and the salt of the sealed log. What the books need stays under an id that leads nowhere.
Papers of granted applications are books of account: they go when their time is over, as
everybody's do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from voucher_service.approvals import service as approvals
from voucher_service.causal import service as causal
from voucher_service.identity import service as identity
from voucher_service.identity.model import RESIDENT, RESIDENT_OWNER, ResidentEvent
from voucher_service.infra import areas
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ApprovalId, ResidentId
from voucher_service.notices import service as notices
from voucher_service.proof import service as proof
from voucher_service.tradein.applications import service as applications
from voucher_service.tradein.revisions import service as revisions
from voucher_service.tradein.risk import service as risk
from voucher_service.vouchers import refusals

from . import store

FORGET = "resident.forget"


def propose(core: Core, *, actor: Actor, resident: ResidentId, note: str) -> ApprovalId:
    """Propose to forget a resident who asked for it; `note` says how, without personal data.

    Raises NotAllowed, NoSuchThing, RightsLeft, ProcessRuns, LimitRuns, AlreadyProposed, and
    IllegalTransition for one who is blocked.
    """
    with core.transaction() as session:
        now = core.now(session)
        found = identity.load(session, resident=resident)
        if not actor.has(*RESIDENT_OWNER[found.status]):
            raise NotAllowed
        if not areas.within(found.area or "", actor.area):
            raise NoSuchThing
        RESIDENT.next(found.status, ResidentEvent.FORGET)
        store.ties(session, resident).check(day_of(now))
        return approvals.propose(
            session,
            action=FORGET,
            object_type="resident",
            object_id=resident,
            area=found.area or "",
            title=str(resident),
            payload={"resident": str(resident), "note": note.strip()},
            maker=actor,
            now=now,
        )


def _execute(session: Session, payload: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    resident = ResidentId(UUID(payload["resident"]))
    store.ties(session, resident).check(day_of(now))
    risk.forget_person(session, resident=resident)
    applications.forget_person(session, resident=resident, now=now)
    revisions.forget_card(session, resident=resident)
    notices.forget_person(session, resident=resident)
    refusals.forget(session, resident=resident)
    causal.forget_person(session, resident=resident)
    identity.forget_resident(session, resident=resident, actor=actor, now=now)
    proof.forget(session, kind="resident", ids=[str(resident)])


def _refuse(_: Session, __: Mapping[str, Any], ___: Actor, ____: datetime) -> None:
    """A refused proposal leaves the person as they are."""


approvals.register(FORGET, execute=_execute, refuse=_refuse)
