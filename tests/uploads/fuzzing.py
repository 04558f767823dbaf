"""Many mutants through the restricted processes, each judged; what was found is counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

from tests.uploads import papers, pictures
from tests.uploads.mutants import mutant
from tests.uploads.sample import faults, outcome
from voucher_service.infra.files import FILE_REFUSALS

_AT_ONCE = 2
_SECONDS = 14.0


@dataclass
class Found:
    """What became of the mutants, and those that became what nothing may."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[bytes, str]] = field(default_factory=list)
    seconds: float = 0.0
    slowest: float = 0.0


def fuzz(count: int, seed: int) -> Found:
    """Send so many; the same seed sends the same."""
    seeds = [one.data for one in (*pictures.samples(), *papers.samples())]
    found, began = Found(), time.perf_counter()
    with ThreadPoolExecutor(_AT_ONCE) as crew:
        for sent, became, wrong, seconds in crew.map(_judged, _sent(count, seed, seeds)):
            found.outcomes[became] += 1
            found.slowest = max(found.slowest, seconds)
            found.wrong += [(sent, f"{became}: {one}") for one in wrong]
    found.seconds = time.perf_counter() - began
    return found


def _sent(count: int, seed: int, seeds: list[bytes]) -> Iterator[bytes]:
    random = Random(seed)
    return (mutant(random, seeds) for _ in range(count))


def _judged(sent: bytes) -> tuple[bytes, str, list[str], float]:
    began = time.perf_counter()
    wrong: list[str] = []
    became = "an error"
    try:
        became, received = outcome(sent)
        if received:
            wrong = faults(sent, received.content, marked=False)
        elif became not in FILE_REFUSALS:
            wrong = ["no code of ours"]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        wrong = [repr(error)]
    seconds = time.perf_counter() - began
    return sent, became, [*wrong, "stuck"] if seconds > _SECONDS else wrong, seconds
