"""The lifecycle of a proposal, its frozen payload, and its refusals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import Conflict, Forbidden
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.machine import Machine


class Status(StrEnum):
    """Where a proposal stands."""

    WAITING = "waiting"
    EXECUTED = "executed"
    REJECTED = "rejected"


class Event(StrEnum):
    """What happens to a proposal."""

    EXECUTED = "approval.executed"
    REJECTED = "approval.rejected"


LIFECYCLE: Machine[Status, Event] = Machine(
    "approval",
    Status.WAITING,
    {
        Status.WAITING: {Event.EXECUTED: Status.EXECUTED, Event.REJECTED: Status.REJECTED},
        Status.EXECUTED: {},
        Status.REJECTED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.WAITING: "等待批准",
    Status.EXECUTED: "已批准",
    Status.REJECTED: "已退回",
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.WAITING: frozenset({Role.APPROVER}),
    Status.EXECUTED: frozenset(),
    Status.REJECTED: frozenset(),
}


class SamePerson(Forbidden):
    """Who proposes never approves, and nobody signs twice."""

    code = "same_person"


class AlreadyDecided(Conflict):
    """The proposal was executed or rejected before."""

    code = "already_decided"


class AlreadyProposed(Conflict):
    """The same act on the same thing is waiting for a decision already."""

    code = "already_proposed"


class ChangedSinceProposed(Conflict):
    """What was proposed is no longer what stands in the records; it must be proposed again."""

    code = "changed_since_proposed"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who said yes, and when."""

    staff_id: UUID
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal as its readers see it."""

    id: ApprovalId
    action: str
    object_type: str
    object_id: UUID
    area: str
    title: str
    payload: Mapping[str, Any]
    payload_sha256: str
    maker_id: UUID
    signatures_needed: int
    status: Status
    proposed_at: datetime
    decided_at: datetime | None
    reason: str | None
    signatures: tuple[Signature, ...] = ()

    def check_signer(self, actor: Actor) -> None:
        """Raises AlreadyDecided or SamePerson when this actor can't sign."""
        if self.status is not Status.WAITING:
            raise AlreadyDecided(extra={"status": str(self.status)})
        if actor.id == self.maker_id or any(one.staff_id == actor.id for one in self.signatures):
            raise SamePerson

    def may_sign(self, actor: Actor) -> bool:
        """Whether `check_signer` would pass."""
        try:
            self.check_signer(actor)
        except (AlreadyDecided, SamePerson):
            return False
        return True


def fingerprint(payload: Mapping[str, Any]) -> str:
    """SHA-256 of the payload in canonical JSON, in hex."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
