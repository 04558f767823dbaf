"""What a till may do: the lifecycle of a redemption, and its refusals in their fixed order.

The order is part of the contract: merchant_suspended, till_locked, code_invalid, code_expired,
code_used, already_redeemed, voucher_expired, redemption_stopped, own_voucher, shop_not_in_scope,
below_threshold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from voucher_service.campaigns.model import Offer, benefit
from voucher_service.infra import areas
from voucher_service.kernel.actor import ActorKind
from voucher_service.kernel.errors import Conflict, Forbidden, TooMany, Unprocessable
from voucher_service.kernel.ids import CashierId, RedemptionId, ShopId, VoucherId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import ZERO, Money
from voucher_service.merchants.model import MerchantSuspended, Till
from voucher_service.stops.model import EVERYTHING
from voucher_service.vouchers.model import Voucher


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


class Phase(StrEnum):
    """How far the merchant's money is."""

    NONE = "none"
    BATCHED = "batched"
    PAID = "paid"


LIFECYCLE: Machine[Status, Event] = Machine(
    "redemption",
    Status.COMMITTED,
    {
        Status.FROZEN: {Event.COMMITTED: Status.COMMITTED},
        Status.COMMITTED: {},
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
    status: frozenset({ActorKind.CASHIER}) if status is Status.FROZEN else frozenset()
    for status in Status
}


class TillLocked(TooMany):
    """Too many unreadable codes from this shop; redemptions there pause for up to a minute."""

    code = "till_locked"


class CodeUsed(Conflict):
    """This very code was redeemed before."""

    code = "code_used"


class RedemptionStopped(Conflict):
    """Redemptions are stopped for now: of the campaign, of its programme, or of everything."""

    code = "redemption_stopped"


class OwnVoucher(Forbidden):
    """A cashier can't redeem a voucher of their own."""

    code = "own_voucher"


class ShopNotInScope(Unprocessable):
    """The voucher is for other areas or trades than this shop's."""

    code = "shop_not_in_scope"


class BelowThreshold(Unprocessable):
    """The order is smaller than the voucher's threshold."""

    code = "below_threshold"


class OrderReferenceReused(Unprocessable):
    """The shop used this order reference before, for another order."""

    code = "order_reference_reused"


class OrderAmountInvalid(Unprocessable):
    """The order amount is nothing, or so large that it is mistyped."""

    code = "order_amount_invalid"


@dataclass(frozen=True, slots=True)
class Order:
    """The bill as the till sends it: after the merchant's own discounts, before the voucher."""

    amount: Money
    reference: str
    payment_reference: str | None = None
    items: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Redemption:
    """A voucher on an order."""

    id: RedemptionId
    voucher_id: VoucherId
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

    @property
    def payable(self) -> Money:
        """What the customer pays."""
        return self.order_amount - self.discount

    @property
    def net_paid(self) -> Money:
        """What the customer paid, less cash given back."""
        return self.payable - (self.refunded - self.refunded_discount)


@dataclass(frozen=True, slots=True)
class Summary:
    """A shop's day in one line."""

    count: int
    order: Money
    discount: Money
    payable: Money
    refunded: Money


def check_amount(order: Order, most: Money) -> None:
    """Raises OrderAmountInvalid."""
    if not ZERO < order.amount <= most:
        raise OrderAmountInvalid(most=most)


def check_merchant(till: Till) -> None:
    """Raises MerchantSuspended when the merchant or the shop may not take vouchers."""
    if not till.merchant_active or not till.shop_active:
        raise MerchantSuspended


def discount_for(
    voucher: Voucher,
    till: Till,
    order: Order,
    *,
    own: bool,
    stopped: Collection[UUID],
    now: datetime,
) -> Money:
    """What the voucher takes off this order at this till. `stopped`: what redemptions are stopped
    of, by id.

    Raises, in this order, AlreadyRedeemed, VoucherExpired, VoucherNotUsable, RedemptionStopped,
    OwnVoucher, ShopNotInScope, BelowThreshold.
    """
    voucher.check_usable(now)
    if reaches(stopped, voucher.offer):
        raise RedemptionStopped(offer=voucher.offer.title)
    if own:
        raise OwnVoucher
    if not accepts(voucher.offer, till.area, str(till.trade)):
        raise ShopNotInScope(offer=voucher.offer.title)
    amount = benefit(voucher.offer, order.amount)
    if not amount:
        raise BelowThreshold(
            extra={"threshold_fen": voucher.offer.threshold.fen},
            order=order.amount,
            threshold=voucher.offer.threshold,
            missing=voucher.offer.threshold - order.amount,
        )
    return amount


def reaches(stopped: Collection[UUID], offer: Offer) -> bool:
    """Whether one of these stops of redemptions reaches vouchers of the offer."""
    return any(id in stopped for id in (EVERYTHING, offer.programme_id, offer.campaign_id))


def accepts(offer: Offer, area: str, trade: str) -> bool:
    """Whether a shop of that area and trade is in the offer's scope."""
    in_area = not offer.areas or any(areas.within(area, one) for one in offer.areas)
    return in_area and (not offer.trades or trade in offer.trades)
