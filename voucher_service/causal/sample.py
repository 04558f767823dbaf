"""Invented outcome files in the right form: to rehearse an import, to show a provider the format.

Their provider is `sample`: what is estimated of them is said to be no truth. People are calmer than
real ones, so that a small rehearsal gives an estimate and no refusal.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from math import exp
from typing import Any

from voucher_service.kernel.ids import OfferId
from voucher_service.kernel.money import Money

from .outcomes import COLUMNS, FORMAT, SAMPLE, VERSION, Amounts, Kind

TRADES = ("dining", "retail")
THRESHOLD = Money.of_yuan(100)
_PEOPLE = 10_000  # of an area
_JUST_ABOVE = 0.06  # how far above the threshold extra orders are, as a part of it


def sample(
    kind: Kind,
    *,
    offer: OfferId,
    first: date,
    last: date,
    things: Mapping[str, Money],
    seed: int,
    opens: date | None = None,
    effect: float = 0.0,
    threshold: Money = THRESHOLD,
    area: str = "441702",
) -> Iterator[str]:
    """The lines of a file. `things`: keys of a panel, ids of shops or codes of areas, with what was
    redeemed by or in each. In the week of `opens` every redeemed yuan makes `effect` yuan more.
    `first` is a Monday, `last` a Sunday. The same arguments give the same file.
    """
    chance = random.Random(seed)  # noqa: S311 - invented amounts, the same for a seed
    mondays = [first + timedelta(weeks=n) for n in range(((last - first).days + 1) // 7)]
    rows: list[tuple[Any, ...]] = []
    for thing, redeemed in things.items():
        level = exp(chance.gauss(0, 0.4))
        for monday in mondays:
            more = round(effect * redeemed.fen) if monday == opens else 0
            if kind is Kind.ORDERS:
                rows += _orders(chance, thing, monday, threshold.fen, more)
                continue
            spent, count = round(15_000 * level * exp(chance.gauss(0, 0.1))), chance.randint(1, 6)
            if kind is Kind.PANEL:
                rows.append((thing, monday, chance.choice(TRADES), area, spent + more, count))
            else:
                # Areas differ less than people, and so do their weeks.
                usual = round(_PEOPLE * 15_000 * level**0.4 * exp(chance.gauss(0, 0.01)))
                rows.append((thing, monday, TRADES[0], _PEOPLE, usual + more, count * _PEOPLE))
    place = COLUMNS[kind].index("amount_fen")
    head = {
        FORMAT: VERSION,
        "kind": kind,
        "provider": SAMPLE,
        "made_on": last + timedelta(days=1),
        "offer": offer,
        "amounts": Amounts.ORDER,
        "from": first,
        "to": last,
        "lines": len(rows),
        "total_fen": sum(int(row[place]) for row in rows),
    }
    yield from (f"{name},{value}" for name, value in head.items())
    yield ",".join(COLUMNS[kind])
    yield from (",".join(str(cell) for cell in row) for row in rows)


def _orders(
    chance: random.Random, shop: str, monday: date, threshold_fen: int, more_fen: int
) -> Iterator[tuple[Any, ...]]:
    """A week of a shop: usual orders of every size, and new ones at the threshold."""
    amounts = [
        max(100, round(0.3 * threshold_fen * exp(chance.gauss(0, 0.9))))
        for _ in range(chance.randint(20, 60))
    ]
    amounts += [
        round(threshold_fen * min(1.25, exp(chance.expovariate(1 / _JUST_ABOVE))))
        for _ in range(round(more_fen / (threshold_fen * (1 + _JUST_ABOVE))))
    ]
    for number, amount in enumerate(amounts):
        day = monday + timedelta(days=chance.randrange(7))
        yield shop, day, f"S{monday:%m%d}-{number}", amount
