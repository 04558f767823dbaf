"""Who does something: a person of one of three faces, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """Which face the actor came through."""

    RESIDENT = "resident"
    CASHIER = "cashier"
    STAFF = "staff"
    SYSTEM = "system"


class Role(StrEnum):
    """What a member of staff or of a shop may do."""

    PLANNER = "planner"
    APPROVER = "approver"
    REVIEWER = "reviewer"
    FINANCE = "finance"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    MANAGER = "manager"
    CASHIER = "cashier"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What fraud work will need of a claim or a redemption. No personal data in clear.

    `device_id` is the device's word, or the id of an enrolled one; `point_id`: where a till stands.
    """

    address_prefix: str | None = None
    device_id: str | None = None
    agent_hash: str | None = None
    point_id: UUID | None = None

    def with_known(self, known: Evidence) -> Evidence:
        """The same with the device and the point that were proven, where any were."""
        return replace(self, device_id=known.device_id or self.device_id, point_id=known.point_id)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `area` limits staff to a division and all below it; empty is the whole city."""

    kind: ActorKind
    id: UUID | None
    roles: frozenset[Role] = frozenset()
    area: str = ""
    evidence: Evidence = Evidence()

    @property
    def name(self) -> str:
        """How records name the actor: kind and id."""
        return f"{self.kind}:{self.id}" if self.id else str(self.kind)

    def has(self, *roles: Role) -> bool:
        """Whether the actor holds one of the roles."""
        return not self.roles.isdisjoint(roles)


SYSTEM = Actor(ActorKind.SYSTEM, None)
