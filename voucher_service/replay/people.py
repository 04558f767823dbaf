"""Synthetic residents, merchants and shops. The numbers have valid check characters and belong to
nobody we know; the same seed and index give the same person.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from random import Random

from .model import Area, Assumed, Programme, Trade

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁郑谢宋"
    "唐许邓冯韩曹曾彭萧蔡潘袁董余叶程苏魏吕丁沈姚卢姜钟谭陆"
)
GIVEN = (
    "伟芳娜敏静丽强磊洋勇艳杰娟涛明超秀霞平刚桂英文"
    "华建国玉兰海燕志军晓红春梅俊辉嘉欣子轩雨婷浩然思远佳怡家豪"
)
ADULT_YEARS, OLDEST_YEARS = 18, 80
# As far as we know no carrier gave this segment to people: a number here is nobody's.
MOBILE_SEGMENT = "154"
# As far as we know no organisation code that was given out begins so.
SYNTHETIC_SERIES = "XX"
SEQUENCES = 999
_COUNTY_DIGITS = 6

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class SyntheticResident:
    """A resident who does not exist. `area` is the division code that the id number begins with."""

    index: int
    area: str
    name: str
    id_number: str
    mobile: str


@dataclass(frozen=True, slots=True)
class SyntheticMerchant:
    """A legal person who does not exist."""

    index: int
    name: str
    uscc: str
    size_class: str


@dataclass(frozen=True, slots=True)
class SyntheticShop:
    """A shop of a synthetic merchant. `weight` is its custom beside the shops of its trade."""

    index: int
    merchant: int
    name: str
    area: str
    trade: str
    address: str
    weight: int


def id_check_character(first17: str) -> str:
    """The last character of a resident's id number (GB 11643)."""
    weighted = sum(int(d) * w for d, w in zip(first17, _ID_WEIGHTS, strict=True))
    return _ID_CHECKS[weighted % 11]


def credit_check_character(first17: str) -> str:
    """The last character of a unified social credit code (GB 32100)."""
    values = map(_CREDIT_ALPHABET.index, first17)
    weighted = sum(value * pow(3, place, 31) for place, value in enumerate(values))
    return _CREDIT_ALPHABET[-weighted % 31]


def organisation_check_character(first8: str) -> str:
    """The last character of the organisation code inside a credit code (GB 11714)."""
    values = map(_ORGANISATION_VALUES.index, first8)
    weighted = sum(v * w for v, w in zip(values, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X"[-weighted % 11]


class _Scatter:
    """A one-to-one map of 0 … size - 1 onto itself that a seed chooses: no two indexes meet."""

    def __init__(self, size: int, rng: Random) -> None:
        self.size = size
        self.shift = rng.randrange(size)
        self.factor = rng.randrange(1, size)
        while math.gcd(self.factor, size) != 1:
            self.factor = rng.randrange(1, size)

    def __call__(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise ValueError(f"there are {self.size:,} numbers and none for index {index:,}")
        return (index * self.factor + self.shift) % self.size


def residents(
    programme: Programme, ranges: Mapping[str, range], seed: int
) -> Iterator[SyntheticResident]:
    """The residents of each area's range of indexes (`Targets.residents`), in that order.

    Adults in the programme's year; id numbers and mobiles are unique. Raises ValueError when an
    area wants more people than it has numbers.
    """
    year = programme.opens_on.year
    oldest = date(year - OLDEST_YEARS, 1, 1)
    days = (date(year - ADULT_YEARS, 1, 1) - oldest).days
    mobile = _Scatter(10 ** (11 - len(MOBILE_SEGMENT)), Random(f"{seed}:mobile"))
    scatters: dict[str, _Scatter] = {}
    born_so_far: Counter[str] = Counter()
    for area, indexes in ranges.items():
        # An id number names the county, or the city of towns: those share its numbers.
        county = area[:_COUNTY_DIGITS]
        births = scatters.setdefault(county, _Scatter(days * SEQUENCES, Random(f"{seed}:{county}")))
        for index in indexes:
            day, sequence = divmod(births(born_so_far[county]), SEQUENCES)
            born_so_far[county] += 1
            born = oldest + timedelta(days=day)
            first17 = f"{county}{born:%Y%m%d}{sequence + 1:03d}"
            yield SyntheticResident(
                index=index,
                area=area,
                name=_name(Random(f"{seed}:{index}")),
                id_number=first17 + id_check_character(first17),
                mobile=f"{MOBILE_SEGMENT}{mobile(index):08d}",
            )


def _name(rng: Random) -> str:
    return rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2, 2))))


def merchants(
    programme: Programme, scale: Fraction, seed: int
) -> tuple[tuple[SyntheticMerchant, ...], tuple[SyntheticShop, ...]]:
    """The merchants and their shops: each area has every trade, whatever the scale."""
    town = _Town(programme.assumed, Random(f"{seed}:shops"))
    for area in programme.assumed.areas:
        for trade in programme.assumed.trades:
            town.settle(area, trade, max(1, round(trade.shops[area.code] * scale)))
    return tuple(town.merchants), tuple(town.shops)


class _Town:
    """Merchants and shops as they are founded."""

    def __init__(self, assumed: Assumed, rng: Random) -> None:
        self.assumed = assumed
        self.rng = rng
        self.codes = _Scatter(len(_CREDIT_ALPHABET) ** 6, rng)
        self.merchants: list[SyntheticMerchant] = []
        self.shops: list[SyntheticShop] = []

    def settle(self, area: Area, trade: Trade, count: int) -> None:
        """Found that many shops of a trade in an area, under merchants of the assumed sizes."""
        brands = [head + name for head in self.assumed.name_heads for name in trade.names]
        self.rng.shuffle(brands)
        sizes = self.assumed.sizes
        founded = 0
        while count:
            again, place = divmod(founded, len(brands))
            brand = brands[place] + (f"{again + 1}号" if again else "")
            size = self.rng.choices(sizes, [each.share_bps for each in sizes])[0]
            merchant = len(self.merchants)
            self.merchants.append(
                SyntheticMerchant(merchant, area.name.zh + brand, self.credit_code(area), size.code)
            )
            own = min(size.shops, count, len(self.assumed.branches))
            for branch in self.rng.sample(self.assumed.branches, own):
                street = (
                    f"{area.name.zh}{branch.removesuffix('店')}路{self.rng.randrange(1, 200)}号"
                )
                shop = SyntheticShop(
                    index=len(self.shops),
                    merchant=merchant,
                    name=f"{brand}·{branch}",
                    area=area.code,
                    trade=trade.code,
                    address=street,
                    weight=size.weight,
                )
                self.shops.append(shop)
            count -= own
            founded += 1

    def credit_code(self, area: Area) -> str:
        """A unified social credit code of a company, with both of its check characters."""
        number = self.codes(len(self.merchants))
        digits = ""
        for _ in range(6):
            number, digit = divmod(number, len(_CREDIT_ALPHABET))
            digits += _CREDIT_ALPHABET[digit]
        organisation = SYNTHETIC_SERIES + digits
        county = area.code[:_COUNTY_DIGITS]
        first17 = f"91{county}{organisation}{organisation_check_character(organisation)}"
        return first17 + credit_check_character(first17)
