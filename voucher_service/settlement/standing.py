"""How a merchant stands with settlement: what waits and why, what it is paid ahead. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from voucher_service.kernel.errors import Conflict
from voucher_service.kernel.ids import ApprovalId, MerchantId
from voucher_service.kernel.money import ZERO, Money

from .lifecycles import AdvanceStatus
from .model import AdvanceId


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What a merchant redeemed and no batch pays yet: `ready` goes into the next batch, the rest
    waits. `payment_hold`: all of it waits; `no_account`: nowhere to pay it to. `owed`: what the
    next line nets off.
    """

    count: int
    amount: Money
    held: Mapping[str, Money]
    payment_hold: bool
    no_account: bool
    owed: Money

    @property
    def ready(self) -> Money:
        """What the next batch can pay, before it nets off."""
        if self.payment_hold or self.no_account:
            return ZERO
        return self.amount - Money.total(self.held.values())


@dataclass(frozen=True, slots=True)
class Advance:
    """Money that a merchant is paid ahead, and how far that is."""

    id: AdvanceId
    amount: Money
    status: AdvanceStatus
    reason: str
    proposed_by: UUID
    approval_id: ApprovalId
    at: datetime


@dataclass(frozen=True, slots=True)
class Payee:
    """A merchant as settlement sees it: what waits, its newest advances, how much more of them it
    may get.
    """

    merchant_id: MerchantId
    name: str
    unpaid: Unpaid
    advances: Sequence[Advance]
    may_advance: Money


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a batch does not pay for one reason: orders that are not in it, and orders that
    are and `leave` it at the review. `merchants`: those with most of it, and how much.

    `reason`: one of a hold, of a line that is left out, UNRELEASED, SENT_BACK, or NEXT for nothing
    any more.
    """

    reason: str
    count: int
    amount: Money
    leave_count: int
    leave_amount: Money
    merchants: Sequence[tuple[MerchantId, str, Money]]
    more: int


class NothingDue(Conflict):
    """Nothing can be paid, so no batch was made. `waiting`: what waits, by reason; `extra.waiting`
    says the same to machines.
    """

    code = "settlement_nothing_due"

    def __init__(self, waiting: Sequence[Waiting] = ()) -> None:
        told = [
            {"reason": one.reason, "count": one.count, "amount_fen": one.amount.fen}
            for one in waiting
        ]
        amount = Money.total(one.amount for one in waiting)
        facts: dict[str, Any] = {"amount": amount} if waiting else {}
        super().__init__(extra={"waiting": told}, **facts)
        self.waiting = waiting
