"""Invented outcome files in the right form: to try an import, and to show a provider the format."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import exp
from typing import Any

from voucher_service.kernel.ids import OfferId

from .outcomes import COLUMNS, FORMAT, VERSION, Amounts, Kind

TRADES = ("catering", "retail")


def sample(
    kind: Kind,
    *,
    offer: OfferId,
    first: date,
    last: date,
    things: Sequence[str],
    seed: int,
    provider: str = "sample",
    area: str = "441702",
) -> Iterator[str]:
    """The lines of a file. `things`: keys of a panel, ids of shops, or codes of areas; amounts are
    of nobody and show no effect. `first` is a Monday, `last` a Sunday.
    """
    chance = random.Random(seed)  # noqa: S311 - invented amounts, the same for a seed
    rows = list(_rows(kind, chance, first, last, things, area))
    place = COLUMNS[kind].index("amount_fen")
    head = {
        FORMAT: VERSION,
        "kind": kind,
        "provider": provider,
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


def _rows(
    kind: Kind, chance: random.Random, first: date, last: date, things: Sequence[str], area: str
) -> Iterator[tuple[Any, ...]]:
    mondays = [first + timedelta(weeks=n) for n in range(((last - first).days + 1) // 7)]
    for thing in things:
        level = exp(chance.gauss(9.5, 0.8))
        for monday in mondays:
            spent, count = int(level * exp(chance.gauss(0, 0.5))), chance.randint(1, 6)
            if kind is Kind.PANEL:
                yield thing, monday, chance.choice(TRADES), area, spent, count
            elif kind is Kind.AREAS:
                yield thing, monday, TRADES[0], 10_000, spent * 10_000, count * 10_000
            else:
                for number in range(count):
                    day = monday + timedelta(days=chance.randrange(7))
                    amount = int(exp(chance.gauss(9.6, 0.9)))
                    yield thing, day, f"S{monday:%m%d}-{number}", amount
