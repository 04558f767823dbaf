"""A proposal: its lifecycle, its frozen payload, how many must sign it and why, its refusals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import Conflict, Forbidden
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import ZERO, Money


class Status(StrEnum):
    """Where a proposal stands."""

    WAITING = "waiting"
    EXECUTED = "executed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class Event(StrEnum):
    """What happens to a proposal."""

    EXECUTED = "approval.executed"
    REJECTED = "approval.rejected"
    WITHDRAWN = "approval.withdrawn"
    LAPSED = "approval.lapsed"


LIFECYCLE: Machine[Status, Event] = Machine(
    "approval",
    Status.WAITING,
    {
        Status.WAITING: {
            Event.EXECUTED: Status.EXECUTED,
            Event.REJECTED: Status.REJECTED,
            Event.WITHDRAWN: Status.WITHDRAWN,
            Event.LAPSED: Status.LAPSED,
        },
        Status.EXECUTED: {},
        Status.REJECTED: {},
        Status.WITHDRAWN: {},
        Status.LAPSED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.WAITING: "等待批准",
    Status.EXECUTED: "已批准",
    Status.REJECTED: "已退回",
    Status.WITHDRAWN: "已撤回",
    Status.LAPSED: "已过期",
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.WAITING: frozenset({Role.APPROVER}),
    Status.EXECUTED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.WITHDRAWN: frozenset(),
    Status.LAPSED: frozenset(),
}


MOST_SIGNATURES = 3


class SamePerson(Forbidden):
    """Who proposes never approves, and nobody signs twice."""

    code = "same_person"


class OwnWork(Forbidden):
    """Who planned or changed a thing never approves it, whoever proposed it."""

    code = "own_work"


class AlreadyDecided(Conflict):
    """The proposal was executed, sent back or withdrawn before, or it lapsed."""

    code = "already_decided"


class AlreadyProposed(Conflict):
    """The same act on the same thing is waiting for a decision already."""

    code = "already_proposed"


class ChangedSinceProposed(Conflict):
    """What was proposed is no longer what stands in the records; it must be proposed again."""

    code = "changed_since_proposed"


class PayloadChanged(Conflict):
    """The proposal itself was changed in the database after it was frozen; nobody can sign it."""

    code = "payload_changed"


class Rule(StrEnum):
    """Why a proposal needs more than one signature."""

    AMOUNT = "amount"
    SPLIT = "split"
    LIVE = "live"
    STEEP = "steep"


@dataclass(frozen=True, slots=True)
class Bands:
    """How many sign by what it can cost; a third is never asked for when `third_above` is zero."""

    second_above: Money
    third_above: Money

    def signatures(self, amount: Money) -> int:
        """1, 2 or 3."""
        if ZERO < self.third_above < amount:
            return 3
        return 2 if amount > self.second_above else 1


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that asks for more signatures, how many, and the sum that it judged."""

    rule: Rule
    signatures: int
    judged: Money


def reasons(
    bands: Bands, amount: Money, with_others: Money, *, live: bool, steep: bool
) -> tuple[Reason, ...]:
    """Every rule that asks for more than one signature.

    `with_others` is the amount and what the same group proposed shortly before: parts below a band
    are judged as the whole they make.
    """
    alone, together = bands.signatures(amount), bands.signatures(with_others)
    asked = {
        Reason(Rule.AMOUNT, alone, amount): alone > 1,
        Reason(Rule.SPLIT, together, with_others): together > alone,
        Reason(Rule.LIVE, 2, amount): live,
        Reason(Rule.STEEP, 2, amount): steep,
    }
    return tuple(reason for reason, holds in asked.items() if holds)


def signatures(found: Sequence[Reason]) -> int:
    """How many must sign."""
    return max((one.signatures for one in found), default=1)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who said yes, and when."""

    staff_id: UUID
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal as its readers see it.

    `amount` is what it can cost at most; `authors` planned or changed what it is about and can't
    sign; `simulation` is what its signers were shown; `replayed` says that this is the answer of an
    earlier request with the same key.
    """

    id: ApprovalId
    action: str
    object_type: str
    object_id: UUID
    area: str
    title: str
    payload: Mapping[str, Any]
    payload_sha256: str
    maker_id: UUID
    authors: frozenset[UUID]
    amount: Money
    signatures_needed: int
    why: tuple[Reason, ...]
    simulation: Mapping[str, Any] | None
    status: Status
    proposed_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    reason: str | None
    signatures: tuple[Signature, ...] = ()
    replayed: bool = False

    def check_signer(self, actor: Actor) -> None:
        """Raises AlreadyDecided, SamePerson or OwnWork when this actor can't sign."""
        if self.status is not Status.WAITING:
            raise AlreadyDecided(extra={"status": str(self.status)})
        if actor.id == self.maker_id or any(one.staff_id == actor.id for one in self.signatures):
            raise SamePerson
        if actor.id in self.authors:
            raise OwnWork

    def may_sign(self, actor: Actor) -> bool:
        """Whether `check_signer` would pass."""
        try:
            self.check_signer(actor)
        except (AlreadyDecided, SamePerson, OwnWork):
            return False
        return True


def fingerprint(payload: Mapping[str, Any]) -> str:
    """SHA-256 of the payload in canonical JSON, in hex."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
