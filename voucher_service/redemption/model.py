"""What a till sends and is told: the lifecycle of a redemption, orders, answers and refusals.

Which refusal comes first when several hold is decided in `judging`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from voucher_service.kernel.actor import ActorKind
from voucher_service.kernel.errors import (
    Conflict,
    Forbidden,
    TooMany,
    Unauthenticated,
    Unprocessable,
)
from voucher_service.kernel.ids import CashierId, OfferId, RedemptionId, ShopId, VoucherId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import ZERO, Money
from voucher_service.tradein.qualifications import QualificationId
from voucher_service.tradein.sales.model import Sale, Traces


class Status(StrEnum):
    """Where a redemption stands. `refused` is a tombstone: the order may never be redeemed."""

    FROZEN = "frozen"
    COMMITTED = "committed"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    REVERSED = "reversed"
    REFUSED = "refused"


class Event(StrEnum):
    """What happens to a redemption."""

    COMMITTED = "redemption.committed"
    CANCELLED = "redemption.cancelled"
    LAPSED = "redemption.lapsed"
    REVERSED = "redemption.reversed"


class Source(StrEnum):
    """How an order came in."""

    PAGE = "page"
    API = "api"
    POS = "pos"


class Recovery(StrEnum):
    """How a refunded subsidy comes back from the merchant: it was never paid, the next batch
    subtracts it, or the merchant owes it.
    """

    NONE = "none"
    NET_OFF = "net_off"
    CLAW_BACK = "claw_back"


class Phase(StrEnum):
    """How far the merchant's money is."""

    NONE = "none"
    BATCHED = "batched"
    PAID = "paid"


LIFECYCLE: Machine[Status, Event] = Machine(
    "redemption",
    Status.COMMITTED,
    {
        Status.FROZEN: {
            Event.COMMITTED: Status.COMMITTED,
            Event.CANCELLED: Status.CANCELLED,
            Event.LAPSED: Status.LAPSED,
        },
        Status.COMMITTED: {Event.REVERSED: Status.REVERSED},
        Status.CANCELLED: {},
        Status.LAPSED: {},
        Status.REVERSED: {},
        Status.REFUSED: {},
    },
)
PUBLIC: Mapping[Status, str] = {
    Status.FROZEN: "使用中",
    Status.COMMITTED: "已核销",
    Status.CANCELLED: "已取消",
    Status.LAPSED: "已超时",
    Status.REVERSED: "已冲正",
    Status.REFUSED: "已作废",
}
OWNER: Mapping[Status, frozenset[ActorKind]] = {
    Status.FROZEN: frozenset({ActorKind.CASHIER, ActorKind.RESIDENT, ActorKind.SYSTEM}),
    Status.COMMITTED: frozenset({ActorKind.CASHIER}),
    Status.CANCELLED: frozenset(),
    Status.LAPSED: frozenset(),
    Status.REVERSED: frozenset(),
    Status.REFUSED: frozenset(),
}


class SignedOut(Unauthenticated):
    """The session at the till was ended, or its account is closed."""

    code = "signed_out"


class FreezeLapsed(Conflict):
    """The freeze was over before its commit came; what it held is free again."""

    code = "freeze_lapsed"


class RedemptionOver(Conflict):
    """The redemption was cancelled or reversed before; it can't be committed any more."""

    code = "redemption_over"


class AlreadyCommitted(Conflict):
    """What is committed isn't cancelled: it is reversed, or refunded."""

    code = "already_committed"


class ReversalTooLate(Conflict):
    """A reversal undoes what happened a moment ago; later, and after a refund, there are refunds
    only.
    """

    code = "reversal_too_late"


class OrderRefused(Conflict):
    """The shop reversed this order before it came; it is refused for good."""

    code = "order_refused"


class TillLocked(TooMany):
    """Too many unreadable codes from this shop; redemptions there pause for up to a minute."""

    code = "till_locked"


class CodeUsed(Conflict):
    """This very code was redeemed before."""

    code = "code_used"


class VoucherFrozen(Conflict):
    """The voucher is being used on another order; `extra` says until when at the latest."""

    code = "voucher_frozen"


class RedemptionStopped(Conflict):
    """Redemptions are stopped for now: of the campaign, of its programme, or of everything."""

    code = "redemption_stopped"


class OwnVoucher(Forbidden):
    """A cashier can't redeem a voucher of their own."""

    code = "own_voucher"


class ShopNotInScope(Unprocessable):
    """The voucher is not for this place, trade, shop, hour or weekday: `extra` says which part."""

    code = "shop_not_in_scope"


class StackLimitReached(Conflict):
    """As many vouchers as go together are on this receipt."""

    code = "stack_limit_reached"


class BelowThreshold(Unprocessable):
    """The order, without goods that the voucher is not for, is smaller than its threshold."""

    code = "below_threshold"


class SpendNotPossible(Unprocessable):
    """The voucher can't take exactly so much off this order; `extra` says how much at most."""

    code = "spend_not_possible"


