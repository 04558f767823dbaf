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
    yuan of orders that never were, each just above the threshold.
    """

    effect: float = 3.0
    borrowed: float = 0.0
    displaced: float = 0.0
    ghosts: float = 0.0
    shock: float = SHOCK
    memory: float = MEMORY

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
    """As many losers as winners. `eager`: how much higher, in logarithms, the first in the queue
    spend than the last; in a lottery nobody is first.
    """
    people = 2 * winners
    rank = np.arange(people, dtype=np.float64) - (winners - 1)
    place = np.arange(people) / people
    level = rng.standard_normal(people) * LEVEL - eager * (place - 0.5 * place**2)
    before, during, after = (
        WEEKLY * weeks * np.exp(level + rng.standard_normal(people) * WINDOW - _CENTRE)
        for weeks in (BEFORE, DURING, AFTER)
    )
    got = rank <= 0
    redeemed = np.where(got & (rng.random(people) < USED), FACE, 0.0)
    # Not everybody reacts alike: the reaction is spread, with the effect as its mean.
    reaction = rng.gamma(2.0, 0.5, people)
    during = during + redeemed * city.seen * reaction
    after = after - redeemed * (1 - city.ghosts) * city.borrowed * reaction * AFTER / 16
    lost = city.displaced * redeemed.sum() / (people - winners)
    during = np.where(got, during, during - lost)
    return Entrants(got, rank, before, during, after, redeemed)


def places(city: City, rng: np.random.Generator) -> Places:
    """Areas of different levels, each with shocks that last; vouchers are issued in some."""
    weeks = BEFORE + DURING + AFTER
    issued = rng.permutation(np.arange(AREAS) < ISSUING)
    level = WEEKLY * np.exp(rng.standard_normal(AREAS) * 0.15)
    shocks = np.empty((AREAS, weeks))
    shocks[:, 0] = rng.standard_normal(AREAS) * city.shock
    fresh = city.shock * np.sqrt(1 - city.memory**2)
    for week in range(1, weeks):
        shocks[:, week] = city.memory * shocks[:, week - 1] + fresh * rng.standard_normal(AREAS)
    common = rng.standard_normal(weeks) * 0.05
    users = PEOPLE / AREAS
    noise = rng.standard_normal((AREAS, weeks)) * _VARIATION / np.sqrt(users)
    week_of = level[:, None] * (1 + shocks + common + noise)
    amount = WINNERS * USED * FACE * rng.dirichlet(np.full(ISSUING, 60.0)) / users
    redeemed = np.zeros(AREAS)
    redeemed[issued] = amount
    before, during, after = np.split(week_of, [BEFORE, BEFORE + DURING], axis=1)
    # The displaced live where the vouchers are.
    more = redeemed * (city.seen - city.displaced)
    less = redeemed * (1 - city.ghosts) * city.borrowed * AFTER / 16
    return Places(issued, before, during.sum(axis=1) + more, after.sum(axis=1) - less, redeemed)


def tills(city: City, rng: np.random.Generator) -> Tills:
    """Orders of shops of different price levels. What vouchers add is made of orders that grew up
    to the threshold, half of those redeemed at most, and of new orders.
    """
    per_shop = rng.multinomial(ORDERS, rng.dirichlet(np.full(SHOPS, 5.0)))
    shop = np.repeat(np.arange(SHOPS), per_shop)
    price = rng.standard_normal(SHOPS) * 0.15
    order = np.exp(np.log(150) + price[shop] + rng.standard_normal(len(shop)) * 0.9)
    round_ = rng.random(len(order)) < 0.08
    order = np.where(round_, np.maximum(50.0, np.round(order / 50) * 50), order)
    wanted = int(WINNERS * USED)
    ghosts = int(wanted * city.ghosts)
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
    new_shop = rng.integers(0, SHOPS, fresh)
    new = THRESHOLD * np.minimum(np.exp(rng.exponential(0.06, fresh)), 1.25)
    shop, order = np.concatenate((shop, new_shop)), np.concatenate((order, new))
    # Whoever is at the threshold anyway redeems the rest.
    mine = np.zeros(SHOPS)
    np.add.at(mine, shop[moved], FACE)
    np.add.at(mine, new_shop, FACE)
    left = wanted - len(moved) - fresh
    if left > 0:
        able = np.flatnonzero(order >= THRESHOLD)
        np.add.at(mine, shop[rng.choice(able, left)], FACE)
    step, last = float(bunching.step_of(THRESHOLD)), 3 * THRESHOLD
    kind = np.round(order / step).astype(int)
    kept = (kind >= 2) & (kind <= last / step)
    width = int(last / step) - 1
    cells = shop[kept] * width + kind[kept] - 2
    counts = np.bincount(cells, minlength=SHOPS * width).reshape(SHOPS, width).astype(np.float64)
    return Tills(counts, step * np.arange(2, int(last / step) + 1, dtype=np.float64), mine)


# So that the mean of a window is what it says, and its spread in the mean's own units.
_CENTRE = (LEVEL**2 + WINDOW**2) / 2
_VARIATION = float(np.sqrt(np.exp(LEVEL**2 + WINDOW**2) - 1))
