"""One fault: what is struck, whether it was really hit, and which server was out of reach when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from .journal import Journal
from .stand import Stand

Course = Iterator[float]  # what a fault does, with its pauses in seconds


@dataclass
class Strike:
    """A fault under way. `phase` says which part of the run it belongs to."""

    kind: str
    phase: str
    rng: Random
    journal: Journal
    began: int = field(default_factory=time.time_ns)
    hits: bool = False
    evidence: str = ""

    def hit(self, really: bool, evidence: str) -> bool:
        """Note whether the target was really hit, and by which sign."""
        self.hits, self.evidence = bool(really), evidence
        return self.hits

    @contextmanager
    def out_of_reach(self, server: str) -> Iterator[None]:
        """`server` answers nobody from the block's beginning to its end."""
        since = time.time_ns()
        yield
        self.journal.write(
            "out_of_reach", server=server, kind=self.kind, since=since, until=time.time_ns()
        )

    def end(self) -> None:
        """Write down what came of it."""
        self.journal.write(
            "fault",
            kind=self.kind,
            phase=self.phase,
            began=self.began,
            hit=self.hits,
            evidence=self.evidence,
        )


class Act(Protocol):
    """How a fault goes: called for its course, which pauses by yielding seconds."""

    def __call__(self, stand: Stand, strike: Strike) -> Course: ...


@dataclass(frozen=True)
class Kind:
    """A kind of fault. `touches`: targets that no other fault may touch meanwhile."""

    name: str
    act: Act
    touches: frozenset[str]
    weight: int = 1
