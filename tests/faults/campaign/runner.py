"""Faults one after another and side by side, drawn by a seed, each with its course and its end."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from .journal import Journal
from .stand import Stand
from .strike import Course, Kind, Strike

_TICK_SECONDS = 0.02
_LONGEST_SECONDS = 60.0


def deck(kinds: Iterable[Kind], rng: Random) -> Iterator[Kind]:
    """Every kind as often as it weighs, shuffled, again and again: none is left to chance."""
    cards = [kind for kind in kinds for _ in range(kind.weight)]
    while True:
        yield from rng.sample(cards, len(cards))


@dataclass
class _UnderWay:
    kind: Kind
    strike: Strike
    course: Course


@dataclass
class Runner:
    """Goes through the courses of all faults under way, and looks after the stand meanwhile.

    Children live no longer than the thread that starts them: all of it happens in one thread.
    """

    stand: Stand
    journal: Journal
    rng: Random
    meanwhile: Callable[[], None] = lambda: None
    strikes: list[Strike] = field(default_factory=list)
    _due: list[tuple[float, int, _UnderWay]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _waiting: list[Kind] = field(default_factory=list)

    @property
    def hits(self) -> int:
        """How many faults really hit so far."""
        return sum(one.hits for one in self.strikes)

    def campaign(
        self, kinds: Sequence[Kind], *, hits: int, every: tuple[float, float], phase: str
    ) -> None:
        """Strike until so many hit, one every `every` seconds."""
        cards, until = deck(kinds, self.rng), self.hits + hits
        tries = itertools.count()
        while self.hits < until and next(tries) < 3 * hits:
            self.begin(self._next(cards), phase)
            self.wait(self.rng.uniform(*every))
        self.finish()

    def begin(self, kind: Kind, phase: str) -> Strike:
        """Start a fault."""
        strike = Strike(kind.name, phase, self.rng, self.journal)
        self.strikes.append(strike)
        self._go_on(_UnderWay(kind, strike, kind.act(self.stand, strike)))
        return strike

    def free(self, kind: Kind) -> bool:
        """Whether no fault under way touches its targets."""
        return not any(kind.touches & one.kind.touches for *_, one in self._due)

    def finish(self) -> None:
        """Until every fault has run its course."""
        until = time.monotonic() + _LONGEST_SECONDS
        while self._due and time.monotonic() < until:
            self.wait(_TICK_SECONDS)
        for *_, one in self._due:
            one.course.close()  # type: ignore[attr-defined]
            self._end(one, "cut short")
        self._due.clear()

    def wait(self, seconds: float) -> None:
        """Let faults go on and dead children be started, for that long."""
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._go_on(heapq.heappop(self._due)[2])
            self.stand.tend()
            self.meanwhile()
            if now >= until:
                return
            time.sleep(_TICK_SECONDS)

    def _next(self, cards: Iterator[Kind]) -> Kind:
        """The next kind whose targets no fault under way touches."""
        while True:
            for kind in self._waiting:
                if self.free(kind):
                    self._waiting.remove(kind)
                    return kind
            if len(self._waiting) > 20:
                self.wait(0.1)
            else:
                self._waiting.append(next(cards))

    def _go_on(self, one: _UnderWay) -> None:
        try:
            pause = next(one.course)
        except StopIteration:
            self._end(one, "")
        except Exception as error:  # noqa: BLE001 - a fault that fails is one that did not hit
            one.strike.hits = False
            self._end(one, f"{type(error).__name__}: {error}")
        else:
            heapq.heappush(self._due, (time.monotonic() + pause, next(self._numbers), one))

    def _end(self, one: _UnderWay, why: str) -> None:
        one.strike.evidence = one.strike.evidence or why
        one.strike.end()
