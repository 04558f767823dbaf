"""What ties a subject to others: the keys it is found by. Pure.

A signal never compares a subject with all others, only with those that share a key with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from voucher_service.kernel.clock import SHANGHAI, day_of

from . import likeness, spelling
from .facts import ApplicationFacts, Facts, Link, SaleFacts

# No more than so many neighbours are looked at for one key, the latest ones.
MOST_NEAR = 60
NIGHT_ENDS = 6


class Tie(StrEnum):
    """What two subjects can have in common."""

    SERIAL = "serial"
    SERIAL_ALIKE = "serial_alike"
    IMEI = "imei"
    BASKET = "basket"
    LOT = "lot"
    NIGHT = "night"
    OWN = "own"
    VIN = "vin"
    VIN_ALIKE = "vin_alike"
    VIN_MODEL = "vin_model"
    FILE = "file"
    PHOTO = "photo"
    CARD = "card"
    ACCOUNT = "account"
    DEVICE = "device"
    PHONE = "phone"
    ADDRESS = "address"


LINKS: Mapping[Link, Tie] = {link: Tie(link.value) for link in Link}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a tie; `likeness` is the picture's whose band it is, for photos."""

    tie: Tie
    key: str
    likeness: int | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """The neighbours of one subject by what they share with it, without the subject itself."""

    by: Mapping[Tie, tuple[Facts, ...]] = field(default_factory=dict)

    def sales(self, tie: Tie) -> list[SaleFacts]:
        """Those that are sales."""
        return [one for one in self.by.get(tie, ()) if isinstance(one, SaleFacts)]

    def applications(self, tie: Tie) -> list[ApplicationFacts]:
        """Those that are applications."""
        return [one for one in self.by.get(tie, ()) if isinstance(one, ApplicationFacts)]

    def all(self, *ties: Tie) -> list[Facts]:
        """Every neighbour by any of these ties, once."""
        found = {one.id: one for tie in ties for one in self.by.get(tie, ())}
        return list(found.values())


class Index(Protocol):
    """Where subjects are kept by their keys."""

    def put(self, subjects: Sequence[Facts]) -> None:
        """Keep them under their keys, in place of what they were kept under."""

    def near(self, subjects: Sequence[Facts]) -> Mapping[UUID, Near]:
        """The neighbours of each, at most `MOST_NEAR` for a key, the latest."""


def kept(facts: Facts) -> set[Key]:
    """The keys a subject is kept under."""
    return {*_plain(facts), *_photos(facts, for_keeping=True)}


def sought(facts: Facts) -> set[Key]:
    """The keys its neighbours are looked for under."""
    return {*_plain(facts), *_photos(facts, for_keeping=False)}


def _plain(facts: Facts) -> Iterator[Key]:
    yield from _of_sale(facts) if isinstance(facts, SaleFacts) else _of_application(facts)
    for link, value in facts.links.items():
        yield Key(LINKS[link], value)
    for photo in facts.photos:
        yield Key(Tie.FILE, photo.sha256)


def _of_sale(sale: SaleFacts) -> Iterator[Key]:
    yield Key(Tie.SERIAL, f"{sale.brand.casefold()}|{sale.serial}")
    if alike := spelling.serial_alike(sale.serial):
        yield Key(Tie.SERIAL_ALIKE, alike)
    for imei in sale.imeis:
        yield Key(Tie.IMEI, imei)
    day = day_of(sale.at).isoformat()
    yield Key(Tie.BASKET, f"{sale.merchant.hex}|{day}|{sale.resident.hex}")
    yield Key(Tie.LOT, f"{sale.merchant.hex}|{day}|{sale.gtin}")
    if (local := sale.at.astimezone(SHANGHAI)).hour < NIGHT_ENDS:
        yield Key(Tie.NIGHT, f"{sale.shop.hex}|{day}|{local.hour}")
    if sale.own:
        yield Key(Tie.OWN, sale.merchant.hex)


def _of_application(car: ApplicationFacts) -> Iterator[Key]:
    for vin in set(car.vins):
        yield Key(Tie.VIN, vin)
        yield Key(Tie.VIN_ALIKE, spelling.vin_alike(vin))
    yield Key(Tie.VIN_MODEL, spelling.vin_model(car.new_vin))


def _photos(facts: Facts, *, for_keeping: bool) -> Iterator[Key]:
    keys = likeness.kept_as if for_keeping else likeness.sought_as
    for photo in facts.photos:
        bits = photo.likeness
        if photo.thing and bits is not None and likeness.says_something(bits):
            yield from (Key(Tie.PHOTO, key, bits) for key in keys(bits))
