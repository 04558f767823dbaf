"""What a voucher takes off an order, and why it does not: the refusals in their fixed order.

The order is part of the contract and stands in docs/till.md: whichever faults hold at once, the
first of them is answered. Pure: everything that is known comes in as a `Case`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from voucher_service.campaigns.model import Offer, OfferKind, ScopePart, benefit, in_scope
from voucher_service.infra import areas
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import ZERO, Money
from voucher_service.merchants.model import MerchantSuspended, Till
from voucher_service.stops.model import EVERYTHING
from voucher_service.vouchers.code import CodeInvalid, Read
from voucher_service.vouchers.model import Status as VoucherStatus
from voucher_service.vouchers.model import Voucher, VoucherNotUsable

from .model import (
    BelowThreshold,
    CodeUsed,
    DiscountsExceedOrder,
    Order,
    OrderAmountInvalid,
    OwnVoucher,
    RedemptionStopped,
    ShopNotInScope,
    SpendNotPossible,
    StackLimitReached,
    TillLocked,
    VoucherFrozen,
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One order at one till at one instant, and what is known of it, whatever its code is of.

    `locked_seconds`: how long the till stays locked. `frozen_until`: when another order lets go
    what is shown. `stopped`: what redemptions are stopped of, by id. `own`: it is the cashier's.
    """

    till: Till
    order: Order
    now: datetime
    window_seconds: int
    read: Read | None
    locked_seconds: int | None = None
    nonce_used: bool = False
    frozen_until: datetime | None = None
    stopped: Collection[UUID] = ()
    own: bool = False

    def check_code(self) -> None:
        """Raises, in this order, MerchantSuspended, TillLocked, CodeInvalid, CodeExpired and
        CodeUsed.
        """
        check_merchant(self.till)
        if self.locked_seconds is not None:
            raise TillLocked(retry_after_seconds=self.locked_seconds)
        if self.read is None:
            raise CodeInvalid
        self.read.check_time(self.now, self.window_seconds)
        if self.nonce_used:
            raise CodeUsed

    def check_place(self, offer: Offer) -> None:
        """Raises ShopNotInScope when what is shown, of this offer, is not for here and now."""
        till = self.till
        part = in_scope(
            offer, area=till.area, trade=str(till.trade), shop=till.shop_id, at=self.now
        )
        if till.sandbox != offer.sandbox:
            part = ScopePart.SHOP
        if part is not None:
            raise ShopNotInScope(extra={"part": str(part)}, offer=offer.title, **_when(offer, part))


@dataclass(frozen=True, slots=True)
class Case:
    """An order with a voucher; where there is none, nothing was read.

    `holder`: what is wrong with the document of whoever shows a voucher on paper. `beside`: the
    offers of the other vouchers on the same receipt.
    """

    attempt: Attempt
    voucher: Voucher | None
    holder: DomainError | None = None
    beside: tuple[Offer, ...] = ()


def judge(case: Case) -> Money:
    """What the voucher takes off.

    Raises, in this order, MerchantSuspended, TillLocked, CodeInvalid, CodeExpired, CodeUsed,
    IdLastFourNeeded, IdLastFourWrong, AlreadyRedeemed, VoucherFrozen, VoucherExpired,
    VoucherNotUsable, RedemptionStopped, OwnVoucher, ShopNotInScope, StackLimitReached,
    BelowThreshold, SpendNotPossible, DiscountsExceedOrder.
    """
    case.attempt.check_code()
    if case.voucher is None:
        raise CodeInvalid
    if case.holder is not None:
        raise case.holder
    _check_voucher(case.attempt, case.voucher)
    case.attempt.check_place(case.voucher.offer)
    _check_receipt(case, case.voucher.offer)
    return _amount(case.attempt.order, case.voucher)


def check_amount(order: Order, most: Money) -> None:
    """Raises OrderAmountInvalid when the amount is nothing, or mistyped."""
    if not ZERO < order.amount <= most:
        raise OrderAmountInvalid(most=most)


def check_merchant(till: Till) -> None:
    """Raises MerchantSuspended when the merchant or the shop may not take vouchers."""
    if not till.merchant_active or not till.shop_active:
        raise MerchantSuspended


def reaches(stopped: Collection[UUID], offer: Offer) -> bool:
    """Whether one of these stops of redemptions reaches vouchers of the offer."""
    return any(id in stopped for id in (EVERYTHING, offer.programme_id, offer.campaign_id))


def _check_voucher(case: Attempt, voucher: Voucher) -> None:
    if voucher.status is VoucherStatus.FROZEN:
        until = case.frozen_until
        if until is None:
            raise VoucherFrozen
        raise VoucherFrozen(extra={"frozen_until": until.isoformat()}, frozen_until=until)
    voucher.check_usable(case.now)
    if case.now < voucher.valid_from:
        begins = voucher.valid_from
        raise VoucherNotUsable(extra={"usable_from": begins.isoformat()}, usable_from=begins)
    if reaches(case.stopped, voucher.offer):
        raise RedemptionStopped(offer=voucher.offer.title)
    if case.own:
        raise OwnVoucher


def _check_receipt(case: Case, offer: Offer) -> None:
    limit = min(one.stack_limit for one in (offer, *case.beside))
    if case.attempt.order.ticket_reference and len(case.beside) >= limit:
        raise StackLimitReached(extra={"stack_limit": limit}, limit=limit)


def _when(offer: Offer, part: ScopePart) -> dict[str, Any]:
    """When the voucher is good, if it isn't now."""
    if part is ScopePart.HOURS:
        spans = (f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in offer.hours)
        return {"hours": "、".join(spans)}
    if part is ScopePart.WEEKDAY:
        return {"weekdays": "、".join(str(one) for one in offer.weekdays)}
    return {}


def _amount(order: Order, voucher: Voucher) -> Money:
    offer = voucher.offer
    eligible = order.eligible(offer.excluded_items)
    amount = benefit(offer, eligible, left=voucher.face_value - voucher.spent)
    if not amount:
        raise BelowThreshold(
            extra={"threshold_fen": offer.threshold.fen, "eligible_fen": eligible.fen},
            order=eligible,
            threshold=offer.threshold,
            missing=offer.threshold - eligible,
        )
    if order.spend is not None and order.spend != amount:
        if offer.kind is not OfferKind.BALANCE or not ZERO < order.spend < amount:
            raise SpendNotPossible(extra={"most_fen": amount.fen}, most=amount)
        amount = order.spend
    if order.taken_off_later > order.amount - amount:
        raise DiscountsExceedOrder
    return amount


def accepts(offer: Offer, area: str, trade: str) -> bool:
    """Whether a shop of that area and trade is in the offer's scope, whoever it is and whenever."""
    in_area = not offer.areas or any(areas.within(area, one) for one in offer.areas)
    return in_area and (not offer.trades or trade in offer.trades)
