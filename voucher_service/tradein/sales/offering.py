"""Whether a unit gets its subsidy at a till, how much, and why not. Pure.

Which refusal comes first when several hold is part of the contract, as in docs/till.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from voucher_service.goods.gtins import printed
from voucher_service.goods.model import Product
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money

from ..policy import Case, Category, Policy
from ..quote import Quote, under
from ..risk.facts import Link
from .model import (
    AboveFiledPrice,
    GoodsOfAnotherCategory,
    GoodsUnlisted,
    GradeDiffers,
    PayerNotHolder,
    PriceNotOrderAmount,
    Unit,
    UnitNotCovered,
    UnitSoldBefore,
    check_imeis,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A unit at a till, and what is known of it. `unit`: or why the items are none.

    `amount`: the order's. `area`: the shop's. `list_price`: before the merchant's own discounts.
    `sold_before`: a number of it that another sale holds. `payer_matches`, `receiver_matches`:
    whether they are the holder; None when nobody said who they are. `links`: what it shares with
    other purchases, hashed.
    """

    unit: Unit | DomainError
    amount: Money
    category: Category
    policy: Policy
    on: date
    area: str
    product: Product | None = None
    filed_price: Money | None = None
    list_price: Money | None = None
    sold_before: str | None = None
    payer_matches: bool | None = None
    receiver_matches: bool | None = None
    links: Mapping[Link, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offered:
    """A unit that nothing speaks against, with its subsidy."""

    unit: Unit
    product: Product
    case: Case
    quote: Quote
    filed_price: Money | None = None
    list_price: Money | None = None
    payer_matches: bool | None = None
    receiver_matches: bool | None = None
    links: Mapping[Link, str] = field(default_factory=dict)


def offered(asked: Asked) -> Offered:
    """What the unit gets.

    Raises, in this order, OneUnitPerSale, ItemIncomplete, GtinInvalid, SerialInvalid, ImeiInvalid,
    PriceNotOrderAmount, GoodsUnlisted, GoodsOfAnotherCategory, GradeDiffers, ImeiNeeded,
    AboveFiledPrice, UnitSoldBefore, PayerNotHolder, UnitNotCovered.
    """
    unit, product = asked.unit, asked.product
    if isinstance(unit, DomainError):
        raise unit
    _check_price(unit, asked)
    if product is None:
        raise GoodsUnlisted(gtin=printed(unit.gtin))
    _check_product(unit, product, asked)
    if asked.sold_before is not None:
        raise UnitSoldBefore(extra={"number": asked.sold_before}, number=asked.sold_before)
    for who, matches in (("payer", asked.payer_matches), ("receiver", asked.receiver_matches)):
        if matches is False:
            raise PayerNotHolder(extra={"who": who})
    case = Case(
        asked.policy.scheme,
        asked.category,
        unit.price,
        asked.on,
        area=asked.area,
        grade=product.grade or unit.grade,
    )
    quote = under(asked.policy, case)
    if not quote.eligible or not quote.subsidy:
        raise UnitNotCovered(
            extra={"reasons": [str(one) for one in quote.reasons]}, case=case, quote=quote
        )
    return Offered(
        unit,
        product,
        case,
        quote,
        asked.filed_price,
        asked.list_price,
        asked.payer_matches,
        asked.receiver_matches,
        asked.links,
    )


def _check_price(unit: Unit, asked: Asked) -> None:
    if unit.price != asked.amount:
        raise PriceNotOrderAmount(extra={"field": "price_fen"}, price=unit.price)
    if asked.list_price is not None and asked.list_price < unit.price:
        raise PriceNotOrderAmount(extra={"field": "list_price_fen"}, price=unit.price)


def _check_product(unit: Unit, product: Product, asked: Asked) -> None:
    if product.category != asked.category:
        raise GoodsOfAnotherCategory(
            extra={"category": str(product.category), "wanted": str(asked.category)},
            model=product.title,
        )
    if unit.grade is not None and product.grade is not None and unit.grade != product.grade:
        raise GradeDiffers(extra={"grade": product.grade}, grade=product.grade)
    check_imeis(unit, product)
    if asked.filed_price is not None and unit.price > asked.filed_price:
        filed = asked.filed_price
        raise AboveFiledPrice(extra={"filed_price_fen": filed.fen}, filed=filed)
