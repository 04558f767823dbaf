"""A product of the library, a filed price, a price that was seen, a change of the library. Pure.

Prices are whole fen, tax included, before the government's subsidy; days are days in Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.actor import Role
from voucher_service.kernel.errors import Unprocessable
from voucher_service.kernel.ids import MerchantId, ShopId
from voucher_service.kernel.machine import Machine
from voucher_service.kernel.money import Money

from . import gtins
from .categories import Category

LibraryChangeId = NewType("LibraryChangeId", UUID)

MOST_PRODUCTS = 100_000
MOST_PRICES = 5_000


class Tag(StrEnum):
    """What a city may want to know of a product beside its category."""

    AI = "ai"
    FIRST_LAUNCH = "first_launch"
    CO_BRAND = "co_brand"
    LOCAL_MADE = "local_made"


TAGS: Mapping[Tag, str] = {
    Tag.AI: mark("人工智能"),
    Tag.FIRST_LAUNCH: mark("首发"),
    Tag.CO_BRAND: mark("联名"),
    Tag.LOCAL_MADE: mark("本地造"),
}


class Wrong(StrEnum):
    """What is wrong with an uploaded table, or with one of its lines."""

    NOT_A_TABLE = "not_a_table"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    COLUMN_MISSING = "column_missing"
    COLUMN_TWICE = "column_twice"
    GTIN = "gtin"
    ROUNDED = "rounded"
    TWICE = "twice"
    TEXT = "text"
    CATEGORY = "category"
    GRADE = "grade"
    YES_NO = "yes_no"
    PRICE = "price"
    TAG = "tag"
    AREA = "area"
    DAY = "day"
    DAYS = "days"
    UNKNOWN = "unknown"
    ABOVE_GUIDE = "above_guide"


@dataclass(frozen=True, slots=True)
class Slip:
    """A line that can't be taken (0: the whole file), why, and the heading or value it is about."""

    line: int
    wrong: Wrong
    about: str = ""


class GoodsFileInvalid(Unprocessable):
    """A table of products or prices with a line that can't be taken; nothing of it was."""

    code = "goods_file_invalid"

    def __init__(self, slips: Iterable[Slip] = ()) -> None:
        self.slips = tuple(slips)
        lines = [
            {"line": one.line, "reason": str(one.wrong), "about": one.about} for one in self.slips
        ]
        super().__init__(extra={"lines": lines}, count=len(lines))


class LibraryUnchanged(Unprocessable):
    """Everything in the table stands in the library as it is."""

    code = "library_unchanged"


class ProductUnknown(Unprocessable):
    """The library has no such product, or not on that day."""

    code = "product_unknown"


class PriceAboveGuide(Unprocessable):
    """The price is above the product's guide price."""

    code = "price_above_guide"


@dataclass(frozen=True, slots=True)
class Product:
    """One dated version of a product: what a sale on those days is judged by.

    `gtin`: 14 digits. `grade`: the energy or water efficiency, 1 the best. `dual_imei`: it carries
    two IMEIs. `origin_area`: where it is made, a division code or empty. In force from `valid_from`
    (None: the day on which it is approved) until the next version begins, or to the end of
    `valid_until`.
    """

    gtin: str
    brand: str
    model: str
    category: Category
    name: str = ""
    grade: int | None = None
    dual_imei: bool = False
    guide_price: Money | None = None
    tags: frozenset[Tag] = frozenset()
    origin_area: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def synthetic(self) -> bool:
        """Whether it was made up for a replay: nobody else sells it."""
        return gtins.invented(self.gtin)

    @property
    def title(self) -> str:
        """Brand and model, as people ask for it."""
        return f"{self.brand} {self.model}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A product in a table, with its line; the head is line 1."""

    line: int
    product: Product


@dataclass(frozen=True, slots=True)
class Wanted:
    """A price that a merchant wants to file, with its line."""

    line: int
    gtin: str
    price: Money


@dataclass(frozen=True, slots=True)
class FiledPrice:
    """The most that a merchant promises to ask for a product (备案价), counted from a day on."""

    gtin: str
    price: Money
    valid_from: date
    filed_at: datetime


def price_on(filings: Iterable[FiledPrice], day: date) -> FiledPrice | None:
    """The filing that counts on a day: of those that have begun, the one that was filed last."""
    begun = [one for one in filings if one.valid_from <= day]
    return max(begun, key=lambda one: one.filed_at, default=None)


def next_price(filings: Iterable[FiledPrice], day: date) -> FiledPrice | None:
    """The filing that will count next after a day; None when what counts then stays."""
    filings = list(filings)
    now = price_on(filings, day)
    coming = sorted({one.valid_from for one in filings if one.valid_from > day})
    later = (price_on(filings, one) for one in coming)
    return next((one for one in later if one is not now), None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one unit was sold for: `price` after the merchant's own discounts and before the
    subsidy, `list_price` before those, where it was told.
    """

    shop: ShopId
    merchant: MerchantId
    area: str
    gtin: str
    day: date
    price: Money
    list_price: Money | None = None


class ChangeStatus(StrEnum):
    """Where a change of the library stands."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"


class ChangeEvent(StrEnum):
    """What happens to a change of the library."""

    APPROVED = "library_change.approved"
    REJECTED = "library_change.rejected"


LIFECYCLE: Machine[ChangeStatus, ChangeEvent] = Machine(
    "library_change",
    ChangeStatus.SUBMITTED,
    {
        ChangeStatus.SUBMITTED: {
            ChangeEvent.APPROVED: ChangeStatus.APPROVED,
            ChangeEvent.REJECTED: ChangeStatus.REJECTED,
        },
        ChangeStatus.APPROVED: {},
        ChangeStatus.REJECTED: {},
    },
)
PUBLIC: Mapping[ChangeStatus, str] = {
    ChangeStatus.SUBMITTED: mark("等待批准"),
    ChangeStatus.APPROVED: mark("已批准"),
    ChangeStatus.REJECTED: mark("已退回"),
}
OWNER: Mapping[ChangeStatus, frozenset[Role]] = {
    ChangeStatus.SUBMITTED: frozenset({Role.APPROVER}),
    ChangeStatus.APPROVED: frozenset(),
    ChangeStatus.REJECTED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class LibraryChange:
    """A table of products that one person handed in and another one approves.

    `fresh`, `changed` and `same` count its lines against the library of the day it came in.
    """

    id: LibraryChangeId
    file_name: str
    sha256: str
    fresh: int
    changed: int
    same: int
    status: ChangeStatus
    created_by: UUID
    created_at: datetime

    @property
    def lines(self) -> int:
        """How many products the table has."""
        return self.fresh + self.changed + self.same


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that changes the library: what would stand there, and what stands; None: it is new."""

    listed: Listed
    before: Product | None
