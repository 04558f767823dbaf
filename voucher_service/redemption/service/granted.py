"""What a till asks, and what it is granted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from voucher_service.campaigns.model import IN_PARTS, Offer
from voucher_service.infra.idempotency import Outcome, hash_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.ids import VoucherId
from voucher_service.kernel.money import Money
from voucher_service.merchants.model import Till
from voucher_service.tradein.qualifications import Qualification, QualificationId
from voucher_service.tradein.sales.offering import Offered
from voucher_service.vouchers.code import Read
from voucher_service.vouchers.model import Voucher

from ..model import Order, Redemption


@dataclass(frozen=True, slots=True)
class Ask:
    """A code and a bill, from a till. `freezes`: the first of two steps. `key`: of idempotency.

    `session`: the sign-in session that the actor's token names, when it was not looked at yet.
    """

    actor: Actor
    code: str
    order: Order
    key: str
    freezes: bool = False
    session: UUID | None = None

    def body_hash(self, read: Read | None) -> bytes:
        """What a repeat has in common: the voucher, not the code, since after a lost reply the
        cashier scans its next code; nor what is evidence only.
        """
        order = self.order
        body: dict[str, object] = {
            "voucher": self.code if read is None else str(read.code_ref),
            "amount": order.amount.fen,
            "payment": order.payment_reference,
            "items": list(order.items),
        }
        if self.freezes:
            body["freezes"] = True
        if order.ticket_reference is not None:
            body["ticket"] = order.ticket_reference
        if order.spend is not None:
            body["spend"] = order.spend.fen
        if order.discounts:
            body["discounts"] = [[str(one.payer), one.amount.fen] for one in order.discounts]
        return hash_of(body)


@dataclass(frozen=True, slots=True)
class Grant:
    """An order that nothing speaks against."""

    ask: Ask
    till: Till
    read: Read
    discount: Money
    key_hash: bytes
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Granted(Grant):
    """An order with a voucher; `part` counts the orders of its voucher."""

    voucher: Voucher
    part: int

    @property
    def left(self) -> Money:
        """What the voucher is worth after this order."""
        return self.voucher.face_value - self.voucher.spent - self.discount

    @property
    def whole(self) -> bool:
        """Whether this order uses the voucher up."""
        return self.voucher.offer.kind not in IN_PARTS or not self.left

    @property
    def offer(self) -> Offer:
        """What the voucher is of."""
        return self.voucher.offer

    @property
    def voucher_id(self) -> VoucherId:
        """The voucher."""
        return self.voucher.id

    @property
    def qualification_id(self) -> None:
        """None: it is a voucher's."""
        return

    @property
    def claimed(self) -> UUID:
        """The voucher."""
        return self.voucher.id

    @property
    def claimed_on(self) -> date:
        """The business day of the voucher's claim."""
        return day_of(self.voucher.claimed_at)


@dataclass(frozen=True, slots=True)
class GrantedSale(Grant):
    """An order with a qualification, and the unit that is sold."""

    qualification: Qualification
    offered: Offered

    @property
    def part(self) -> int:
        """A qualification is for one unit."""
        return 1

    @property
    def offer(self) -> Offer:
        """The pool's offer."""
        return self.qualification.pool.offer

    @property
    def voucher_id(self) -> None:
        """None: it is a qualification's."""
        return

    @property
    def qualification_id(self) -> QualificationId:
        """The qualification."""
        return self.qualification.id

    @property
    def claimed(self) -> UUID:
        """The qualification."""
        return self.qualification.id

    @property
    def claimed_on(self) -> None:
        """None: it is a qualification's."""
        return


Answer = Outcome[Redemption] | DomainError
Decided = Granted | GrantedSale | Answer
