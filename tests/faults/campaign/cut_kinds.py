"""Replies cut on their way, requests that never arrive, and processes killed between two steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import psycopg

from voucher_service.infra.embedded.servers import DATABASE, GATE

from . import processes
from .proxy import Cut, Proxy, Where
from .stand import FACE, SCHEDULE, Stand
from .strike import Course, Kind, Strike

_WAIT_SECONDS = 6.0
_KEPT = (0, 0, 1, 5, 13, 1_000_000)  # bytes of the reply that still come through
_OVERTAKEN_SECONDS = 1.5
LATE_SECONDS = 27.0  # longer than the reaper waits, shorter than an open transaction may be idle


@dataclass
class _Killer:
    """Kills whoever holds the client's end of a connection."""

    stand: Stand
    killed: list[int] = field(default_factory=list)

    def __call__(self, port: int) -> None:
        pid = processes.owner(port, self.stand.claimants())
        if pid is not None and processes.kill([pid]):
            self.killed.append(pid)


def cut(
    stand: Stand, strike: Strike, *, label: str, where: Where, dies: bool, empties: bool
) -> Course:
    """Wait for the message, then strike; with `empties` the gate is emptied to bring it about."""
    killer = _Killer(stand)
    kept = strike.rng.choice(_KEPT) if where is Where.REPLY and not dies else 0
    armed = Cut(label, where, kept, killer if dies else None)
    proxy = _proxy(stand, label)
    proxy.arm(armed)
    if empties:
        stand.at_gate().flushall()
    yield from _wait(lambda: bool(armed.fired_at))
    proxy.disarm(armed)
    said = f"{killer.killed} gone" if dies else f"cut, {kept} bytes let through"
    fired = bool(armed.fired_at) and (not dies or bool(killer.killed))
    strike.hit(fired, said if fired else "it did not come to that")
    yield 1.0 if dies else 0.1


def overtake(stand: Stand, strike: Strike) -> Course:
    """A rebuild overtakes a batch that has its seats and not yet its fence."""
    armed = Cut("claim.fence", Where.REQUEST, hold_seconds=_OVERTAKEN_SECONDS)
    stand.database_proxy.arm(armed)
    yield from _wait(lambda: bool(armed.fired_at))
    stand.database_proxy.disarm(armed)
    before = _epochs(stand)
    stand.at_gate().flushall()
    yield from _wait(lambda: bool(armed.over_at))
    after = _epochs(stand)
    strike.hit(
        bool(armed.over_at) and not armed.lost and after > before,
        f"epochs {before} → {after} meanwhile",
    )


def late(stand: Stand, strike: Strike) -> Course:
    """A batch commits after the reaper has given its seats to others."""
    armed = Cut("claim.fence", Where.REQUEST, hold_seconds=LATE_SECONDS)
    stand.database_proxy.arm(armed)
    yield from _wait(lambda: bool(armed.fired_at))
    stand.database_proxy.disarm(armed)
    for _ in range(int(LATE_SECONDS) + 2):
        if armed.over_at:
            break
        yield 1.0
    held = (armed.over_at - armed.fired_at) / 1e9
    strike.hit(bool(armed.over_at) and not armed.lost, f"held for {held:.1f} s, then passed on")


def _proxy(stand: Stand, label: str) -> Proxy:
    return stand.gate_proxy if label.startswith("gate.") else stand.database_proxy


def _wait(true: Callable[[], bool]) -> Course:
    for _ in range(int(_WAIT_SECONDS / 0.05)):
        if true():
            return
        yield 0.05


def _epochs(stand: Stand) -> int:
    with psycopg.connect(stand.database_url, connect_timeout=2) as connection:
        row = connection.execute("SELECT sum(epoch) FROM offer").fetchone()
    assert row is not None
    return int(row[0])


def _cuts(label: str, *, empties: bool = False) -> tuple[Kind, ...]:
    """Never heard, reply lost; and the process gone instead of the connection."""
    made = []
    for where in Where:
        for dies in (False, True):
            touches = {GATE if label.startswith("gate.") else DATABASE}
            touches |= {FACE, SCHEDULE} if dies else set()
            touches |= {GATE, DATABASE} if empties else set()
            act = partial(cut, label=label, where=where, dies=dies, empties=empties)
            name = f"{label}.{where.name.lower()}_{'dies' if dies else 'lost'}"
            made.append(Kind(name, act, frozenset(touches)))
    return tuple(made)


LATE = Kind("claim.late", late, frozenset({GATE, DATABASE, FACE, "late"}), 0)
KINDS = (
    *_cuts("gate.admit"),
    *_cuts("claim.insert"),
    *_cuts("claim.commit"),
    *_cuts("gate.settle"),
    *_cuts("rebuild.commit", empties=True),
    *_cuts("gate.load", empties=True),
    *_cuts("gate.activate", empties=True),
    Kind("rebuild.overtakes", overtake, frozenset({GATE, DATABASE, FACE})),
    LATE,
)
