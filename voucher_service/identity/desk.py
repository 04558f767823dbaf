"""Staff at work: roles that never meet in one person, sessions, passkeys, and what may be read of a
resident. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import ResidentId

from .model import STAFF_ROLES, ResidentStatus, RolesIncompatible

# Who proposes never checks, who pays does neither; who audits or gives out roles does nothing else.
NEVER_TOGETHER: tuple[frozenset[Role], ...] = (
    frozenset({Role.PLANNER, Role.APPROVER}),
    frozenset({Role.PLANNER, Role.FINANCE}),
    frozenset({Role.APPROVER, Role.FINANCE}),
)
ALONE = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class AtWork:
    """Who a request of the admin face acts as, and what the session has shown.

    `factor_at` is when a second factor was last shown; `refusal` keeps the person to their own
    account until they did what it says.
    """

    actor: Actor
    session: UUID
    factors: bool
    factor_at: datetime | None
    now: datetime
    refusal: DomainError | None

    def fresh(self, seconds: int) -> bool:
        """Whether a second factor was shown within so many seconds, or there is none to show."""
        if not self.factors:
            return True
        return self.factor_at is not None and (self.now - self.factor_at).total_seconds() <= seconds


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of a member of staff. Suspended when a copy of it seems to be about."""

    id: UUID
    name: str
    made_at: datetime
    used_at: datetime | None
    suspended: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """Where passkeys are made for: a domain, and the address of the page with scheme and port."""

    domain: str
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser's passkey answered, as JSON, and the address that asked."""

    text: str
    origin: Origin


class Field(StrEnum):
    """A resident's data that staff may reveal."""

    NAME = "name"
    MOBILE = "mobile"
    ID_NUMBER = "id_number"


class Reason(StrEnum):
    """Why staff look at a resident's data."""

    COMPLAINT = "complaint"
    SUPPORT = "support"
    REVIEW = "review"
    FRAUD = "fraud"
    AUDIT = "audit"
    LEGAL = "legal"


@dataclass(frozen=True, slots=True)
class Masked:
    """A resident as staff find them: name, mobile and number masked."""

    id: ResidentId
    name: str | None
    mobile: str
    id_number: str | None
    document: str | None
    area: str | None
    status: ResidentStatus
    verified_at: datetime | None


def check_roles(roles: Collection[Role]) -> frozenset[Role]:
    """The roles as a set, when one person may hold them all. Raises RolesIncompatible."""
    wanted = frozenset(roles)
    if not wanted or not wanted.issubset(STAFF_ROLES):
        raise ValueError(f"staff have one or more of {', '.join(STAFF_ROLES)}")
    if any(pair <= wanted for pair in NEVER_TOGETHER) or (wanted & ALONE and len(wanted) > 1):
        raise RolesIncompatible
    return wanted
