"""Invented cities whose true effect is known: heavy-tailed spending, vouchers not always used.

Spending of a person in a window of weeks is lognormal: a person's own level, and how the window
went for them. A voucher is worth 100 yuan from 500 yuan on; six winners in ten redeem it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voucher_service.causal import bunching

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FACE, THRESHOLD = 100.0, 500.0
USED = 0.6
WEEKLY = 300.0  # yuan a person, on average
BEFORE, DURING, AFTER = 12, 4, 8  # weeks
LEVEL, WINDOW = 0.9, 0.6  # spread of the logarithm: between people, and between windows of one
WINNERS = 20_000
AREAS, ISSUING, PEOPLE = 12, 6, 120_000
SHOPS, ORDERS = 60, 200_000
SHOCK, MEMORY = 0.02, 0.5  # of an area's week, and how much of it lasts into the next


@dataclass(frozen=True)
class City:
    """What a redeemed yuan does in a city, in yuan.

    `borrowed` of the extra is taken from the weeks after, evenly over 16 of them. `displaced` is
    what a redeemed yuan takes from somebody who got no voucher. `ghosts` is the share of redeemed
    yuan of orders that never were, each just above the threshold. `away`: those whom the displaced
    yuan is taken from live in areas without vouchers, and enter no lottery or queue. `size`: how
    many times as many people, areas and shops there are.
    """

    effect: float = 3.0
    borrowed: float = 0.0
    displaced: float = 0.0
    ghosts: float = 0.0
    shock: float = SHOCK
    memory: float = MEMORY
    away: bool = False
    size: int = 1

    @property
    def truth(self) -> float:
        """What a redeemed yuan really adds to the city's spending in the long run."""
        return (self.effect - self.borrowed) * (1 - self.ghosts) - self.displaced

    @property
    def seen(self) -> float:
        """What a redeemed yuan of a voucher holder adds to their payments while it is valid."""
        return self.effect * (1 - self.ghosts) + self.ghosts * THRESHOLD / FACE


STANDARD, NOTHING = City(), City(effect=0.0)


@dataclass(frozen=True)
class Entrants:
    """People who entered: whether they got a voucher, their rank, and yuan in each window."""

    got: Flags
    rank: Array
    before: Array
    during: Array
    after: Array
    redeemed: Array


@dataclass(frozen=True)
class Places:
    """Areas: yuan a person and week before, in the windows, and redeemed a person."""

    issued: Flags
    before: Array
    during: Array
    after: Array
    redeemed: Array


@dataclass(frozen=True)
class Tills:
    """Orders of shops by class of amount, and what was redeemed at each shop."""

    counts: Array
    amounts: Array
    redeemed: Array


def entrants(
    city: City, rng: np.random.Generator, *, winners: int = WINNERS, eager: float = 0.0
) -> Entrants:
    """As many losers as winners, of all areas. `eager`: how much higher, in logarithms, the first
    in the queue spend than the last; in a lottery nobody is first.
    """
    winners *= city.size
    people = 2 * winners
    rank = np.arange(people, dtype=np.float64) - (winners - 1)
    place = np.arange(people) / people
    level = rng.standard_normal(people) * LEVEL - eager * (place - 0.5 * place**2)
    before, during, after = (
        WEEKLY * weeks * np.exp(level + rng.standard_normal(people) * WINDOW - _CENTRE)
        for weeks in (BEFORE, DURING, AFTER)
    )
    home = rng.integers(0, AREAS * city.size, people)
    past, now, later = (1 + one.mean(axis=1)[home] for one in _split(_shocks(city, rng)))
    before, during, after = before * past, during * now, after * later
    got = rank <= 0
    redeemed = np.where(got & (rng.random(people) < USED), FACE, 0.0)
    # Not everybody reacts alike: the reaction is spread, with the effect as its mean.
    reaction = rng.gamma(2.0, 0.5, people)
    during = during + redeemed * city.seen * reaction
    after = after - redeemed * (1 - city.ghosts) * city.borrowed * reaction * AFTER / 16
    lost = 0.0 if city.away else city.displaced * redeemed.sum() / (people - winners)
    during = np.where(got, during, during - lost)
    return Entrants(got, rank, before, during, after, redeemed)


def places(city: City, rng: np.random.Generator) -> Places:
    """Areas of different levels, each with shocks that last; vouchers are issued in some."""
    areas, issuing = AREAS * city.size, ISSUING * city.size
    issued = rng.permutation(np.arange(areas) < issuing)
    level = WEEKLY * np.exp(rng.standard_normal(areas) * 0.15)
    shocks = _shocks(city, rng)
    common = rng.standard_normal(shocks.shape[1]) * 0.05
    users = PEOPLE / AREAS
    noise = rng.standard_normal(shocks.shape) * _VARIATION / np.sqrt(users)
    week_of = level[:, None] * (1 + shocks + common + noise)
    total = city.size * WINNERS * USED * FACE / users
    redeemed = np.zeros(areas)
    redeemed[issued] = total * rng.dirichlet(np.full(issuing, 60.0))
    before, during, after = _split(week_of)
    more = redeemed * city.seen - city.displaced * _victims(city, issued, redeemed)
    less = redeemed * (1 - city.ghosts) * city.borrowed * AFTER / 16
    return Places(issued, before, during.sum(axis=1) + more, after.sum(axis=1) - less, redeemed)


