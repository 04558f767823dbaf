"""Outcome files: their kinds, their head, their lines, and what is refused of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from voucher_service.i18n import mark
from voucher_service.kernel.errors import Conflict, Unprocessable
from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money

OutcomeFileId = NewType("OutcomeFileId", UUID)

FORMAT = "voucher-outcomes"
VERSION = "2026-11"
# How a provider is called.
PROVIDER = r"[a-z0-9-]{1,40}"
# The provider of invented files: what is estimated of them is said to be no truth.
SAMPLE = "sample"
# Of the text that stands for a person in a panel: hexadecimal, 128 bits.
KEY_LENGTH = 32
# The consent to this use of one's payments; a new text is a new version.
CONSENT_VERSION = "outcomes-2026-11-22"


class Kind(StrEnum):
    """What one line of a file is about."""

    PANEL = "panel"
    ORDERS = "orders"
    AREAS = "areas"


KINDS = {
    Kind.PANEL: mark("每人每周的消费"),
    Kind.ORDERS: mark("收银机的全部订单"),
    Kind.AREAS: mark("各地区每周的消费"),
}


class Amounts(StrEnum):
    """Which sum of an order is meant: before the voucher, or what the resident paid."""

    ORDER = "order"
    PAID = "paid"


COLUMNS: dict[Kind, tuple[str, ...]] = {
    Kind.PANEL: ("key", "week", "trade", "area", "amount_fen", "count"),
    Kind.ORDERS: ("shop", "day", "order_reference", "amount_fen"),
    Kind.AREAS: ("area", "week", "trade", "people", "amount_fen", "count"),
}


class OutcomeFileInvalid(Unprocessable):
    """An outcome file can't be read; `extra["lines"]` says which lines are wrong, and how."""

    code = "outcome_file_invalid"


class OutcomeFileRepeated(Conflict):
    """This very file was imported before."""

    code = "outcome_file_repeated"


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says of itself. `first` is a Monday and `last` a Sunday: whole weeks. `total` and
    `lines` are what its lines must come to.
    """

    kind: Kind
    provider: str
    made_on: date
    offer: OfferId
    amounts: Amounts
    first: date
    last: date
    lines: int
    total: Money


@dataclass(frozen=True, slots=True)
class Line:
    """One line. A panel's has a `key`, an order a `shop` and a `reference`, an area `people`;
    `day` is the Monday of a week, or the day of an order.
    """

    number: int
    day: date
    amount: Money
    count: int
    key: bytes | None = None
    shop: UUID | None = None
    reference: str | None = None
    area: str = ""
    trade: str = ""
    people: int | None = None


@dataclass(frozen=True, slots=True)
class OutcomeFile:
    """A file that was imported."""

    id: OutcomeFileId
    head: Head
    sha256: str
    imported_by: UUID
    imported_at: datetime
