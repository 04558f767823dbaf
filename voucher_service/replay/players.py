"""Members of staff for a play. Nobody knows their passwords."""

from __future__ import annotations

import secrets

from voucher_service.identity import service as identity
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role


def player(core: Core, role: Role, *, of: str) -> Actor:
    """A new member of staff with one role, named after the play."""
    made = identity.create_staff(
        core,
        actor=SYSTEM,
        username=f"{of}-{role}-{secrets.token_hex(4)}",
        password=secrets.token_urlsafe(32),
        display_name=f"{of} {role}",
        roles=[role],
    )
    return Actor(ActorKind.STAFF, made.id, frozenset({role}))
