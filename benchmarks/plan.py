"""How long, how often, and which settings a run tries."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Plan:
    """One kind of run. `whole_grid`: every combination; else one setting after the other.

    `issued`: vouchers that an offer has given out before its claims are measured; `at_once`: offers
    claimed side by side. Both make rows of their own, at the best setting of `claim`. `books`: how
    many entries the ledger has when balances are read.
    """

    window_seconds: int
    trial_seconds: int
    repetitions: int
    residents: int
    processes: int
    connections: tuple[int, ...]
    threads: tuple[int, ...]
    pools: tuple[int, ...]
    whole_grid: bool = False
    issued: tuple[int, ...] = ()
    at_once: tuple[int, ...] = ()
    books: tuple[int, ...] = (100_000, 1_000_000)


USUAL = Plan(
    window_seconds=10,
    trial_seconds=2,
    repetitions=3,
    residents=120_000,
    processes=2,
    connections=(64, 128, 256, 512),
    threads=(8, 64, 256),
    pools=(4, 16, 48),
)
FULL = replace(
    USUAL, whole_grid=True, issued=(1_000, 10_000, 100_000, 1_000_000), at_once=(1, 5, 20, 50)
)
# The whole machinery in seconds; its figures mean nothing.
SLICE = Plan(
    window_seconds=1,
    trial_seconds=1,
    repetitions=1,
    residents=6_000,
    processes=1,
    connections=(16,),
    threads=(8,),
    pools=(4,),
    issued=(10, 100),
    at_once=(5,),
    books=(200, 2_000),
)


@dataclass(frozen=True)
class Setting:
    """One point of the grid. `pool`: database connections of a process, 0 for the default."""

    connections: int
    threads: int
    pool: int = 0
