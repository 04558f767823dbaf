"""What a refund gives back to whom, and what becomes of the voucher or qualification. Pure.

Everything depends on what is kept of the order alone, so any sequence of refunds that keeps the
same goods ends the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.campaigns.model import (
    IN_PARTS,
    Offer,
    OfferKind,
    PartialRefund,
    RefundRule,
    benefit,
)
from voucher_service.kernel.clock import day_of, start_of
from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable
from voucher_service.kernel.ids import CashierId, RedemptionId, ShopId, VoucherId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.tradein.policy import Case, Policy
from voucher_service.tradein.qualifications import QualificationId
from voucher_service.tradein.qualifications import Status as QualificationStatus
from voucher_service.tradein.quote import Quote, under
from voucher_service.vouchers.model import Status as VoucherStatus
from voucher_service.vouchers.model import Voucher

from .model import OtherDiscount, Payer, Phase, Recovery

RefundId = NewType("RefundId", UUID)
After = VoucherStatus | QualificationStatus


class RefundExceedsOrder(Unprocessable):
    """More than is left of the order; `extra` says how much that is."""

    code = "refund_exceeds_order"


class UnitCameBack(Unprocessable):
    """A subsidised unit is kept or comes back: so much of its price is given back only with the
    unit, which is a refund of all that is left. `extra` says how much is given back without it.
    """

    code = "unit_came_back"


class RefundReferenceReused(Unprocessable):
    """The shop used this refund reference before, for another refund."""

    code = "refund_reference_reused"


class NothingToRefund(Conflict):
    """The order was not redeemed, or the redemption was undone: there is no subsidy in it."""

    code = "nothing_to_refund"


class ManagerNeeded(Forbidden):
    """A refund of this size is made by the shop's manager."""

    code = "manager_needed"


class Fate(StrEnum):
    """What becomes of what an order took of its voucher: it lives again (at once or from tomorrow),
    it went back to the pool and may be claimed anew, or it stays consumed, and why.
    """

    LIVES = "lives"
    LIVES_TOMORROW = "lives_tomorrow"
    RETURNED = "returned"
    PARTIAL = "partial"
    BY_RULE = "by_rule"
    EXPIRED = "expired"
    CLOSED = "closed"

    @property
    def reusable(self) -> bool:
        """Whether the resident can spend again what the order took."""
        return self in (Fate.LIVES, Fate.LIVES_TOMORROW)


@dataclass(frozen=True, slots=True)
class Bill:
    """A redeemed order as a refund must know it: `discount` by the voucher, then what bank and
    platform took off; the merchant's own is off `order` already. `excluded`: goods that the offer
    is not for.
    """

    offer: Offer
    order: Money
    discount: Money
    others: tuple[OtherDiscount, ...] = ()
    excluded: Money = ZERO

    @property
    def payable(self) -> Money:
        """The order less the voucher."""
        return self.order - self.discount

    @property
    def paid(self) -> Money:
        """What the customer paid of it."""
        return self.payable - Money.total(one.amount for one in self.others)


@dataclass(frozen=True, slots=True)
class SaleBill(Bill):
    """The bill of a subsidised unit: what it was sold as, under which policy."""

    policy: Policy = field(kw_only=True)
    case: Case = field(kw_only=True)

    def quote(self, kept: Money) -> Quote:
        """What the unit would have got at the price that is kept."""
        return under(self.policy, replace(self.case, price=kept))


@dataclass(frozen=True, slots=True)
class Parts:
    """How an amount of an order divides: subsidy back to the funders, cash back to the customer,
    and what bank and platform take back. They add up to `amount`.
    """

    amount: Money
    subsidy: Money
    cash: Money
    others: tuple[OtherDiscount, ...]

    @property
    def other(self) -> Money:
        """What bank and platform take back together."""
        return Money.total(one.amount for one in self.others)


