"""One year of honest purchases with frauds among them goes through the signals, and is counted."""

from __future__ import annotations

import resource
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from tests.tradein.fraud.memory import Memory
from tests.tradein.fraud.schemes import Fraud, Planted, Planter
from tests.tradein.fraud.town import Town
from voucher_service.tradein.risk.assessing import Assessed, assess
from voucher_service.tradein.risk.facts import ApplicationFacts, Facts, SaleFacts

# What reviewers look at: of 100 subjects the two that weigh most.
BUDGET_BPS = 200
HEAVY = 50
_BATCH = 200
_RETURNED = 0.02


@dataclass(slots=True)
class Tally:
    """Of one fraud: cases planted, and those of which at least one subject is in the queue."""

    cases: int = 0
    found: int = 0
    ways: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def recall(self) -> float:
        """The part that was found."""
        return self.found / self.cases if self.cases else 1.0


@dataclass(slots=True)
class Outcome:
    """What one run came to."""

    seed: int
    subjects: int
    guilty: int
    queue: int
    honest: int
    least: int
    precision: float
    heavy: int
    precision_of_heavy: float
    exact_recall: float
    honest_per_ten_thousand: float
    seconds: float
    megabytes: int
    by_fraud: dict[Fraud, Tally]
    honest_kinds: Counter[str]
    guilty_kinds: Counter[str]


@dataclass(slots=True)
class _Year:
    """Everything that happens, in order; `undone` are returns by their instant."""

    facts: list[Facts]
    undone: list[tuple[datetime, UUID]]
    planted: dict[UUID, Planted]

    def batches(self) -> Iterator[tuple[list[Facts], list[UUID]]]:
        """What comes in together, and what is undone after it."""
        start = 0
        for when, id in self.undone:
            while start < len(self.facts) and self.facts[start].at < when:
                batch = [one for one in self.facts[start : start + _BATCH] if one.at < when]
                start += len(batch)
                yield batch, []
            yield [], [id]
        for at in range(start, len(self.facts), _BATCH):
            yield self.facts[at : at + _BATCH], []


def run(seed: int, *, cases: int, each: int) -> Outcome:
    """A year by a seed: so many honest purchases, so many cases of each fraud."""
    year = _year(seed, cases, each)
    began, memory, found = time.process_time(), Memory(), dict[UUID, Assessed]()
    for batch, undone in year.batches():
        for one in assess(batch, memory):
            found[one.facts.id] = one
        for id in undone:
            memory.undo(id)
    return _counted(seed, year, found, time.process_time() - began)


def _year(seed: int, cases: int, each: int) -> _Year:
    town, by = Town(seed, cases), Random(f"year {seed}")
    honest = list(town.honest())
    sales = [one for one in honest if isinstance(one, SaleFacts)]
    cars = [one for one in honest if isinstance(one, ApplicationFacts)]
    undone, again = [], []
    for one in sales:
        if by.random() < _RETURNED:
            back = one.at + timedelta(hours=by.randint(20, 240))
            undone.append((back, one.id))
            if by.random() < 0.6:
                # Sent back in good order: the same unit is sold once more.
                shop = next(shop for shop in town.shops if shop.id == one.shop)
                product = next(goods for goods in town.products if goods.gtin == one.gtin)
                at = back + timedelta(hours=by.randint(5, 400))
                made = town.sale(at, shop, product, by.choice(town.people))
                again.append(replace(made, serial=one.serial, imeis=one.imeis))
    standing = {id for _, id in undone}
    planter = Planter(town, [one for one in sales if one.id not in standing], cars)
    planted = {one.facts.id: one for fraud in Fraud for one in planter.plant(fraud, each)}
    facts = sorted(
        [*honest, *again, *(one.facts for one in planted.values())],
        key=lambda one: (one.at, one.id),
    )
    return _Year(facts, sorted(undone), planted)


def _counted(seed: int, year: _Year, found: dict[UUID, Assessed], seconds: float) -> Outcome:
    budget = len(year.facts) * BUDGET_BPS // 10_000
    heaviest = sorted(found.values(), key=lambda one: (-one.weight, one.facts.id))
    queue = [one for one in heaviest[:budget] if one.weight]
    guilty = {id for id, one in year.planted.items() if one.guilty}
    right = [one for one in queue if one.facts.id in guilty]
    wrong = [one for one in queue if one.facts.id not in guilty]
    heavy = [one for one in heaviest if one.weight >= HEAVY]
    exact = [one for one in year.planted.values() if one.exact]
    queued = {one.facts.id for one in queue}
    return Outcome(
        seed,
        len(year.facts),
        len(guilty),
        len(queue),
        len(wrong),
        queue[-1].weight if queue else 0,
        len(right) / max(1, len(queue)),
        len(heavy),
        sum(one.facts.id in guilty for one in heavy) / max(1, len(heavy)),
        sum(one.facts.id in queued for one in exact) / max(1, len(exact)),
        10_000 * len(wrong) / max(1, len(year.facts) - len(guilty)),
        seconds,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        _tallies(year, queued),
        Counter(str(one.findings[0].kind) for one in wrong),
        Counter(str(one.findings[0].kind) for one in right),
    )


def _tallies(year: _Year, queued: set[UUID]) -> dict[Fraud, Tally]:
    cases: dict[tuple[Fraud, int], list[Planted]] = defaultdict(list)
    for one in year.planted.values():
        if one.guilty:
            cases[one.fraud, one.case].append(one)
    tallies = {fraud: Tally() for fraud in Fraud}
    for (fraud, _), members in cases.items():
        tally, caught = tallies[fraud], any(one.facts.id in queued for one in members)
        tally.cases += 1
        tally.found += caught
        planted, found = tally.ways.get(members[0].way, (0, 0))
        tally.ways[members[0].way] = planted + 1, found + caught
    return tallies
