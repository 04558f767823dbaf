"""A year of one over-booked pool: who is given a qualification, who uses it, and what it costs.

    python -m tests.tradein.year --seeds 20

Nothing of the town is known to the rule but what it sees: which qualifications ended, and what the
used ones cost. Between 30 and 70 % lapse, by a drift of two waves and sudden turns; demand comes in
bursts; one sale in twenty is sent back within a fortnight, which gives its money back and its
qualification a new validity. Money is released month by month, and what a month leaves over flows
on. Beside the rule, two others get the same town: no over-booking at all, and a fixed number of
qualifications for each month, by a planner's guess that half will lapse.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

import click

from voucher_service.kernel.money import ZERO, Money
from voucher_service.tradein.overbooking import Past, open_places

DAYS = 365
VALID_DAYS = 3
LOOK_BACK_DAYS = 14
MOST = Money.of_yuan(1_500)
OVERBOOK_BPS = 60_000
# Days of the year on which shops make a fair of it, and how many times the usual come.
_BURSTS = {0: 6, 45: 3, 120: 5, 168: 8, 243: 3, 273: 5, 314: 12, 345: 4}
_REFUNDED = 0.05
_WAITS = 0.5
Rule = Callable[["Books"], int]


@dataclass
class Books:
    """The pool as the platform sees it."""

    money: Money
    spent: Money = ZERO
    held: int = 0
    claimed: int = 0
    past: Past = field(default_factory=Past)
    cohorts: deque[tuple[int, Money]] = field(default_factory=deque)


@dataclass
class Result:
    """How a year ended."""

    money: Money
    used: Money = ZERO
    claimed: int = 0
    lapsed: int = 0
    at_till: int = 0
    refused: list[int] = field(default_factory=list)
    refused_and_not_first: int = 0
    over: Money = ZERO
    longest_line: int = 0
    idle_bps: int = 0

    @property
    def used_bps(self) -> int:
        """Of its money, how much the pool paid."""
        return self.used.fen * 10_000 // self.money.fen


def careful(books: Books) -> int:
    """The product's rule."""
    return open_places(
        money=books.money,
        spent=books.spent,
        frozen=ZERO,
        held=books.held,
        most=MOST,
        past=books.past,
        overbook_bps=OVERBOOK_BPS,
    )


