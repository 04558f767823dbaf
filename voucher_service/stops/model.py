"""What can be stopped, the lifecycle of a stop, and its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.machine import Machine

StopId = NewType("StopId", UUID)
# What a stop of everything is about: this installation.
EVERYTHING = UUID("616c6c73-746f-4000-8000-000000000000")


class Scope(StrEnum):
    """How far a stop reaches."""

    CAMPAIGN = "campaign"
    PROGRAMME = "programme"
    MERCHANT = "merchant"
    EVERYTHING = "everything"


class What(StrEnum):
    """What no longer happens. What residents hold stays theirs in both cases."""

    CLAIMS = "claims"
    REDEMPTIONS = "redemptions"


class Status(StrEnum):
    """Where a stop stands."""

    IN_FORCE = "in_force"
    LIFTED = "lifted"


class Event(StrEnum):
    """What happens to a stop."""

    LIFTED = "stop.lifted"


LIFECYCLE: Machine[Status, Event] = Machine(
    "stop",
    Status.IN_FORCE,
    {Status.IN_FORCE: {Event.LIFTED: Status.LIFTED}, Status.LIFTED: {}},
)
PUBLIC: Mapping[Status, str] = {
    Status.IN_FORCE: mark("停着"),
    Status.LIFTED: mark("已恢复"),
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.IN_FORCE: frozenset({Role.APPROVER}),
    Status.LIFTED: frozenset(),
}
SCOPES: Mapping[str, str] = {
    Scope.CAMPAIGN: mark("一个活动"),
    Scope.PROGRAMME: mark("整个方案"),
    Scope.MERCHANT: mark("一家商户"),
    Scope.EVERYTHING: mark("全部"),
}
WHATS: Mapping[str, str] = {
    What.CLAIMS: mark("发券"),
    What.REDEMPTIONS: mark("用券"),
}


class AlreadyStopped(Conflict):
    """The same is stopped already."""

    code = "already_stopped"


class StopInvalid(Conflict):
    """A merchant gives out no vouchers, so that only redemptions can be stopped there."""

    code = "stop_invalid"


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop as its readers see it.

    `subject_id` is the campaign, programme or merchant, or EVERYTHING, and `title` its name then.
    An empty `area` is the whole city; `stopped_by` None is the system itself.
    """

    id: StopId
    scope: Scope
    subject_id: UUID
    what: What
    area: str
    title: str
    reason: str
    status: Status
    stopped_by: UUID | None
    stopped_at: datetime
    lifted_by: UUID | None
    lifted_at: datetime | None
