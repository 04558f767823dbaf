"""Every purchase of a field, before any of them happens: who, what, where, when, at what price.

The same programme, targets and seed give the same cases; another seed gives others with the same
counts, by area and by goods, and the same total.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from random import Random

from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.money import Money
from voucher_service.tradein.quote import under

from . import orders, subsidies
from .fields import WHOLE_BPS, Field, Goods
from .model import Programme
from .people import SyntheticShop
from .reachable import Reachable
from .subsidies import FieldTargets

# Prices of goods end in whole yuan, mostly in tens; a car's in hundreds.
_ENDINGS = ((1_000, 60), (100, 35), (1, 5))
_CLAIMS = (time(10), 9 * 3600)  # when the day's claims begin, and the seconds that they last
_OFFICE = (time(9), 8 * 3600)
_LEAST_WAIT = timedelta(minutes=10)
# Days between the invoice of a car, its registration, the handing in and the two decisions.
_REGISTERED, _HANDED_IN, _CHECKED, _APPROVED = 3, 4, 5, 5
LONGEST = timedelta(days=_REGISTERED + _HANDED_IN + _CHECKED + _APPROVED + 4)


@dataclass(frozen=True, slots=True)
class Case:
    """One unit. `resident` and `shop` are indexes; `goods` is a place in the field.

    At a till: claimed at `begins`, sold at `ends`. By application: invoiced on `bought_on`, handed
    in at `begins`, checked at `checked`, approved at `ends`.
    """

    number: int
    resident: int
    goods: int
    area: str
    shop: int | None
    price_fen: int
    list_price_fen: int
    subsidy_fen: int
    bank_fen: int
    begins: datetime
    checked: datetime
    ends: datetime
    bought_on: date
    registered_on: date


def plan(
    programme: Programme,
    targets: FieldTargets,
    residents: Mapping[str, range],
    shops: Sequence[SyntheticShop],
    seed: int,
) -> list[Case]:
    """The cases of a field, in the order in which they begin."""
    field = targets.field
    rng = Random(f"{seed}:{field.slug}:cases")
    people = _people(targets, residents, rng)
    prices = _prices(targets, rng)
    counters = _counters(programme, field, shops)
    times = sorted(_beginnings(programme, field, targets.units, rng))
    made = []
    for number, ((area, resident), (goods, price_fen), begins) in enumerate(
        zip(people, prices, times, strict=True)
    ):
        shop = counters.choose(area, rng) if field.at_the_till else None
        moments = _at_a_till(field, begins, counters, rng) if shop else _by_papers(begins, rng)
        checked, ends, bought_on, registered_on = moments
        made.append(
            Case(
                number=number,
                resident=resident,
                goods=goods,
                area=area,
                shop=shop.index if shop else None,
                price_fen=price_fen,
                subsidy_fen=_subsidy(field, field.goods[goods], price_fen, bought_on, area),
                begins=begins,
                checked=checked,
                ends=ends,
                bought_on=bought_on,
                registered_on=registered_on,
                **_others(field, price_fen, rng),
            )
        )
    return made


def _people(
    targets: FieldTargets, residents: Mapping[str, range], rng: Random
) -> list[tuple[str, int]]:
    """Who buys: of each area as many as it has units, nobody twice."""
    found = [
        (area, one)
        for area, count in targets.by_area.items()
        for one in rng.sample(residents[area], count)
    ]
    rng.shuffle(found)
    return found


def _prices(targets: FieldTargets, rng: Random) -> list[tuple[int, int]]:
    """What is bought at what price: they add up to the turnover, or their subsidies to the sum."""
    if targets.subsidy is not None:
        found = list(_by_subsidy(targets, targets.subsidy.target_fen, rng))
    else:
        found = [
            (place, price_fen)
            for place, goods in enumerate(targets.field.goods)
            for price_fen in orders.draw(
                rng,
                targets.by_goods[place],
                least_fen=goods.least_fen,
                most_fen=goods.most_fen,
                total_fen=targets.sums_fen[place],
                endings=_ENDINGS,
            )
        ]
    rng.shuffle(found)
    return found


def _by_subsidy(targets: FieldTargets, total_fen: int, rng: Random) -> Iterator[tuple[int, int]]:
    field = targets.field
    bands = subsidies.bands(field)
    usual = subsidies.weights(field, bands)
    drawn = Reachable(list(usual), targets.units).draw(rng, total_fen, list(usual.values()))
    for subsidy_fen in drawn:
        fitting = [one for one in bands if one.subsidy_fen == subsidy_fen]
        shares = [field.goods[one.goods].share_bps for one in fitting]
        band = rng.choices(fitting, shares)[0]
        price_fen = rng.randint(band.least_fen, band.most_fen) // 10_000 * 10_000
        yield band.goods, max(band.least_fen, price_fen)


def _beginnings(programme: Programme, field: Field, count: int, rng: Random) -> Iterator[datetime]:
    """When they begin, evenly over the days on which there is still time to end."""
    last = field.closes_on - timedelta(days=field.valid_days - 1)
    opens, length = _CLAIMS
    first = field.opens_on
    if not field.at_the_till:
        first += timedelta(days=_REGISTERED + _HANDED_IN + 1)
        last = min(field.closes_on, programme.closes_on - timedelta(days=_CHECKED + _APPROVED + 2))
        opens, length = _OFFICE
    days = max(1, (last - first).days + 1)
    for place in range(count):
        day = first + timedelta(days=int((place + rng.random()) * days / count))
        yield datetime.combine(day, opens, SHANGHAI) + timedelta(seconds=rng.randrange(length))


Moments = tuple[datetime, datetime, date, date]


def _at_a_till(field: Field, begins: datetime, counters: _Counters, rng: Random) -> Moments:
    midnight = datetime.combine(begins.date(), time.min, SHANGHAI)
    hour = rng.choices(range(24), cum_weights=counters.hours)[0]
    ends = midnight + timedelta(
        days=rng.randrange(field.valid_days), hours=hour, seconds=rng.randrange(3600)
    )
    if ends < begins + _LEAST_WAIT:
        ends += timedelta(days=1)  # the day of the claim is over for this shop; two days are valid
    return begins, ends, ends.date(), ends.date()


def _by_papers(begins: datetime, rng: Random) -> Moments:
    registered_on = begins.date() - timedelta(days=1 + rng.randrange(_HANDED_IN))
    bought_on = registered_on - timedelta(days=rng.randrange(_REGISTERED + 1))
    checked = _office(begins.date() + timedelta(days=1 + rng.randrange(_CHECKED)), rng)
    ends = _office(checked.date() + timedelta(days=1 + rng.randrange(_APPROVED)), rng)
    return checked, ends, bought_on, registered_on


def _office(day: date, rng: Random) -> datetime:
    opens, length = _OFFICE
    return datetime.combine(day, opens, SHANGHAI) + timedelta(seconds=rng.randrange(length))


def _subsidy(field: Field, goods: Goods, price_fen: int, on: date, area: str) -> int:
    found = under(field.policy, subsidies.case(field, goods, price_fen, on, area))
    return found.subsidy.fen


def _others(field: Field, price_fen: int, rng: Random) -> dict[str, int]:
    """What merchant and bank take off; nothing where they did not keep their promise."""
    payers = field.payers
    if rng.randrange(WHOLE_BPS) >= payers.delivered_bps:
        return {"list_price_fen": price_fen, "bank_fen": 0}
    listed = -(-price_fen * WHOLE_BPS // (WHOLE_BPS - payers.merchant_bps))
    bank_fen = min(price_fen * payers.bank_bps // WHOLE_BPS, payers.bank_most_fen)
    return {"list_price_fen": listed, "bank_fen": bank_fen}


class _Counters:
    """The shops that sell a field's goods, by area, and their hours."""

    def __init__(self, shops: Mapping[str, Sequence[SyntheticShop]], hours: Sequence[int]) -> None:
        self.shops = shops
        self.hours = list(accumulate(hours))

    def choose(self, area: str, rng: Random) -> SyntheticShop:
        """A shop of the area, by its custom."""
        own = self.shops[area]
        return rng.choices(own, [shop.weight for shop in own])[0]


def _counters(programme: Programme, field: Field, shops: Sequence[SyntheticShop]) -> _Counters:
    by_area: dict[str, list[SyntheticShop]] = {}
    for shop in shops:
        if shop.trade == field.trade:
            by_area.setdefault(shop.area, []).append(shop)
    hours = next((t.hours for t in programme.assumed.trades if t.code == field.trade), (1,) * 24)
    return _Counters(by_area, hours)


def pledged(case: Case, field: Field) -> tuple[Money, Money]:
    """What merchant and bank promised to take off this unit."""
    payers = field.payers
    listed = -(-case.price_fen * WHOLE_BPS // (WHOLE_BPS - payers.merchant_bps))
    bank_fen = min(case.price_fen * payers.bank_bps // WHOLE_BPS, payers.bank_most_fen)
    return Money(listed - case.price_fen), Money(bank_fen)
