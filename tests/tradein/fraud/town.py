"""A year of honest purchases in one city, with everything that makes honest ones look odd.

Families share phones and cards, villages and dormitories addresses, service windows devices; people
buy three air conditioners on one day and send things back that are sold again; shops have
promotions and photograph in one corner; staff buy at home; figures are mistyped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from random import Random
from uuid import UUID

from tests.tradein.fraud import numbers, pictures
from voucher_service.goods import pricing
from voucher_service.goods.pricing import Lows
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import Money
from voucher_service.merchants.place import Position
from voucher_service.tradein.policy import Category, Energy, Scheme
from voucher_service.tradein.risk.facts import (
    ApplicationFacts,
    Facts,
    Link,
    Photo,
    SaleFacts,
)

BEGAN = datetime(2026, 1, 1, tzinfo=SHANGHAI)
DAYS = 365
CEILING = Money.of_yuan(6_000)
ENGINE_ML = 2_000
# As it ships, in config/default.toml.
RULE = pricing.Rule(500, 1_000, 2_000, 30, 90)
_GOODS = {
    Category.REFRIGERATOR: (1_500, 14_000),
    Category.WASHING_MACHINE: (1_200, 9_000),
    Category.TELEVISION: (1_500, 18_000),
    Category.AIR_CONDITIONER: (1_800, 12_000),
    Category.WATER_HEATER: (900, 6_000),
    Category.COMPUTER: (3_000, 13_000),
    Category.PHONE: (1_200, 9_000),
    Category.TABLET: (1_000, 6_500),
    Category.WATCH: (300, 4_000),
}
DIGITAL = (Category.PHONE, Category.TABLET, Category.WATCH)
LARGE = tuple(one for one in _GOODS if one not in (*DIGITAL, Category.COMPUTER))


@dataclass(frozen=True, slots=True)
class Product:
    """A model; `style` is how its maker writes serial numbers."""

    gtin: str
    brand: str
    number: int
    category: Category
    usual: Money
    style: int


@dataclass(slots=True)
class Shop:
    """A shop of a merchant; `level` is what it asks of the usual price, in hundredths."""

    number: int
    merchant: UUID
    id: UUID
    place: Position
    level: int
    digital: bool
    net: bool
    invoices: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """Who buys, and what they share with others."""

    id: UUID
    links: dict[Link, str]
    old: bool


@dataclass(frozen=True, slots=True)
class Model:
    """A model of car as its honest buyers type it."""

    signs: str
    energy: Energy
    engine_ml: int | None
    seats: int
    price: Money
    checked: bool


class Town:
    """The city; whatever it makes is drawn from one seed."""

    def __init__(self, seed: int, cases: int) -> None:
        self.by = Random(f"town {seed}")
        self.cases = cases
        self._ids = self._units = self._cars = 0
        self.products = [self._product(n) for n in range(240)]
        self.shops = [self._shop(n) for n in range(max(12, cases // 300))]
        self._busy = [1 / (n + 3) for n in range(len(self.shops))]
        self.people = self._people(cases)
        self.models = [self._model() for _ in range(90)]
        self._popular = [1 / (n + 4) for n in range(len(self.models))]

    # Things ------------------------------------------------------------------------------------

    def id(self) -> UUID:
        """The next id; later ones are greater."""
        self._ids += 1
        return UUID(int=self._ids << 64 | self.by.getrandbits(62))

    def _product(self, number: int) -> Product:
        category = self.by.choice(list(_GOODS))
        least, most = _GOODS[category]
        brand = self.by.randrange(24)
        usual = Money.of_yuan(self.by.randint(least // 100, most // 100) * 100 - 1)
        return Product(
            f"{6900000000000 + number:014d}", f"B{brand}", brand, category, usual, brand % 4
        )

    def _shop(self, number: int) -> Shop:
        by = self.by
        return Shop(
            number,
            UUID(int=1 << 100 | number // 2),
            UUID(int=1 << 101 | number),
            Position(23.02 + by.uniform(-0.2, 0.2), 113.75 + by.uniform(-0.25, 0.25)),
            by.randint(86, 100),
            digital=by.random() < 0.6,
            net=number % 40 == 7,
        )

    def _people(self, cases: int) -> list[Person]:
        by, found = self.by, list[Person]()
        dormitories = max(1, cases // 2_500)
        while len(found) < cases * 4 // 5:
            home = len(found)
            address = f"d{by.randrange(dormitories)}" if by.random() < 0.05 else f"a{home}"
            phone, card = f"p{home}", f"c{home}"
            old = by.random() < 0.06
            window = f"window{by.randrange(1 + cases // 20_000)}"
            for _ in range(by.choices((1, 2, 3, 4, 5), (30, 35, 20, 11, 4))[0]):
                mine = len(found)
                found.append(
                    Person(
                        UUID(int=1 << 102 | mine),
                        {
                            Link.PHONE: phone if by.random() < 0.4 else f"p{mine}'",
                            Link.ADDRESS: address,
                            Link.DEVICE: window if old else f"v{mine}",
                            Link.CARD: card if by.random() < 0.06 else f"c{mine}'",
                        },
                        old,
                    )
                )
        return found

    def _model(self) -> Model:
        by = self.by
        energy = by.choices((Energy.NEV, Energy.PETROL), (60, 40))[0]
        engine = (
            None if energy is Energy.NEV else by.choice((1_197, 1_498, 1_498, 1_984, 1_998, 2_398))
        )
        return Model(
            numbers.vin_model(by),
            energy,
            engine,
            by.choices((4, 5, 7), (5, 80, 15))[0],
            Money.of_yuan(by.randint(60, 350) * 1_000),
            checked=by.random() > 0.03,
        )

    def unit(self, product: Product) -> str:
        """The serial number of the next unit of a product."""
        self._units += 1
        return numbers.serial(product.style, product.number, self._units)

    def car(self, model: Model) -> str:
        """The number of the next car of a model."""
        self._cars += 1 + self.by.randrange(3)
        return numbers.vin(model.signs, 100_000 + self._cars, checked=model.checked)

    # Prices ------------------------------------------------------------------------------------

    def asked(self, shop: Shop, product: Product, on: date) -> Money:
        """What a shop asks for a product in a week; every few weeks there is a promotion."""
        week = Random(f"{shop.number} {product.gtin} {on.isocalendar()[1]}")
        level = shop.level + week.randint(-2, 2)
        if week.random() < 0.15:
            level -= week.randint(5, 15)
        return Money.of_yuan(product.usual.fen * level // 10_000)

    def lows(self, shop: Shop, product: Product, on: date) -> Lows:
        """The lowest prices that were seen before; not everything sells everywhere."""
        if Random(f"{shop.number} {product.gtin} seen").random() < 0.2:
            return Lows()
        weeks = [self.asked(shop, product, on - timedelta(days=7 * ago)) for ago in range(1, 13)]
        city = Random(f"{product.gtin} {on.isocalendar()[1]} city").randint(72, 88)
        return Lows(min(weeks[:4]), min(weeks), Money(product.usual.fen * city // 100))

    # Sales -------------------------------------------------------------------------------------

    def sale(
        self,
        at: datetime,
        shop: Shop,
        product: Product,
        person: Person,
        *,
        dear: int = 100,
        listed: Money | None = None,
    ) -> SaleFacts:
        """One honest sale; `dear` is what the shop asks of its own price, in hundredths."""
        by, on = self.by, at.date()
        asked = self.asked(shop, product, on)
        price = Money(asked.fen * dear // 100)
        if product.category in DIGITAL and price > CEILING and by.random() < 0.3:
            price = CEILING - Money.of_yuan(1)
        shop.invoices += 1
        second = int((at - BEGAN).total_seconds())
        serial = self.unit(product)
        if by.random() < 0.003:
            place = by.randrange(len(serial))
            serial = serial[:place] + by.choice("0123456789") + serial[place + 1 :]
        links = {link: value for link, value in person.links.items() if by.random() < 0.8}
        digital = product.category in DIGITAL
        listed = listed or (max(price, product.usual) if by.random() < 0.5 else None)
        return SaleFacts(
            self.id(),
            at,
            person.id,
            shop.merchant,
            shop.id,
            product.category,
            product.gtin,
            product.brand,
            serial,
            price,
            imeis=(numbers.imei(by), numbers.imei(by))
            if product.category is Category.PHONE
            else (),
            list_price=listed,
            filed_price=Money(max(price.fen, product.usual.fen * shop.level // 100)),
            usual=product.usual if by.random() < 0.7 else None,
            raised=pricing.suspicions(
                pricing.Asked(price, listed), self.lows(shop, product, on), RULE
            ),
            ceiling=CEILING if digital else None,
            invoice=(
                numbers.digital_invoice(second, by)
                if shop.digital
                else numbers.paper_invoice(shop.number, shop.invoices)
            ),
            own=by.random() < 0.003,
            place=shop.place,
            photos=(self.photo(at, shop, product),),
            links=links,
        )

    def photo(self, at: datetime, shop: Shop, product: Product) -> Photo:
        """A new photo: of a phone in the shop's corner, of an appliance at somebody's home."""
        by = self.by
        in_shop = product.category in DIGITAL
        corner = shop.number if in_shop else by.getrandbits(48)
        kind = list(_GOODS).index(product.category)
        return self.taken(
            pictures.shot(pictures.drawn(kind, corner, by.getrandbits(32))), at, shop, in_shop
        )

    def taken(self, shot: pictures.Shot, at: datetime, shop: Shop, in_shop: bool) -> Photo:
        """A shot as it is handed in, with what the camera noted if no messenger dropped it."""
        by = self.by
        later = (
            timedelta(minutes=by.randint(1, 30)) if in_shop else timedelta(hours=by.randint(8, 96))
        )
        place = None
        if by.random() < 0.4:
            away = 0.001 if in_shop else by.choices((0.1, 1.5), (97, 3))[0]
            place = Position(
                shop.place.latitude + by.uniform(-away, away),
                shop.place.longitude + by.uniform(-away, away),
            )
        return Photo(
            "unboxing" if in_shop else "nameplate",
            sha256(by.randbytes(16)).hexdigest(),
            True,
            shot.bits,
            shot.tiny,
            at + later if by.random() < 0.6 else None,
            place,
        )

    def moment(self, shop: Shop) -> datetime:
        """When somebody buys: by day in shops, on the net at midnight too."""
        by = self.by
        hour = by.choices(
            range(24), [9 if shop.net else 0] + [1 if shop.net else 0] * 8 + [6] * 13 + [3, 2]
        )[0]
        return BEGAN + timedelta(days=by.randrange(DAYS), hours=hour, seconds=by.randrange(3600))

    def any_shop(self) -> Shop:
        """A shop; large ones more often."""
        return self.by.choices(self.shops, self._busy)[0]

    # Applications ------------------------------------------------------------------------------

    def application(self, at: datetime, person: Person) -> ApplicationFacts:
        """One honest application."""
        by = self.by
        model = by.choices(self.models, self._popular)[0]
        old_model = by.choice(self.models)
        new, old = self.car(model), self.car(old_model)
        if by.random() < 0.006:
            old = _mistyped(old, by)
        if by.random() < 0.004:
            new = _mistyped(new, by)
        engine = model.engine_ml
        if engine is not None and by.random() < 0.2:
            engine = round(engine, -2)
        scheme = by.choice((Scheme.CAR_SCRAP, Scheme.CAR_REPLACE))
        return ApplicationFacts(
            self.id(),
            at,
            person.id,
            scheme,
            new,
            old,
            model.energy if by.random() > 0.002 else Energy.PETROL,
            "small",
            model.seats if by.random() > 0.002 else 5,
            engine,
            listed=model.energy is Energy.NEV,
            photos=(
                Photo("id_front", sha256(person.id.bytes).hexdigest(), False),
                Photo("new_invoice", sha256(by.randbytes(16)).hexdigest(), False),
            ),
            links={Link.CARD: f"b{person.id}"}
            if by.random() > 0.01
            else {Link.CARD: person.links[Link.CARD]},
            seats_most=9,
            engine_most_ml=ENGINE_ML
            if model.engine_ml is None or model.engine_ml <= ENGINE_ML
            else None,
            catalogue=True,
        )

    # The year ----------------------------------------------------------------------------------

    def honest(self) -> Iterator[Facts]:
        """Honest purchases in no order; a household's come together."""
        by, made = self.by, 0
        while made < self.cases:
            person = by.choice(self.people)
            if by.random() < 0.08:
                at = BEGAN + timedelta(seconds=by.randrange(DAYS * 86_400))
                group: list[Facts] = [self.application(at, person)]
            else:
                group = list(self._basket(person))
            made += len(group)
            yield from group

    def _basket(self, person: Person) -> Iterator[SaleFacts]:
        by, shop = self.by, self.any_shop()
        product, at = by.choice(self.products), self.moment(self.any_shop() if shop.net else shop)
        yield self.sale(at, shop, product, person)
        if product.category is Category.PHONE and by.random() < 0.02:
            # The day a phone comes out, strangers queue for it.
            for _ in range(by.randint(3, 12)):
                at += timedelta(seconds=by.randint(40, 400))
                yield self.sale(at, shop, product, by.choice(self.people))
        elif product.category is Category.AIR_CONDITIONER and by.random() < 0.3:
            for nth in range(by.choice((1, 2))):
                yield self.sale(at + timedelta(minutes=2 + nth), shop, product, person)
        elif by.random() < 0.02:
            other = by.choice(self.people)
            shared = replace(other, links=dict(person.links) | {Link.CARD: other.links[Link.CARD]})
            yield self.sale(at + timedelta(minutes=3), shop, product, shared)
        elif by.random() < 0.01:
            # A new home: one of everything.
            for category in LARGE:
                goods = [one for one in self.products if one.category is category]
                if goods and category is not product.category:
                    at += timedelta(minutes=4)
                    yield self.sale(at, shop, by.choice(goods), person)


def _mistyped(number: str, by: Random) -> str:
    place = by.randrange(9, 17)
    sign = by.choice([one for one in "0123456789" if one != number[place]])
    return number[:place] + sign + number[place + 1 :]