def none_over(books: Books) -> int:
    """The rule of a pool that reserves at the claim: each has the most it may cost."""
    return max(0, (books.money - books.spent).fen // MOST.fen - books.held)


def fixed(books: Books) -> int:
    """A number fixed beforehand: half will lapse, and a used one costs 600 yuan."""
    return max(0, books.money.fen // Money.of_yuan(300).fen - books.claimed)


RULES: dict[str, Rule] = {"careful": careful, "none over": none_over, "fixed": fixed}


class Year:
    """One town, one pool, one rule; `run` plays it through."""

    def __init__(self, rule: Rule, seed: int, money: Money) -> None:
        self.rule, self.random = rule, Random(seed)
        self.result = Result(money)
        self.books = Books(ZERO)
        self.lapse = self._drift()
        # Uses and refunds, by the day on which they come.
        self.due: dict[int, list[Callable[[int], None]]] = {}
        self.ends: dict[int, int] = {}
        self.cohort: dict[int, list[Money]] = {}
        self.begun: dict[int, int] = {}
        # The line: a holder who was refused stands before everybody else.
        self.line: list[tuple[int, int]] = []
        self.turn = 0

    def _drift(self) -> list[float]:
        first, second = self.random.uniform(0, 6.3), self.random.uniform(0, 6.3)
        turns = sorted(self.random.sample(range(DAYS), 3))
        shares = []
        for day in range(DAYS):
            wave = 0.13 * math.sin(day / 29 + first) + 0.07 * math.sin(day / 11 + second)
            turn = 0.08 * sum((-1) ** i for i, one in enumerate(turns) if one <= day)
            shares.append(min(0.7, max(0.3, 0.5 + wave + turn)))
        return shares

    def run(self) -> Result:
        """Every day of the year; then what stands on its last evening."""
        for day in range(DAYS):
            self.books.money = self._released(day)
            self._end(day)
            self._promote(day)
            today: list[Callable[[int], None]] = [self._claim] * self._comers(day)
            today += self.due.pop(day, [])
            self.random.shuffle(today)
            for one in today:
                one(day)
            left = self.books.money - self.books.spent
            self.result.idle_bps += left.fen * 10_000 // (self.books.money.fen * DAYS)
        self.result.used, self.result.claimed = self.books.spent, self.books.claimed
        return self.result

    def _released(self, day: int) -> Money:
        months = min(12, day * 12 // DAYS + 1)
        return Money(self.result.money.fen * months // 12)

    def _comers(self, day: int) -> int:
        usual = self.result.money.fen / DAYS / Money.of_yuan(600).fen / 0.5
        most = 1.6 * usual * _BURSTS.get(day, 1) * (1.3 if day % 7 >= 5 else 1)
        return max(0, round(self.random.gauss(most, math.sqrt(most))))

    def _end(self, day: int) -> None:
        """Midnight: what ran out last night lapsed, and tells the rule what to expect."""
        lapsed = self.ends.pop(day, 0)
        self.books.held -= lapsed
        self.result.lapsed += lapsed
        cohort = self.cohort.pop(day, [])
        self.books.cohorts.append((self.begun.pop(day, 0), Money.total(cohort)))
        if len(self.books.cohorts) > LOOK_BACK_DAYS:
            self.books.cohorts.popleft()
        self.books.past = Past(
            sum(count for count, _ in self.books.cohorts),
            Money.total(cost for _, cost in self.books.cohorts),
        )

    def _claim(self, day: int) -> None:
        if not self.line and self.rule(self.books) > 0:
            self._give(day)
        elif self.random.random() < _WAITS:
            self._queue(first=False)

    def _queue(self, *, first: bool) -> None:
        self.turn += 1
        heapq.heappush(self.line, (0 if first else 1, self.turn))
        self.result.longest_line = max(self.result.longest_line, len(self.line))

    def _promote(self, day: int) -> None:
        while self.line and self.rule(self.books) > 0:
            first, _ = heapq.heappop(self.line)
            self._give(day, again=first == 0)

    def _give(self, day: int, *, again: bool = False) -> None:
        """A qualification; whether and when it will be used only the town knows."""
        self.books.held += 1
        self.books.claimed += 1
        ends = day + VALID_DAYS
        self.begun[ends] = self.begun.get(ends, 0) + 1
        if again or self.random.random() >= self.lapse[day]:
            on = day + self.random.choice((0, 1, 1, 2)) if not again else day + 1
            if on == day:
                self._use(day, ends)
            else:
                self.due.setdefault(on, []).append(partial(self._use, ends=ends))
        else:
            self.ends[ends] = self.ends.get(ends, 0) + 1

    def _use(self, day: int, ends: int) -> None:
        """At the till: paid while there is money of the whole year, whatever the months say."""
        self.result.at_till += 1
        cost = self._cost()
        self.books.held -= 1
        if self.books.spent + cost > self.result.money:
            self.result.refused.append(day)
            self._queue(first=True)
            self.result.refused_and_not_first += self.line[0][0] != 0
            return
        self.books.spent += cost
        self.result.over = max(self.result.over, self.books.spent - self.result.money)
        self.cohort.setdefault(ends, []).append(cost)
        if self.random.random() < _REFUNDED:
            back = day + self.random.randint(1, 14)
            self.due.setdefault(back, []).append(partial(self._refund, cost=cost))

    def _refund(self, day: int, cost: Money) -> None:
        """The goods come back, and the money; the right to buy others lives for a while again."""
        self.books.spent -= cost
        self._give(day)

    def _cost(self) -> Money:
        """15 % of the price, at most 1,500 yuan."""
        price = min(20_000.0, max(300.0, self.random.lognormvariate(8.2, 0.6)))
        return min(MOST, Money(round(price * 15)))


@click.command(help=__doc__)
@click.option("--seeds", default=20, help="How many towns.")
@click.option("--yuan", default=10_000_000, help="The pool's money.")
def main(seeds: int, yuan: int) -> None:
    """Print each rule's years, the worst first."""
    for name, rule in RULES.items():
        years = [Year(rule, seed, Money.of_yuan(yuan)).run() for seed in range(seeds)]
        refused, at_till = sum(len(one.refused) for one in years), sum(one.at_till for one in years)
        click.echo(
            f"{name:10} money used {min(one.used_bps for one in years) / 100:.2f} % and more,"
            f" over {max(one.over for one in years).fen} fen,"
            f" holders refused {refused} of {at_till} ({refused / at_till:.4%}),"
            f" worst year {max(len(one.refused) / one.at_till for one in years):.4%},"
            f" not first in line {sum(one.refused_and_not_first for one in years)},"
            f" idle on average {sum(one.idle_bps for one in years) / len(years) / 100:.2f} %,"
            f" lapsed {sum(one.lapsed for one in years) / sum(one.claimed for one in years):.1%},"
            f" longest line {max(one.longest_line for one in years)}"
        )


if __name__ == "__main__":
    main()
