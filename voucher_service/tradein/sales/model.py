"""A subsidised unit on a till's order, and what speaks against it. Pure; money is whole fen."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from voucher_service.goods.model import Product
from voucher_service.kernel.errors import Conflict, Forbidden, Unprocessable
from voucher_service.kernel.ids import MerchantId, OfferId, RedemptionId, ResidentId, ShopId
from voucher_service.kernel.money import Money

from .. import identifiers
from ..policy import Case, Category
from ..qualifications import QualificationId
from ..quote import Line
from ..risk.facts import Link


class SaleStatus(StrEnum):
    """A redemption's life as its sale sees it. `undone`: cancelled, lapsed, reversed, or refunded
    as a whole.
    """

    FROZEN = "frozen"
    SOLD = "sold"
    UNDONE = "undone"


class NumberKind(StrEnum):
    """What a unit is known by for ever."""

    SERIAL = "serial"
    IMEI = "imei"


class QualificationUsed(Conflict):
    """The qualification was used; `extra` says when and where."""

    code = "qualification_used"


class QualificationFrozen(Conflict):
    """The qualification is being used on another order; `extra` says until when at the latest."""

    code = "qualification_frozen"


class OwnQualification(Forbidden):
    """A cashier can't sell with a qualification of their own."""

    code = "own_qualification"


class SubsidyShort(Conflict):
    """The pool's money doesn't pay this subsidy now. Its holder keeps the qualification and stands
    first in the line.
    """

    code = "subsidy_short"


class OneUnitPerSale(Unprocessable):
    """A qualification is for one unit: the order has another number of items than one."""

    code = "one_unit_per_sale"


class ItemIncomplete(Unprocessable):
    """The item lacks its GTIN or its serial number; `extra` says which."""

    code = "item_incomplete"


class ImeiNeeded(Unprocessable):
    """A phone is told by its IMEI; of two SIM cards both, and they differ."""

    code = "imei_needed"


class PriceNotOrderAmount(Unprocessable):
    """The unit's price is another than the order's amount: one unit, one payment, one invoice."""

    code = "price_not_order_amount"


class GoodsUnlisted(Unprocessable):
    """The library of goods has no such GTIN."""

    code = "goods_unlisted"


class GoodsOfAnotherCategory(Unprocessable):
    """The qualification is for another category; `extra` names both."""

    code = "goods_of_another_category"


class GradeDiffers(Unprocessable):
    """The library of goods knows another grade of efficiency; `extra` says which."""

    code = "grade_differs"


class AboveFiledPrice(Unprocessable):
    """The price is above the one that the merchant filed for this product; `extra` says which."""

    code = "above_filed_price"


class PayerNotHolder(Unprocessable):
    """Who pays or who receives is not the holder; `extra` says which of them."""

    code = "payer_not_holder"


class UnitSoldBefore(Conflict):
    """A unit with this number was sold with a subsidy before; `extra` says which number."""

    code = "unit_sold_before"


class UnitNotCovered(Unprocessable):
    """The policy pays nothing for this unit at this price; `extra` has the reasons."""

    code = "unit_not_covered"


@dataclass(frozen=True, slots=True)
class Traces:
    """What a till tells of the payment and the delivery: the payer's card or account as the payment
    service names it, the mobile to call, the address to deliver to.
    """

    card: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a till says of the one article of an order; numbers in their one spelling.

    `activated_on`: when the device was first switched on, where the till saw it.
    """

    gtin: str
    serial: str
    price: Money
    imei1: str | None = None
    imei2: str | None = None
    grade: int | None = None
    activated_on: date | None = None

    def numbers(self, brand: str) -> tuple[tuple[NumberKind, str], ...]:
        """By which it is known for ever. Serial numbers are unique per brand, so the brand stands
        in front.
        """
        maker = "".join(unicodedata.normalize("NFKC", brand).casefold().split())
        imeis = (one for one in (self.imei1, self.imei2) if one)
        return (
            (NumberKind.SERIAL, f"{maker} {self.serial}"),
            *((NumberKind.IMEI, one) for one in imeis),
        )


@dataclass(frozen=True, slots=True)
class Sale:
    """A unit that a till sold with a subsidy, or is about to: as it stands.

    A refund that lowered the price lowered price, subsidy, case and steps with it. `payer_matches`
    and `receiver_matches`: whether who paid and who receives is the holder; None: nobody said.
    `links`: keyed hashes of what it may share with other purchases.
    """

    id: RedemptionId
    qualification_id: QualificationId
    offer_id: OfferId
    resident_id: ResidentId
    merchant_id: MerchantId
    shop_id: ShopId
    category: Category
    gtin: str
    serial: str
    imei1: str | None
    imei2: str | None
    brand: str
    model: str
    grade: int | None
    list_price: Money | None
    price: Money
    filed_price: Money | None
    subsidy: Money
    policy_id: str
    case: Case
    steps: tuple[Line, ...]
    payer_matches: bool | None
    receiver_matches: bool | None
    status: SaleStatus
    occurred_at: datetime
    activated_on: date | None = None
    links: Mapping[Link, str] = field(default_factory=dict)

    @property
    def unit(self) -> Unit:
        """The unit without its price's history."""
        return Unit(self.gtin, self.serial, self.price, self.imei1, self.imei2, self.grade)


def unit_of(items: Sequence[Mapping[str, Any]]) -> Unit:
    """The one unit of an order's items.

    Raises OneUnitPerSale, ItemIncomplete, GtinInvalid, SerialInvalid, ImeiInvalid, ImeiNeeded when
    both IMEIs are the same.
    """
    if len(items) != 1:
        raise OneUnitPerSale(extra={"items": len(items)}, items=len(items))
    (item,) = items
    for name in ("gtin", "serial"):
        if not item.get(name):
            raise ItemIncomplete(extra={"field": name})
    imei1, imei2 = (_device(item.get(name)) for name in ("imei1", "imei2"))
    if imei2 and (imei1 is None or imei1 == imei2):
        raise ImeiNeeded
    return Unit(
        identifiers.gtin(str(item["gtin"])),
        identifiers.serial(str(item["serial"])),
        Money(int(item["price_fen"])),
        imei1,
        imei2,
        item.get("grade"),
        item.get("activated_on"),
    )


def _device(told: Any) -> str | None:
    return identifiers.device(str(told)) if told else None


def check_imeis(unit: Unit, product: Product) -> None:
    """Raises ImeiNeeded when a phone is told without its IMEI, or without one of two."""
    needed = product.category is Category.PHONE or product.dual_imei
    if (needed and unit.imei1 is None) or (product.dual_imei and unit.imei2 is None):
        raise ImeiNeeded
