"""What the signals know of a sale or an application: only what they need. Pure.

Persons, cards, phones, devices and addresses are ids or keyed hashes, never the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from voucher_service.goods import pricing
from voucher_service.kernel.money import Money
from voucher_service.merchants.place import Position

from ..policy import Category, Energy, Scheme


class Subject(StrEnum):
    """What is looked at."""

    SALE = "sale"
    APPLICATION = "application"


class Link(StrEnum):
    """What two purchases can share besides the person."""

    CARD = "card"
    ACCOUNT = "account"
    DEVICE = "device"
    PHONE = "phone"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Photo:
    """A handed-in picture. `paper`: what it shows; `thing`: goods or a place, not a document.

    `likeness` and `tiny` are of `likeness.py`; time and position are what the camera noted.
    """

    paper: str
    sha256: str
    thing: bool
    likeness: int | None = None
    tiny: bytes | None = None
    taken_at: datetime | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class SaleFacts:
    """A sale at a till.

    `usual`: the guide price; `raised`: what `goods.pricing` suspects of the price; `ceiling`: the
    price up to which the policy pays. `own`: the buyer is one of the merchant's people.
    """

    id: UUID
    at: datetime
    resident: UUID
    merchant: UUID
    shop: UUID
    category: Category
    gtin: str
    brand: str
    serial: str
    price: Money
    imeis: tuple[str, ...] = ()
    list_price: Money | None = None
    filed_price: Money | None = None
    usual: Money | None = None
    raised: tuple[pricing.Finding, ...] = ()
    ceiling: Money | None = None
    invoice: str | None = None
    activated_on: date | None = None
    own: bool = False
    place: Position | None = None
    photos: tuple[Photo, ...] = ()
    links: Mapping[Link, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """An application for the subsidy of a car, as its papers were typed.

    `vehicle` is a word of GA 802, `large_plate` a plate that only large new-energy vehicles carry.
    Without `old_vin` none was given up. The last three are what the policy asks of the new car;
    None: it does not ask.
    """

    id: UUID
    at: datetime
    resident: UUID
    scheme: Scheme
    new_vin: str
    old_vin: str | None
    energy: Energy
    vehicle: str
    seats: int
    engine_ml: int | None
    listed: bool
    large_plate: bool = False
    photos: tuple[Photo, ...] = ()
    links: Mapping[Link, str] = field(default_factory=dict)
    seats_most: int | None = None
    engine_most_ml: int | None = None
    catalogue: bool = False

    @property
    def vins(self) -> tuple[str, ...]:
        """The numbers of its cars, the new one first."""
        return (self.new_vin,) if self.old_vin is None else (self.new_vin, self.old_vin)


Facts = SaleFacts | ApplicationFacts


def kind_of(facts: Facts) -> Subject:
    """What these facts are of."""
    return Subject.SALE if isinstance(facts, SaleFacts) else Subject.APPLICATION