@dataclass(frozen=True, slots=True)
class Refund:
    """Part or all of a redeemed order given back. `valid_from`, `valid_until`: of its voucher or
    qualification, which stood as one of the two statuses says afterwards.
    """

    id: RefundId
    redemption_id: RedemptionId
    voucher_id: VoucherId | None
    qualification_id: QualificationId | None
    shop_id: ShopId
    cashier_id: CashierId
    reference: str | None
    parts: Parts
    reason: str
    phase: Phase
    recovery: Recovery
    voucher_status: VoucherStatus | None
    qualification_status: QualificationStatus | None
    fate: Fate
    value_back: Money
    valid_from: datetime
    valid_until: datetime
    occurred_at: datetime

    @property
    def after(self) -> After:
        """Where the voucher or the qualification stood afterwards."""
        after = self.voucher_status or self.qualification_status
        assert after is not None, "one of them is told"
        return after

    @property
    def order_part(self) -> Money:
        """What the order is less."""
        return self.parts.amount

    @property
    def reusable(self) -> bool:
        """Whether the resident can spend the voucher again: it, or what was left of it anyway."""
        left = self.voucher_status is VoucherStatus.CLAIMED and self.occurred_at < self.valid_until
        return self.fate.reusable or left


@dataclass(frozen=True, slots=True)
class Owed:
    """What a merchant has of the funders' money and must give back: `net_off` is subtracted by the
    batch after the one that is under way, `receivable` was paid out before it was refunded.
    """

    net_off: Money
    receivable: Money

    @property
    def total(self) -> Money:
        """Both together."""
        return self.net_off + self.receivable


