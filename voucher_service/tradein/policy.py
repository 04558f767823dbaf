"""A policy (实施细则): who gets which subsidy for what, bought when. Data, read from a file.

Money is whole fen, rates are basis points, days are days in Asia/Shanghai, both ends included;
engines are millilitres. A rule that its notice leaves open is a key of the file, with a comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from voucher_service.goods import categories
from voucher_service.infra.data_files import Text
from voucher_service.kernel.money import ZERO, Bps, Money, Rounding

# What is bought: the library's word, which policies speak too.
Category = categories.Category


class Scheme(StrEnum):
    """How a subsidy is asked for."""

    APPLIANCE = "appliance"
    DIGITAL = "digital"
    CAR_SCRAP = "car_scrap"
    CAR_REPLACE = "car_replace"
    CAR_PURCHASE = "car_purchase"


_DIGITAL = frozenset({Category.PHONE, Category.TABLET, Category.WATCH, Category.GLASSES})
CATEGORIES: Mapping[Scheme, frozenset[Category]] = {
    Scheme.APPLIANCE: frozenset(Category) - _DIGITAL - {Category.CAR},
    Scheme.DIGITAL: _DIGITAL,
    Scheme.CAR_SCRAP: frozenset({Category.CAR}),
    Scheme.CAR_REPLACE: frozenset({Category.CAR}),
    Scheme.CAR_PURCHASE: frozenset({Category.CAR}),
}


class Energy(StrEnum):
    """What a car runs on. `diesel` stands for diesel and other fuels."""

    NEV = "nev"
    PETROL = "petrol"
    DIESEL = "diesel"


class Round(StrEnum):
    """What becomes of a fraction of the smallest unit that a policy pays."""

    FEN_DOWN = "fen_down"
    YUAN_UP = "yuan_up"

    def share(self, price: Money, rate: Bps) -> Money:
        """The price times the rate, so rounded."""
        if self is Round.FEN_DOWN:
            return price.share(rate, Rounding.DOWN)
        fen = price.share(rate, Rounding.UP).fen
        return Money(-(-fen // 100) * 100)


@dataclass(frozen=True, slots=True)
class NewCar:
    """The car that was bought. `engine_ml` None: it has none, or nobody said."""

    energy: Energy
    engine_ml: int | None = None


@dataclass(frozen=True, slots=True)
class OldCar:
    """The car that was given up; `owned_since` is when it came into the applicant's name."""

    energy: Energy
    registered_on: date
    owned_since: date | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What a subsidy is computed from. `price` includes tax, after every discount but the subsidy.

    `on` is the day of purchase (the invoice's), `area` a division code or empty; `grade` is the
    energy or water efficiency, 1 the best.
    """

    scheme: Scheme
    category: Category
    price: Money
    on: date
    area: str = ""
    grade: int | None = None
    new: NewCar | None = None
    old: OldCar | None = None


@dataclass(frozen=True, slots=True)
class Flat:
    """The same sum at every price."""

    amount: Money


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the price, at most the cap."""

    rate: Bps
    cap: Money


@dataclass(frozen=True, slots=True)
class Tiers:
    """A sum by the price: that of the last tier whose start the price reaches."""

    starts: tuple[tuple[Money, Money], ...]

    def at(self, price: Money) -> tuple[Money, Money] | None:
        """The start and the sum of the tier a price lies in; None below the first."""
        reached = [tier for tier in self.starts if tier[0] <= price]
        return reached[-1] if reached else None

    def rise(self) -> bool:
        """Whether each tier starts at a higher price than the one before and pays no less."""
        starts, sums = ([tier[side] for tier in self.starts] for side in (0, 1))
        return starts == sorted(set(starts)) and sums == sorted(sums)


Amount = Flat | Share | Tiers


@dataclass(frozen=True, slots=True)
class Rule:
    """Which purchases get an amount. An empty set lets every value pass."""

    categories: frozenset[Category]
    amount: Amount
    grades: frozenset[int] = frozenset()
    energies: frozenset[Energy] = frozenset()
    old_energies: frozenset[Energy] = frozenset()
    engine_most_ml: int | None = None
    price_most: Money | None = None


@dataclass(frozen=True, slots=True)
class OldRule:
    """What the old car must be: registered, and in the applicant's name, on or before a day."""

    registered_by: Mapping[Energy, date]
    owned_by: date | None


@dataclass(frozen=True, slots=True)
class CarRule:
    """Which new cars count: seats at most, in the catalogue of new-energy cars without purchase
    tax, and invoice and registration in one province.
    """

    seats_most: int
    catalogue: bool
    same_province: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """One dated version of one scheme's rules, in force in `areas` (empty: everywhere).

    It pays for purchases from `first` to `last`, applied for until `file_by` and corrected until
    `correct_by`. Of versions for the same purchase the one published last counts (`published_on`),
    also for purchases before it. A person's units are counted together with those of `counts_with`.
    `assumed` says what of it was never published and is our assumption; None: nothing.
    """

    id: str
    name: Text
    scheme: Scheme
    areas: tuple[str, ...]
    source: str
    published_on: date
    first: date
    last: date
    file_by: date | None
    rounding: Round
    rules: tuple[Rule, ...]
    old: OldRule | None = None
    units: Mapping[Category, int] | None = None
    car: CarRule | None = None
    correct_by: date | None = None
    counts_with: frozenset[Scheme] = frozenset()
    assumed: Text | None = None

    @property
    def published(self) -> bool:
        """Whether its amounts were published; otherwise `assumed` says what was not."""
        return self.assumed is None

    def units_of(self, category: Category) -> int:
        """How many of a category one person gets a subsidy for."""
        return (self.units or {}).get(category, 1)

    def most(self) -> Money:
        """The most that one purchase can get."""
        return max((_most(rule.amount) for rule in self.rules), default=ZERO)


def _most(amount: Amount) -> Money:
    if isinstance(amount, Flat):
        return amount.amount
    if isinstance(amount, Share):
        return amount.cap
    return max(sum_ for _, sum_ in amount.starts)
