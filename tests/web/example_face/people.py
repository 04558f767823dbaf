"""Who can sign in to the example face. A real face asks a feature's service."""

from __future__ import annotations

from uuid import UUID

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.web.site import Claims

CASHIER = UUID("00000000-0000-7000-8000-000000000001")
FINANCE = UUID("00000000-0000-7000-8000-000000000002")
GONE = UUID("00000000-0000-7000-8000-000000000003")
SESSION = UUID("00000000-0000-7000-8000-000000000004")
ROLES = {CASHIER: frozenset({Role.CASHIER}), FINANCE: frozenset({Role.FINANCE})}


def load_actor(core: Core, claims: Claims) -> Actor | None:
    """The actor a token speaks for."""
    subject = claims.subject
    return Actor(ActorKind.CASHIER, subject, ROLES[subject]) if subject in ROLES else None