class DiscountsExceedOrder(Unprocessable):
    """The voucher, the bank and the platform together take off more than the order is."""

    code = "discounts_exceed_order"


class OrderReferenceReused(Unprocessable):
    """The shop used this order reference before, for another order."""

    code = "order_reference_reused"


class OrderAmountInvalid(Unprocessable):
    """The order amount is nothing, or so large that it is mistyped."""

    code = "order_amount_invalid"


class Payer(StrEnum):
    """Who bears another discount on the same order."""

    MERCHANT = "merchant"
    BANK = "bank"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class OtherDiscount:
    """A discount beside the voucher. The merchant's own is off the order amount already."""

    payer: Payer
    amount: Money


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a till says it is, in degrees (WGS 84), give or take so many metres: evidence."""

    latitude: float
    longitude: float
    accuracy_m: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The bill as the till sends it: after the merchant's own discounts, before the voucher.

    `ticket_reference`: the receipt, where it takes several vouchers, each on a part of the bill of
    its own. `spend`: how much to take off a balance; None: as much as goes. `id_last_four`: of the
    holder's document, for a voucher on paper. Of a subsidised unit, `list_price` is what it costs
    without the merchant's discounts; `payer` and `receiver` are names, compared with the holder's
    and kept nowhere; of `traces` keyed hashes are kept. The rest is evidence.
    """

    amount: Money
    reference: str
    payment_reference: str | None = None
    items: tuple[Mapping[str, object], ...] = ()
    ticket_reference: str | None = None
    spend: Money | None = None
    discounts: tuple[OtherDiscount, ...] = ()
    id_last_four: str | None = None
    list_price: Money | None = None
    payer: str | None = field(default=None, repr=False)
    receiver: str | None = field(default=None, repr=False)
    traces: Traces = field(default_factory=Traces, repr=False)
    position: Whereabouts | None = None
    point_id: UUID | None = None
    source: Source = Source.API

    @property
    def taken_off_later(self) -> Money:
        """What bank and platform take off after the voucher."""
        return Money.total(one.amount for one in self.discounts if one.payer is not Payer.MERCHANT)

    def eligible(self, excluded: Collection[str]) -> Money:
        """The order without its goods of these classes."""
        left_out = sum(
            int(str(one["price_fen"])) for one in self.items if one.get("goods_class") in excluded
        )
        return Money(max(0, self.amount.fen - left_out))


@dataclass(frozen=True, slots=True)
class Redemption:
    """A voucher, or a qualification with its unit, on an order. `part` counts the orders of a
    voucher that is spent bit by bit.
    """

    id: RedemptionId
    voucher_id: VoucherId | None
    offer_title: str
    shop_id: ShopId
    shop_name: str
    merchant_name: str
    cashier_id: CashierId
    order_reference: str
    payment_reference: str | None
    order_amount: Money
    discount: Money
    refunded: Money
    refunded_discount: Money
    status: Status
    phase: Phase
    occurred_at: datetime
    code_window: int
    offer_id: OfferId
    part: int = 1
    paid: Money = ZERO
    discounts: tuple[OtherDiscount, ...] = ()
    ticket_reference: str | None = None
    freeze_expires_at: datetime | None = None
    reason: str | None = None
    source: Source = Source.API
    qualification_id: QualificationId | None = None
    sale: Sale | None = None

    @property
    def claimed(self) -> UUID:
        """The voucher or the qualification."""
        id = self.voucher_id or self.qualification_id
        assert id is not None, "every redemption has one of them"
        return id

    @property
    def payable(self) -> Money:
        """What the customer pays, before the discounts of bank and platform."""
        return self.order_amount - self.discount

    @property
    def discounts_later(self) -> tuple[OtherDiscount, ...]:
        """What bank and platform take off after the voucher."""
        return tuple(one for one in self.discounts if one.payer is not Payer.MERCHANT)

    @property
    def net_paid(self) -> Money:
        """What the customer paid, less cash given back."""
        return self.payable - (self.refunded - self.refunded_discount)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An order that was reversed before it came: it stays refused."""

    id: RedemptionId
    shop_id: ShopId
    cashier_id: CashierId
    order_reference: str
    reason: str
    occurred_at: datetime
    status: Status = Status.REFUSED
    discounts: tuple[OtherDiscount, ...] = ()
    # What a redemption has and an order that never came has not: answers have one form.
    voucher_id: None = None
    qualification_id: None = None
    sale: None = None
    offer_title: None = None
    part: None = None
    payment_reference: None = None
    ticket_reference: None = None
    order_amount: None = None
    discount: None = None
    payable: None = None
    paid: None = None
    refunded: None = None
    net_paid: None = None
    freeze_expires_at: None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A shop's day in one line. `paid`: by the customers, before any refund."""

    count: int
    order: Money
    discount: Money
    payable: Money
    paid: Money
    refunded: Money
