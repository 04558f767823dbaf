"""Each protection taken away, alone and in pairs: what the auditor notices, and what it cannot."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from .faults import Fault
from .history import play
from .protections import NAMES, without

_OLD = (Fault.GATE_RESTORED, Fault.GATE_PROMOTED)
_LOST = (Fault.REPLY_LOST, Fault.REQUEST_LOST, Fault.DIES_BEFORE, Fault.DIES_AFTER)
_NEW = (Fault.STOPPED, Fault.GATE_EMPTIED, Fault.GATE_RESTARTED)
# What each protection is against. Only these faults strike while it is away, so that few seeds do.
AGAINST: Mapping[str, tuple[Fault, ...]] = {
    "unique_slot": (*_OLD, Fault.GATE_SET_BACK),
    "unique_ordinal": (*_OLD, Fault.GATE_SET_BACK),
    "fence": _NEW,
    "fenced_rebuild": _NEW,
    "incarnation": _OLD,
    "ack_after_commit": _LOST,
    "reaper": _LOST,
    "waits_for_outcome": (Fault.REPLY_LOST,),
    "deterministic_ids": _LOST,
    "idempotent_script": _LOST,
    "rebuild_knows_holders": _NEW,
    "same_transaction": (*_LOST, Fault.BOOKS_CRASHED),
}

_MORE = 1.2


def _spared(names: Sequence[str]) -> frozenset[Fault]:
    return frozenset(Fault).difference(*(AGAINST[name] for name in names))


def caught(names: Sequence[str], seeds: Sequence[int]) -> tuple[int, str] | None:
    """The first seed that notices that these are gone, and what it says; None: none did."""
    keeps, spared = without(*names), _spared(names)
    for seed in seeds:
        if broken := play(seed, keeps, spared).violations:
            return seed, broken[0]
    return None


def failing(names: Sequence[str], seeds: Sequence[int]) -> int:
    """How many seeds notice."""
    keeps, spared = without(*names), _spared(names)
    return sum(bool(play(seed, keeps, spared).violations) for seed in seeds)


def table(seeds: Sequence[int], *, processes: int = 1) -> Iterator[str]:
    """Every protection alone, then those that nobody missed beside each other one, in words.

    A pair counts as caught when it fails on many more seeds than the other protection does alone.
    """
    with ProcessPoolExecutor(processes) as pool:
        one_each = [(name,) for name in NAMES]
        alone = dict(zip(NAMES, pool.map(partial(failing, seeds=seeds), one_each), strict=True))
        missed = [name for name in NAMES if not alone[name]]
        pairs = [
            (name, other)
            for name, other in itertools.product(missed, NAMES)
            if name != other and (other not in missed or name < other)
        ]
        both = dict(zip(pairs, pool.map(partial(failing, seeds=seeds), pairs), strict=True))
    yield f"of {len(seeds)} seeds, so many notice that a protection is gone:"
    yield from (f"  {name:24} {times:6}" for name, times in alone.items() if times)
    for name in missed:
        found = [
            f"with {other} {times}, which alone is {alone[other]}"
            for pair, times in both.items()
            if name in pair
            for other in set(pair) - {name}
            if times > _MORE * alone[other]
        ]
        yield f"  {name:24}      0; {'; '.join(found) or 'no pair either: other layers cover it'}"