def kept_subsidy(bill: Bill, kept: Money) -> Money:
    """What subsidy stays with an order of which goods for `kept` are kept (0 to the whole order).

    It never grows faster than what is kept, so that no refund takes cash from the customer; it is
    nothing when nothing is kept and all of it when all is. Excluded goods count as kept to the
    last: a voucher can't be turned into them by giving back the rest. Of a subsidised unit stays
    what it would have got at the lower price.
    """
    if isinstance(bill, SaleBill):
        return max(bill.quote(kept).subsidy, bill.discount - (bill.order - kept), ZERO)
    offer = bill.offer
    if offer.partial_refund is PartialRefund.PROPORTIONAL:
        return Money(bill.discount.fen * kept.fen // bill.order.fen)
    eligible = Money(max(0, kept.fen - bill.excluded.fen))
    least = max(ZERO, min(offer.threshold, bill.order - bill.excluded))
    full = min(bill.discount, benefit(offer, max(eligible, least)))
    return max(ZERO, full - max(ZERO, least - eligible))


def parts(bill: Bill, refunded: Money, amount: Money) -> Parts:
    """How `amount` divides after `refunded` was given back before.

    Raises RefundExceedsOrder when it is nothing or more than is left.
    """
    left = bill.order - refunded
    if not ZERO < amount <= left:
        raise RefundExceedsOrder(extra={"left_fen": left.fen}, left=left)
    subsidy, cash, others = _kept(bill, left)
    then_subsidy, then_cash, then_others = _kept(bill, left - amount)
    taken_back = tuple(
        OtherDiscount(one.payer, before - after)
        for one, before, after in zip(bill.others, others, then_others, strict=True)
    )
    return Parts(amount, subsidy - then_subsidy, cash - then_cash, taken_back)


def fate(
    rule: RefundRule,
    voucher: Voucher,
    *,
    whole: bool,
    back: Money,
    redeemed_at: datetime,
    now: datetime,
) -> Fate:
    """What becomes of a voucher when its order goes back; `whole`: nothing of the order is kept.
    `back`: what `brings_back` says.

    Nothing brings a voucher back after its end, which stays what it was. `restored` gives up the
    voucher instead, whatever its end: the right to claim another comes back; but not while other
    orders of the same voucher stand.
    """
    if not (whole or back):
        return Fate.PARTIAL
    if rule is RefundRule.NEVER:
        return Fate.BY_RULE
    if voucher.status is VoucherStatus.EXPIRED:
        return Fate.EXPIRED
    alone = whole and voucher.spent == back and voucher.status is not VoucherStatus.FROZEN
    if rule is RefundRule.RESTORED and alone:
        return Fate.RETURNED
    if not back:
        return Fate.PARTIAL  # earlier refunds of the order brought all of it back
    if now >= voucher.valid_until:
        return Fate.EXPIRED
    at_once = rule is not RefundRule.NEXT_DAY or day_of(now) == day_of(redeemed_at)
    # What is left of a voucher that isn't used up can be spent today anyway.
    if at_once or (voucher.status is not VoucherStatus.REDEEMED and voucher.valid_from <= now):
        return Fate.LIVES
    return Fate.LIVES_TOMORROW if tomorrow(now) < voucher.valid_until else Fate.EXPIRED


def tomorrow(now: datetime) -> datetime:
    """When the next business day begins."""
    return start_of(day_of(now) + timedelta(days=1))


def brings_back(offer: Offer, *, taken: Money, subsidy: Money, whole: bool) -> Money:
    """How much less of a voucher is spent after a refund, where the rule lets it live: all that the
    order still has of it (`taken`) when nothing of the order is kept; of a balance the subsidy of
    each part, at once. A part of any other voucher, also of a pack's piece, brings back nothing.
    """
    if whole:
        return taken
    return subsidy if offer.kind is OfferKind.BALANCE else ZERO


def worth_again(voucher: Voucher, back: Money) -> Money:
    """What a voucher is worth again, over what it is worth now, when so much less is spent of it.

    A voucher for one order is whole again, also what that order had left over of it.
    """
    return back if voucher.offer.kind in IN_PARTS else voucher.face_value


def recovery(phase: Phase) -> Recovery:
    """How the subsidy part comes back from the merchant."""
    return {
        Phase.NONE: Recovery.NONE,
        Phase.BATCHED: Recovery.NET_OFF,
        Phase.PAID: Recovery.CLAW_BACK,
    }[phase]


def _kept(bill: Bill, kept: Money) -> tuple[Money, Money, list[Money]]:
    """What stays of the subsidy, of the customer's payment, and of each other payer's discount.

    Cash is rounded down, so a fen that can't be divided goes to the customer; the others follow
    from the rest, each never growing faster than it.
    """
    subsidy = kept_subsidy(bill, kept)
    paid_for = kept - subsidy
    cash = ZERO
    if bill.payable:
        cash = Money(bill.paid.fen * paid_for.fen // bill.payable.fen)
    return subsidy, cash, _shared(paid_for - cash, bill.others)


def _shared(amount: Money, others: Sequence[OtherDiscount]) -> list[Money]:
    """An amount over payers by what each gave, one after the other of what is left."""
    weights, shares = sum(one.amount.fen for one in others), []
    for one in others:
        share = Money(amount.fen * one.amount.fen // weights) if weights else ZERO
        shares.append(share)
        amount, weights = amount - share, weights - one.amount.fen
    return shares


def other_payers(discounts: Sequence[OtherDiscount]) -> tuple[OtherDiscount, ...]:
    """The discounts that come off after the voucher; the merchant's own came off before."""
    return tuple(one for one in discounts if one.payer is not Payer.MERCHANT)


def check_kept_unit(order: Money, left: Money, amount: Money, *, cut_bps: int) -> None:
    """Raises UnitCameBack when a refund leaves less of a subsidised unit's price than is left of a
    unit that is kept: else whoever refunds nearly all of it keeps a subsidy for nothing, and its
    buyer's qualification stays used.
    """
    least = order.fen * (10_000 - cut_bps)
    if amount != left and (left - amount).fen * 10_000 < least:
        most = Money(max(0, left.fen + -least // 10_000))
        raise UnitCameBack(extra={"most_fen": most.fen}, most=most)
