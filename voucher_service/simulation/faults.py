"""What can go wrong at a step, and how often: drawn anew for every history."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """One thing that goes wrong at one step."""

    DIES_BEFORE = "process_dies_before"
    DIES_AFTER = "process_dies_after"
    STOPPED = "process_stopped"  # for longer than the reaper waits
    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    LATE = "request_late"
    GATE_EMPTIED = "gate_emptied"
    GATE_RESTARTED = "gate_restarted_empty"
    GATE_RESTORED = "gate_restarted_with_old_data"
    GATE_SET_BACK = "gate_set_back_in_place"
    GATE_PROMOTED = "stale_replica_promoted"
    GATE_AWAY = "gate_away"
    GATE_CLOCK = "gate_clock_steps"
    BOOKS_CRASHED = "books_crashed"
    BOOKS_AWAY = "books_away"


SERVERS = tuple(one for one in Fault if one.value.startswith(("gate", "stale", "books")))
PROCESS = (Fault.DIES_BEFORE, Fault.DIES_AFTER, Fault.STOPPED)
# Which faults a step can meet, by what it touches. A lost reply of a statement that is no commit is
# a lost transaction either way.
GATE = (*PROCESS, Fault.REQUEST_LOST, Fault.REPLY_LOST, Fault.LATE, *SERVERS)
STATEMENT = (*PROCESS, Fault.REQUEST_LOST, *SERVERS)
COMMIT = (*PROCESS, Fault.REQUEST_LOST, Fault.REPLY_LOST, *SERVERS)
_MOST = 8


@dataclass
class Weather:
    """The faults of one history: which kinds, how often, and how many are left."""

    random: Random
    left: int
    chance: float
    weights: dict[Fault, float]

    def strike(self, possible: tuple[Fault, ...], rarity: float) -> Fault | None:
        """What goes wrong at this step, if anything. Rare steps are struck more often."""
        if self.left <= 0 or self.random.random() > self.chance * rarity:
            return None
        weights = [self.weights[one] for one in possible]
        if not any(weights):
            return None
        self.left -= 1
        return self.random.choices(possible, weights)[0]


def weather(random: Random) -> Weather:
    """Some histories see one kind of fault only, others all of them; some see none."""
    share = random.choice((0.15, 0.4, 0.8))
    weights = {one: random.random() * (random.random() < share) for one in Fault}
    return Weather(random, random.randint(0, _MOST), random.choice((0.02, 0.06, 0.15)), weights)
