"""Six frauds as audits and courts describe them, with what people do not to be seen.

Nothing here knows how the platform looks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from random import Random

from tests.tradein.fraud import numbers, pictures
from tests.tradein.fraud.town import BEGAN, CEILING, DAYS, DIGITAL, ENGINE_ML, Person, Town
from voucher_service.kernel.money import Money
from voucher_service.tradein.policy import Category, Energy, Scheme
from voucher_service.tradein.risk.facts import ApplicationFacts, Facts, Link, SaleFacts


class Fraud(StrEnum):
    """What was planted."""

    SAME_SERIAL = "same serial"
    TWO_SCHEMES = "both car schemes on one VIN"
    SPLIT_INVOICE = "split invoice"
    PRICE_RAISED = "price raised"
    RECYCLED_PHOTO = "recycled photo"
    INELIGIBLE = "ineligible vehicle"


@dataclass(frozen=True, slots=True)
class Planted:
    """One subject of a case. `exact`: it repeats a number or a file as it was, sign by sign.

    Not `guilty`: the photo's first use, with which nothing is wrong.
    """

    facts: Facts
    fraud: Fraud
    case: int
    way: str
    exact: bool = False
    guilty: bool = True


@dataclass(slots=True)
class Planter:
    """Plants frauds into a town whose honest purchases are known."""

    town: Town
    sales: list[SaleFacts]
    cars: list[ApplicationFacts]
    case: int = 0

    def plant(self, fraud: Fraud, count: int) -> Iterator[Planted]:
        """So many cases of a fraud, each with the subjects that it needs."""
        ways: dict[Fraud, Callable[[], Iterator[tuple[Facts, str, bool]]]] = {
            Fraud.SAME_SERIAL: self._same_serial,
            Fraud.TWO_SCHEMES: self._two_schemes,
            Fraud.SPLIT_INVOICE: self._split_invoice,
            Fraud.PRICE_RAISED: self._price_raised,
            Fraud.RECYCLED_PHOTO: self._recycled_photo,
            Fraud.INELIGIBLE: self._ineligible,
        }
        for _ in range(count):
            self.case += 1
            for facts, way, exact in ways[fraud]():
                yield Planted(facts, fraud, self.case, way, exact, way != _FIRST)

    # A unit sold twice -------------------------------------------------------------------------

    def _same_serial(self) -> Iterator[tuple[Facts, str, bool]]:
        by, first = self.town.by, self._earlier_sale()
        again = self._sale_like(first, self._after(first.at))
        way = by.choices(
            ("as it was", "looks alike", "marks and blanks", "brand spelt otherwise", "one sign"),
            (40, 25, 15, 10, 10),
        )[0]
        serial, brand, imeis = first.serial, first.brand, again.imeis
        if first.imeis and by.random() < 0.5:
            # The box shows two numbers: the second one, or both the other way round.
            imeis = by.choice((first.imeis, first.imeis[::-1], (first.imeis[1], again.imeis[0])))
            yield replace(again, imeis=imeis), "imei", True
            return
        if way == "looks alike":
            serial = _look_alike(serial, by.randint(1, 2), by)
        elif way == "marks and blanks":
            serial = by.choice(
                (f"0{serial}", f"{serial[:3]}-{serial[3:]}", serial.replace("-", "/"))
            )
        elif way == "brand spelt otherwise":
            brand = f"{brand}牌"
        elif way == "one sign":
            place = by.randrange(len(serial))
            serial = serial[:place] + by.choice("0123456789ABCDEF") + serial[place + 1 :]
        yield (
            replace(again, serial=serial, brand=brand),
            way,
            serial == first.serial and (brand == first.brand),
        )

    # A car paid for twice ----------------------------------------------------------------------

    def _two_schemes(self) -> Iterator[tuple[Facts, str, bool]]:
        by, first = self.town.by, self.town.by.choice(self.cars)
        other = Scheme.CAR_SCRAP if first.scheme is Scheme.CAR_REPLACE else Scheme.CAR_REPLACE
        made = self.town.application(self._after(first.at), by.choice(self.town.people))
        made = replace(made, scheme=other, photos=(*made.photos[:1], made.photos[1]))
        way = by.choices(
            ("new car again", "old car again", "looks alike", "digits swapped"), (35, 25, 25, 15)
        )[0]
        if way == "old car again":
            yield replace(made, old_vin=first.old_vin), way, True
            return
        number = first.new_vin
        if way == "looks alike":
            number = _look_alike(number, by.randint(1, 2), by, vin=True)
        elif way == "digits swapped":
            place = by.randrange(11, 16)
            number = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        if number != first.new_vin and by.random() < 0.3:
            number, way = numbers.with_check_digit(number), f"{way}, check digit made right"
        same = replace(
            first, id=made.id, at=made.at, resident=made.resident, scheme=other, new_vin=number
        )
        yield (
            replace(same, old_vin=made.old_vin, photos=made.photos, links=made.links),
            way,
            (number == first.new_vin),
        )

    # One price on two invoices, one order on many people ---------------------------------------

    def _split_invoice(self) -> Iterator[tuple[Facts, str, bool]]:
        by, town = self.town.by, self.town
        shop, person, at = town.any_shop(), by.choice(town.people), self._moment()
        way = by.choices(("two units", "dear phone", "straw buyers"), (40, 30, 30))[0]
        if way == "two units":
            goods = [one for one in town.products if one.usual > Money.of_yuan(9_000)]
            product = by.choice([one for one in goods if one.category not in DIGITAL] or goods)
            whole = town.asked(shop, product, at.date())
            part = whole.fen * by.randint(45, 55) // 100
            buyers = (person, self._relative(person))
            for buyer, fen in zip(buyers, (part, whole.fen - part), strict=True):
                at += timedelta(minutes=by.randint(1, 10))
                yield replace(town.sale(at, shop, product, buyer), price=Money(fen)), way, False
        elif way == "dear phone":
            goods = [one for one in town.products if one.category in DIGITAL]
            product = max(by.sample(goods, 6), key=lambda one: one.usual)
            whole = max(town.asked(shop, product, at.date()), Money.of_yuan(6_600))
            main = replace(town.sale(at, shop, product, person), price=CEILING)
            yield main, way, False
            if by.random() < 0.6:
                watch = next(one for one in goods if one.category is Category.WATCH)
                rest = town.sale(at + timedelta(minutes=2), shop, watch, person)
                yield replace(rest, price=whole - CEILING), way, False
        else:
            product = by.choice(town.products)
            shared = {} if by.random() < 0.4 else {by.choice((Link.PHONE, Link.ADDRESS)): f"s{at}"}
            for _ in range(by.randint(4, 9)):
                at += timedelta(seconds=by.randint(15, 120))
                made = town.sale(at, shop, product, by.choice(town.people))
                yield replace(made, links={**made.links, **shared}), way, False

    # A price raised for the subsidy ------------------------------------------------------------

    def _price_raised(self) -> Iterator[tuple[Facts, str, bool]]:
        by, town = self.town.by, self.town
        shop, product, at = town.any_shop(), by.choice(town.products), self._moment()
        rise, listed, way = by.randint(8, 60), None, "raised"
        if by.random() < 0.5:
            asked = town.asked(shop, product, at.date())
            listed = Money(asked.fen * (100 + rise) // 100 * by.randint(110, 140) // 100)
            way = "raised and then cut"
        buyer = by.choice(town.people)
        made = town.sale(at, shop, product, buyer, dear=100 + rise, listed=listed)
        filed = made.filed_price or made.price
        yield replace(made, filed_price=max(filed, made.price)), way, False

    # A photo handed in again -------------------------------------------------------------------

    def _recycled_photo(self) -> Iterator[tuple[Facts, str, bool]]:
        by, town = self.town.by, self.town
        shop = town.any_shop()
        product, number = by.choice(town.products), by.getrandbits(32)
        in_shop = product.category in DIGITAL
        corner = shop.number if in_shop else by.getrandbits(48)
        original = pictures.drawn(product.number, corner, number)
        at = self._moment()
        first = town.taken(pictures.shot(original), at, shop, in_shop)
        sale = town.sale(at, shop, product, by.choice(town.people))
        yield replace(sale, photos=(first,)), _FIRST, False
        copies = by.choice((1, 1, 1, 2))
        for _ in range(copies):
            at += timedelta(hours=by.randint(1, 900))
            made = town.sale(at, shop, product, by.choice(town.people))
            way, hands = by.choices(_COPIES, (35, 30, 25, 5, 5))[0]
            if not hands:
                yield replace(made, photos=(first,)), way, True
                continue
            picture = original
            for hand in hands:
                picture = hand(picture, by)
            shot = pictures.shot(picture)
            noted = by.choices((first.taken_at, None, made.photos[0].taken_at), (30, 55, 15))[0]
            again = replace(
                first,
                sha256=sha256(by.randbytes(16)).hexdigest(),
                likeness=shot.bits,
                tiny=shot.tiny,
                taken_at=noted,
                position=None,
            )
            yield replace(made, photos=(again,)), way, False

    # A vehicle that is none of those -----------------------------------------------------------

    def _ineligible(self) -> Iterator[tuple[Facts, str, bool]]:
        by, town = self.town.by, self.town
        made = town.application(self._moment(), by.choice(town.people))
        strange = replace(
            made, new_vin=town.car(replace(town.models[0], signs=numbers.vin_model(by)))
        )
        way = by.choices(
            (
                "typed as it is",
                "large plate",
                "engine typed smaller",
                "seats typed fewer",
                "not in the catalogue",
            ),
            (35, 15, 20, 15, 15),
        )[0]
        if way == "typed as it is":
            yield (
                by.choice(
                    (
                        replace(strange, vehicle="other"),
                        replace(strange, seats=by.randint(10, 19)),
                        replace(strange, energy=Energy.PETROL, engine_ml=by.randint(2_200, 4_000)),
                        replace(strange, energy=Energy.NEV, engine_ml=None, listed=False),
                    )
                ),
                way,
                False,
            )
        elif way == "large plate":
            yield replace(strange, large_plate=True, energy=Energy.NEV, listed=True), way, False
        else:
            # Typed so that it passes. Large engines stand in rightful applications too, of a year
            # whose rules allowed them.
            large = [one for one in town.models if one.engine_ml and one.engine_ml > ENGINE_ML]
            if way == "engine typed smaller" and large:
                number = town.car(by.choice(large))
                strange = replace(
                    made, new_vin=number, energy=Energy.PETROL, engine_ml=1_998, listed=False
                )
            yield strange, way, False

    # Parts -------------------------------------------------------------------------------------

    def _moment(self) -> datetime:
        return BEGAN + timedelta(seconds=self.town.by.randrange(DAYS * 86_400))

    def _after(self, at: datetime) -> datetime:
        return at + timedelta(hours=self.town.by.randint(1, 2_000))

    def _earlier_sale(self) -> SaleFacts:
        return self.town.by.choice(self.sales)

    def _sale_like(self, first: SaleFacts, at: datetime) -> SaleFacts:
        """Another sale of the same product at the same shop, to somebody else."""
        town = self.town
        shop = next(one for one in town.shops if one.id == first.shop)
        product = next(one for one in town.products if one.gtin == first.gtin)
        return town.sale(at, shop, product, town.by.choice(town.people))

    def _relative(self, person: Person) -> Person:
        """Somebody of the same household, or the same person with another qualification."""
        at = self.town.people.index(person)
        near = self.town.people[max(0, at - 2) : at + 3]
        home = person.links[Link.ADDRESS]
        family = [one for one in near if one.links[Link.ADDRESS] == home]
        return self.town.by.choice(family)


_FIRST = "the first time"
_COPIES = (
    ("the same file", ()),
    ("packed again", (pictures.packed_again,)),
    ("cut and brightened", (pictures.cut, pictures.brightened, pictures.packed_again)),
    ("turned", (pictures.turned, pictures.packed_again)),
    ("mirrored", (pictures.mirrored,)),
)
_PAIRS = ("0O", "O0", "1I", "I1", "5S", "S5", "8B", "B8", "2Z", "Z2", "0D", "D0", "6G", "G6")


def _look_alike(number: str, times: int, by: Random, *, vin: bool = False) -> str:
    """Signs changed for others that look like them; one that has none keeps its spelling."""
    for _ in range(times):
        pairs = [pair for pair in _PAIRS if pair[0] in number and not (vin and pair[1] in "OI")]
        if pairs:
            pair = by.choice(pairs)
            places = [
                n for n, sign in enumerate(number) if sign == pair[0] and not (vin and n == 8)
            ]
            if places:
                place = by.choice(places)
                number = number[:place] + pair[1] + number[place + 1 :]
    return number
