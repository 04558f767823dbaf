"""A run in words: what was struck how often, what came of it, what was broken."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from . import cells, race
from .rehearsal import Outcome

_MOST_NAMED = 5
# What was promised: seconds from the loss of a server to the first good claim, median.
GATE_BACK_SECONDS, DATABASE_BACK_SECONDS = 2.0, 10.0


def show(outcome: Outcome, races: Sequence[race.Race], console: Console) -> None:
    """Print it."""
    table = Table("fault", "tried", "hit", box=None, pad_edge=False)
    for kind, (tries, hits) in sorted(outcome.strikes.items()):
        table.add_row(kind, str(tries), str(hits))
    console.print(table)
    for name, count in sorted(outcome.findings.counts.items()):
        console.print(f"{name}: {count:,}", markup=False)
    for name, waits in (("gate", outcome.gate_back), ("postgres", outcome.database_back)):
        if waits:
            console.print(f"{name} killed, first good claim: {_spread(waits)}", markup=False)
    if races:
        again = sum(one.again for one in races)
        exact = sum(one.exact for one in races)
        console.print(
            f"races of {race.CLIENTS} clients: {len(races)}, exact: {exact}, try again: {again}"
        )
    full = hits_of(outcome)
    met = sum(1 for one in cells.CELLS if one.faults) - len(cells.empty(full))
    console.print(f"cells hit: {met} of {sum(1 for one in cells.CELLS if one.faults)} real ones")


def hits_of(outcome: Outcome) -> dict[str, int]:
    """Kind → how often it hit."""
    return {kind: hits for kind, (_, hits) in outcome.strikes.items()}


def broken(
    outcome: Outcome, races: Sequence[race.Race], books: Sequence[str], *, whole: bool = True
) -> list[str]:
    """Everything that makes a run a failed one; `whole`: one that must have met every cell."""
    found = [
        f"{promise} ({len(cases)}): {case}"
        for promise, cases in sorted(outcome.findings.violations.items())
        for case in cases[:_MOST_NAMED]
    ]
    found += [f"race: {one}" for one in race.inexact(races)]
    found += [f"books: {one}" for one in books]
    if not outcome.findings.counts["unsure"]:
        found.append("no request had an unknown outcome: nothing was tried")
    if whole and not outcome.findings.counts["acknowledged in degraded mode"]:
        found.append("PostgreSQL alone never went on while the gate was away")
    if whole:
        found += [f"cell never hit: {one.step}" for one in cells.empty(hits_of(outcome))]
        limits = (
            (outcome.gate_back, GATE_BACK_SECONDS),
            (outcome.database_back, DATABASE_BACK_SECONDS),
        )
        found += [
            f"back after {_spread(waits)}, promised {limit:.0f} s"
            for waits, limit in limits
            if waits and statistics.median(waits) > limit
        ]
    return found


def _spread(waits: Sequence[float]) -> str:
    return (
        f"median {statistics.median(waits):.2f} s of {len(waits)}"
        f" ({min(waits):.2f}–{max(waits):.2f})"
    )
