"""Many seeds in several processes, what they hit, and which of them broke a promise."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from .cells import ALL, NAMES, Cell, empty
from .history import play
from .protections import Protections

_CHUNK = 100
# From here on a cell that stays empty means that faults are not where they should be.
LONG = 10_000


@dataclass
class Sweep:
    """What many histories came to. Seconds are of the wall clock."""

    seeds: int = 0
    seconds: float = 0.0
    cells: Counter[Cell] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    failed: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: Sweep) -> None:
        """Take in the histories of another."""
        self.seeds += other.seeds
        self.cells += other.cells
        self.steps += other.steps
        self.unknown += other.unknown
        self.failed |= other.failed

    @property
    def passed(self) -> bool:
        """No broken promise, no step that nobody counts and, on a long run, no cell left empty."""
        unnamed = self.steps.keys() - NAMES
        return not self.failed and not unnamed and (self.seeds < LONG or not empty(self.cells))

    def lines(self) -> Iterator[str]:
        """The result for a reader."""
        rate = self.seeds / self.seconds if self.seconds else 0
        yield f"{self.seeds} histories in {self.seconds:.0f} s ({rate:.0f}/s)"
        yield f"seeds that failed: {len(self.failed)}"
        by_kind: Counter[str] = Counter()
        for (_, fault), times in self.cells.items():
            by_kind[fault] += times
        yield f"{self.cells.total()} faults at {self.steps.total()} steps:"
        yield from (f"  {kind:32} {times:8}" for kind, times in by_kind.most_common())
        yield f"claims of unknown outcome: {self.unknown.total()}"
        yield from (f"  {end:32} {times:8}" for end, times in self.unknown.most_common())
        yield f"(step x fault) cells hit: {len(ALL & self.cells.keys())} of {len(ALL)}"
        yield from (f"  empty: {step}, {fault}" for step, fault in empty(self.cells)[:40])
        yield from (f"  a step that nobody counts: {one}" for one in self.steps.keys() - NAMES)
        for seed, broken in sorted(self.failed.items())[:20]:
            yield f"seed {seed}: {'; '.join(broken[:3])}"


def sweep(seeds: Sequence[int], *, processes: int = 1, keeps: Protections | None = None) -> Sweep:
    """Play seeds. With one process in this one."""
    began, whole = time.monotonic(), Sweep()
    one_chunk = partial(_chunk, keeps=keeps or Protections())
    chunks = [seeds[i : i + _CHUNK] for i in range(0, len(seeds), _CHUNK)]
    if processes == 1:
        parts: Iterable[Sweep] = map(one_chunk, chunks)
        for part in parts:
            whole.add(part)
    else:
        with ProcessPoolExecutor(processes) as pool:
            for part in pool.map(one_chunk, chunks):
                whole.add(part)
    whole.seconds = time.monotonic() - began
    return whole


def _chunk(seeds: Sequence[int], *, keeps: Protections) -> Sweep:
    part = Sweep()
    for seed in seeds:
        ending = play(seed, keeps)
        part.seeds += 1
        part.cells += ending.cells
        part.steps += ending.steps
        part.unknown += ending.unknown
        if ending.violations:
            part.failed[seed] = ending.violations
    return part
