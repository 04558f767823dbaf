"""A resident agrees to be in panels, and takes it back: then their lines are deleted."""

from __future__ import annotations

from sqlalchemy.orm import Session

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.ids import ResidentId

from .. import store
from ..outcomes import CONSENT_VERSION


def agreed(core: Core, *, resident: ResidentId) -> bool:
    """Whether a resident's spending may be compared with others', under a key."""
    with core.transaction() as session:
        return store.agreed(session, resident)


def agree(core: Core, *, actor: Actor) -> None:
    """Note the consent; again, nothing changes. It counts for what is decided after it.

    Raises NotAllowed for everybody but residents.
    """
    resident = _resident(actor)
    with core.transaction() as session:
        if store.agree(session, resident, CONSENT_VERSION, core.now(session)):
            _note(session, core, actor, "outcome_consent.given")


def withdraw(core: Core, *, actor: Actor) -> None:
    """Take the consent back, and delete every line of every panel about the resident.

    Raises NotAllowed for everybody but residents.
    """
    resident = _resident(actor)
    with core.transaction() as session:
        if store.withdraw(session, resident, core.now(session)):
            store.forget(session, resident)
            _note(session, core, actor, "outcome_consent.withdrawn")


def forget_person(session: Session, *, resident: ResidentId) -> None:
    """Delete a resident's lines of every panel, and what tied them to their keys."""
    store.forget(session, resident)


def _resident(actor: Actor) -> ResidentId:
    if actor.kind is not ActorKind.RESIDENT or actor.id is None:
        raise NotAllowed
    return ResidentId(actor.id)


def _note(session: Session, core: Core, actor: Actor, action: str) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="resident",
        object_id=str(actor.id),
        now=core.now(session),
        detail={"version": CONSENT_VERSION},
    )
