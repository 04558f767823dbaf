"""Who can sign in to the example face. A real face asks a feature's service."""

from __future__ import annotations

from uuid import UUID

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind, Role

CASHIER = UUID("00000000-0000-7000-8000-000000000001")
FINANCE = UUID("00000000-0000-7000-8000-000000000002")
GONE = UUID("00000000-0000-7000-8000-000000000003")
ROLES = {CASHIER: frozenset({Role.CASHIER}), FINANCE: frozenset({Role.FINANCE})}


def load_actor(core: Core, subject: UUID) -> Actor | None:
    """The actor a token speaks for."""
    return Actor(ActorKind.CASHIER, subject, ROLES[subject]) if subject in ROLES else None