def _victims(city: City, issued: Flags, redeemed: Array) -> Array:
    """Redeemed yuan by where those live who lose by it: with the vouchers, or in other areas."""
    if not city.away:
        return redeemed
    return np.where(issued, 0.0, redeemed.sum() / (~issued).sum())


def _shocks(city: City, rng: np.random.Generator) -> Array:
    """Of each area's weeks, as parts of 1: each remembers the one before."""
    shocks = np.empty((AREAS * city.size, BEFORE + DURING + AFTER))
    shocks[:, 0] = rng.standard_normal(len(shocks)) * city.shock
    fresh = city.shock * np.sqrt(1 - city.memory**2)
    for week in range(1, shocks.shape[1]):
        shocks[:, week] = city.memory * shocks[:, week - 1] + fresh * rng.standard_normal(
            len(shocks)
        )
    return shocks


def _split(weeks: Array) -> list[Array]:
    return np.split(weeks, [BEFORE, BEFORE + DURING], axis=1)


def tills(city: City, rng: np.random.Generator) -> Tills:
    """Orders of shops of different price levels. What vouchers add is made of orders that grew up
    to the threshold, half of those redeemed at most, and of new orders.
    """
    shops = SHOPS * city.size
    wanted = int(WINNERS * USED) * city.size
    ghosts = int(wanted * city.ghosts)
    shop, order = _usual(city, rng, shops, wanted)
    lift = FACE * city.effect * (wanted - ghosts)
    low = np.flatnonzero((order >= 0.5 * THRESHOLD) & (order < THRESHOLD))
    room = THRESHOLD * np.exp(rng.exponential(0.06, wanted))
    room = np.minimum(room, 1.25 * THRESHOLD)
    # Growing orders first, up to half of what is redeemed, then new ones for what is left.
    picked = rng.permutation(low)[: wanted // 2]
    grows = np.cumsum(room[: len(picked)] - order[picked]) <= lift
    moved = picked[grows]
    gained = float((room[: len(picked)] - order[picked])[grows].sum())
    order[moved] = room[: len(picked)][grows]
    fresh = round(max(0.0, lift - gained) / room.mean()) + ghosts
    new_shop = rng.integers(0, shops, fresh)
    new = THRESHOLD * np.minimum(np.exp(rng.exponential(0.06, fresh)), 1.25)
    shop, order = np.concatenate((shop, new_shop)), np.concatenate((order, new))
    # Whoever is at the threshold anyway redeems the rest.
    mine = np.zeros(shops)
    np.add.at(mine, shop[moved], FACE)
    np.add.at(mine, new_shop, FACE)
    left = wanted - len(moved) - fresh
    if left > 0:
        able = np.flatnonzero(order >= THRESHOLD)
        np.add.at(mine, shop[rng.choice(able, left)], FACE)
    return _classed(shop, order, mine)


def _usual(
    city: City, rng: np.random.Generator, shops: int, wanted: int
) -> tuple[npt.NDArray[np.int64], Array]:
    """Orders as they would be without vouchers: the shop of each, and its yuan."""
    shocks = _split(_shocks(city, rng))[1].mean(axis=1)
    busy = rng.dirichlet(np.full(shops, 5.0)) * (1 + shocks[np.arange(shops) % len(shocks)])
    per_shop = rng.multinomial(ORDERS * city.size, busy / busy.sum())
    shop = np.repeat(np.arange(shops), per_shop)
    price = rng.standard_normal(shops) * 0.15
    order = np.exp(np.log(150) + price[shop] + rng.standard_normal(len(shop)) * 0.9)
    round_ = rng.random(len(order)) < 0.08
    order = np.where(round_, np.maximum(50.0, np.round(order / 50) * 50), order)
    # Customers without a voucher who stay away would have bought like everybody else.
    lost = 0.0 if city.away else city.displaced * FACE * wanted / order.sum()
    stays = rng.random(len(order)) >= lost
    return shop[stays], order[stays]


def _classed(shop: npt.NDArray[np.int64], order: Array, redeemed: Array) -> Tills:
    """Orders counted by shop and class of amount, up to three times the threshold."""
    step, last = float(bunching.step_of(THRESHOLD)), 3 * THRESHOLD
    kind = np.round(order / step).astype(int)
    kept = (kind >= 2) & (kind <= last / step)
    width = int(last / step) - 1
    shops = len(redeemed)
    cells = shop[kept] * width + kind[kept] - 2
    counts = np.bincount(cells, minlength=shops * width).reshape(shops, width).astype(np.float64)
    return Tills(counts, step * np.arange(2, int(last / step) + 1, dtype=np.float64), redeemed)


# So that the mean of a window is what it says, and its spread in the mean's own units.
_CENTRE = (LEVEL**2 + WINDOW**2) / 2
_VARIATION = float(np.sqrt(np.exp(LEVEL**2 + WINDOW**2) - 1))
