"""What somebody promised to add to a programme from their own money, and its lifecycle. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money
from voucher_service.redemption.model import Payer

PledgeId = NewType("PledgeId", UUID)


class Status(StrEnum):
    """Where a pledge stands."""

    PROPOSED = "proposed"
    ENTERED = "entered"
    REFUSED = "refused"


class Event(StrEnum):
    """What happens to a pledge."""

    ENTERED = "pledge.entered"
    REFUSED = "pledge.refused"


LIFECYCLE: Machine[Status, Event] = Machine(
    "pledge",
    Status.PROPOSED,
    {
        Status.PROPOSED: {Event.ENTERED: Status.ENTERED, Event.REFUSED: Status.REFUSED},
        Status.ENTERED: {},
        Status.REFUSED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.PROPOSED: mark("等待批准"),
    Status.ENTERED: mark("已登记"),
    Status.REFUSED: mark("已退回"),
}
OWNER: Mapping[Status, frozenset[Role]] = {
    Status.PROPOSED: frozenset({Role.APPROVER}),
    Status.ENTERED: frozenset(),
    Status.REFUSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Pledge:
    """An association, a chain, a bank or a platform adds up to `amount`, as a `document` of a day
    says. No money of it is in the books.

    Of one payer and name the newest that was entered counts; an amount of nothing takes it back.
    """

    id: PledgeId
    payer: Payer
    name: str
    amount: Money
    pledged_on: date
    document: str
    status: Status
    proposed_by: UUID
    approval_id: ApprovalId
    at: datetime
