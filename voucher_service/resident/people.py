"""Who reads: the actor of a token, and how to greet them."""

from __future__ import annotations

from uuid import UUID

from voucher_service.identity import service as identity
from voucher_service.identity.model import Resident
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import ResidentId


def load_actor(core: Core, subject: UUID) -> Actor | None:
    """The resident a token speaks for; None when there is no such account."""
    return identity.resident_actor(core, subject)


def resident_id(actor: Actor) -> ResidentId:
    """The signed-in resident's id."""
    assert actor.id is not None
    return ResidentId(actor.id)


def resident_of(core: Core, actor: Actor) -> Resident:
    """The signed-in resident. Raises NoSuchThing."""
    with core.transaction() as session:
        return identity.load(session, resident=resident_id(actor))
