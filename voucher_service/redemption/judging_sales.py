"""What a qualification takes off an order, and why it does not: the refusals in their fixed order.

As `judging` does of vouchers, in the same order as far as both have the refusal. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from voucher_service.kernel.money import Money
from voucher_service.tradein.qualifications import Qualification, QualificationOver, Status
from voucher_service.tradein.sales.model import (
    OwnQualification,
    QualificationFrozen,
    QualificationUsed,
    SubsidyShort,
)
from voucher_service.tradein.sales.offering import Asked, Offered, offered

from .judging import Attempt, reaches
from .model import DiscountsExceedOrder, RedemptionStopped


@dataclass(frozen=True, slots=True)
class SaleCase:
    """An order with a qualification: what is asked for, and what its pool can still pay."""

    attempt: Attempt
    qualification: Qualification
    asked: Asked
    left: Money


def judge_holder(case: Attempt, found: Qualification) -> None:
    """What speaks against the code, its qualification and the place, whatever is sold.

    Raises, in this order, MerchantSuspended, TillLocked, CodeInvalid, CodeExpired, CodeUsed,
    QualificationUsed, QualificationFrozen, QualificationOver, RedemptionStopped, OwnQualification,
    ShopNotInScope.
    """
    case.check_code()
    if found.status is Status.USED:
        raise QualificationUsed
    if found.status is Status.FROZEN:
        until = case.frozen_until
        if until is None:
            raise QualificationFrozen
        raise QualificationFrozen(extra={"frozen_until": until.isoformat()}, frozen_until=until)
    if found.shown_status(case.now) is not Status.CLAIMED:
        raise QualificationOver
    if reaches(case.stopped, found.pool.offer):
        raise RedemptionStopped(offer=found.pool.offer.title)
    if case.own:
        raise OwnQualification
    case.check_place(found.pool.offer)


def judge_sale(case: SaleCase) -> Offered:
    """What is sold, with its subsidy.

    Raises what `judge_holder` raises, then what `offering.offered` raises, then
    DiscountsExceedOrder, SubsidyShort.
    """
    judge_holder(case.attempt, case.qualification)
    found = offered(case.asked)
    subsidy = found.quote.subsidy
    order = case.attempt.order
    if order.taken_off_later > order.amount - subsidy:
        raise DiscountsExceedOrder
    if case.left < subsidy:
        raise SubsidyShort(extra={"subsidy_fen": subsidy.fen}, subsidy=subsidy)
    return found
