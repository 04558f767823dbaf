"""Who reads: the actor of a token, and how to greet them."""

from __future__ import annotations

from voucher_service.identity import service as identity
from voucher_service.identity.model import Resident
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import ResidentId
from voucher_service.web.site import Claims


def load_actor(core: Core, claims: Claims) -> Actor | None:
    """The resident a token speaks for; None when there is no such account, or it signed out of
    everything since the token was made.
    """
    return identity.resident_actor(core, claims.subject, issued_at=claims.issued_at)


def resident_id(actor: Actor) -> ResidentId:
    """The signed-in resident's id."""
    assert actor.id is not None
    return ResidentId(actor.id)


def resident_of(core: Core, actor: Actor) -> Resident:
    """The signed-in resident. Raises NoSuchThing."""
    with core.transaction() as session:
        return identity.load(session, resident=resident_id(actor))
