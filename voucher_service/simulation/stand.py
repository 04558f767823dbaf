"""The simulated servers together, and how each step of a flow is made on them.

Steps that touch the gate run the product's own code on a client made of memory; steps that touch
PostgreSQL are made by the books. A step that nobody named here is an error, not a pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from random import Random
from typing import Any, cast

from voucher_service.campaigns.model import Offer
from voucher_service.infra.core import Core
from voucher_service.infra.flow import Step
from voucher_service.kernel.clock import Clock

from . import faults
from .books import Books, Transaction
from .faults import Fault
from .gate import GateClient, GateServer, Wire

_KNOWN_MS = 1_000
_DEGRADED_AFTER_MS = 1_500
_PREFIX = "voucher_service."
# Steps that touch the gate: their own code, with a client of memory. Their names in the report.
_AT_GATE = {
    "allocation.service.ask": "ask",
    "allocation.service.settle": "settle",
    "allocation.service._pending": "pending",
    "allocation.service._incarnation": "incarnation",
    "allocation.service._activate": "activate",
    "allocation.filling.Filling.load": "load",
    "allocation.drift.stale": "look",
    "allocation.service.answering": "answering",
    "simulation.upkeep.compare": "compare",
}
# Of these, the ones that read the books as well, inside a transaction.
_BOTH = {"allocation.filling.Filling.load", "simulation.upkeep.compare"}
# Statements: what the books do instead.
_IN_BOOKS: dict[str, tuple[str, Callable[..., Any]]] = {
    "identity.service.standing.standings": ("standings", Books.standings),
    "vouchers.store.by_key": ("by_key", Books.by_key),
    "vouchers.store.insert": ("insert", Books.insert),
    "vouchers.service.write.by_id": ("by_id", Books.by_id),
    "vouchers.service.write.holding": ("holding", Books.holding),
    "vouchers.service.write.post": ("post", Books.post),
    "campaigns.service.reading.fence": ("fence", Books.fence),
    "campaigns.service.reading.raise_epoch": ("raise_epoch", Books.raise_epoch),
    "campaigns.service.reading.set_run_id": ("set_run_id", Books.set_run_id),
    "campaigns.service.reading.offer": ("offer", Books.read_offer),
    "allocation.degraded.seats": ("seats", Books.seats),
    "allocation.service._declared": ("declared", Books.declared),
    "allocation.service._held": ("held", Books.ids_held),
    "simulation.books.Books.expire": ("expire", Books.expire),
    "simulation.books.Books.served": ("served", Books.served),
}
_GATE_STEPS = frozenset(_AT_GATE.values())
LOCAL = ""
_WIRES = {
    Fault.REQUEST_LOST: Wire.REQUEST_LOST,
    Fault.REPLY_LOST: Wire.REPLY_LOST,
    Fault.LATE: Wire.LATE,
}


class UnknownStepError(Exception):
    """A flow makes a touch that the simulation has no model of."""


@dataclass
class SimulatedCore:
    """What the gate's code is given."""

    gate: GateClient
    clock: Clock = field(default_factory=Clock)


@dataclass(eq=False)
class Process:
    """One process: its connection, what it remembers, whether it runs."""

    name: str
    client: GateClient
    stopped_until_ms: int = 0
    alive: bool = True
    known: tuple[int, Offer] | None = None
    silent_since_ms: int | None = None

    @property
    def core(self) -> Core:
        """As the product's code sees it."""
        return cast(Core, SimulatedCore(self.client))


@dataclass
class Stand:
    """Clock, gate and books of one history."""

    random: Random
    gate: GateServer
    books: Books
    now_ms: int = 0
    deferred: list[tuple[Process, Transaction]] = field(default_factory=list)

    def named(self, effect: Step[Any], process: Process) -> str:
        """The step's name; empty for one that touches no server. Raises UnknownStepError."""
        name = name_of(effect.function)
        if name in _AT_GATE:
            return _AT_GATE[name]
        if name in _IN_BOOKS:
            return _IN_BOOKS[name][0]
        if name == "vouchers.service.remembered.remembered":
            known = process.known
            fresh = effect.kwargs.get("fresh") or known is None
            return "read" if fresh or self.now_ms - cast(Any, known)[0] >= _KNOWN_MS else LOCAL
        if name == "allocation.service._now":
            return "now"
        if name in _LOCAL:
            return LOCAL
        raise UnknownStepError(name)

    def make(self, effect: Step[Any], process: Process, on: Transaction | None) -> Any:
        """Make a step. Raises what it raises, and Waiting."""
        name = name_of(effect.function)
        if name in _BOTH:
            self.books.check(on)
            return effect.function(on, *effect.args, **effect.kwargs)
        if name in _AT_GATE:
            answer = effect.function(process.core, *effect.args, **effect.kwargs)
            if name == "allocation.service.ask":
                process.silent_since_ms = None
            return answer
        if name in _IN_BOOKS:
            assert on is not None
            self.books.check(on)
            return _IN_BOOKS[name][1](self.books, on, *effect.args, **effect.kwargs)
        if name == "vouchers.service.remembered.remembered":
            return self._remembered(process, fresh=effect.kwargs.get("fresh", False))
        return _LOCAL[name](self, process, *effect.args, **effect.kwargs)

    def strike(self, fault: Fault) -> None:
        """What befalls a server."""
        gate, older = self.gate, self.gate.copies
        old = self.random.choice(older) if older else {}
        if fault is Fault.GATE_EMPTIED:
            gate.come_back({}, restarted=False, promoted=False)
        elif fault is Fault.GATE_RESTARTED:
            gate.come_back({}, restarted=True, promoted=True)
        elif fault is Fault.GATE_RESTORED:
            gate.come_back(_own(old), restarted=True, promoted=True)
        elif fault is Fault.GATE_SET_BACK:
            gate.come_back(_own(old), restarted=False, promoted=False)
        elif fault is Fault.GATE_PROMOTED:
            gate.come_back(_own(old), restarted=False, promoted=True)
        elif fault is Fault.GATE_CLOCK:
            gate.skew_ms = self.random.choice((-20_000, -2_000, 8_000))
        elif fault is Fault.GATE_AWAY:
            gate.down_until_ms = self.now_ms + self.random.choice((50, 1_500, 6_000))
        else:
            down = (0, 300) if fault is Fault.BOOKS_CRASHED else (100, 1_000, 5_000)
            self.books.crash(self.random.choice(down))

    def _remembered(self, process: Process, *, fresh: bool) -> Offer:
        if process.known is None or fresh or self.now_ms - process.known[0] >= _KNOWN_MS:
            self.books.check()
            process.known = (self.now_ms, self.books.view())
        return process.known[1]

    def lasting(self, process: Process) -> bool:
        """Whether this process has asked a silent gate for long enough."""
        if process.silent_since_ms is None:
            process.silent_since_ms = self.now_ms
        return self.now_ms - process.silent_since_ms >= _DEGRADED_AFTER_MS

    def instant(self, _process: Process) -> datetime:
        """A process's clock; all clocks agree."""
        return self.books.instant()

    def server_instant(self, _process: Process) -> datetime:
        """PostgreSQL's clock, asked for. Raises TryAgain."""
        self.books.check()
        return self.books.instant()


def possible(step: str) -> tuple[Fault, ...]:
    """The faults that a step, `where.what`, can meet."""
    what = step.partition(".")[2]
    if what in _GATE_STEPS:
        return faults.GATE
    return faults.COMMIT if what in {"commit", "commit read", "unlock"} else faults.STATEMENT


def at_gate(effect: Step[Any]) -> bool:
    """Whether a step's messages go to the gate."""
    return name_of(effect.function) in _AT_GATE


def wire(fault: Fault) -> Wire:
    """A fault as it befalls one message."""
    return _WIRES[fault]


def name_of(function: Callable[..., Any]) -> str:
    """Which function a step is."""
    return _name(getattr(function, "__func__", function))


@cache
def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__.removeprefix(_PREFIX)}.{function.__qualname__}"


def _own(copy: dict[str, Any]) -> dict[str, Any]:
    return {key: value.copy() for key, value in copy.items()}


def _nothing(*_: object, **__: object) -> dict[Any, Any]:
    return {}


def _filling(_stand: Stand, process: Process, *args: Any) -> Any:
    from voucher_service.allocation.filling import Filling

    return Filling(process.core, *args)


_LOCAL: dict[str, Callable[..., Any]] = {
    "allocation.claiming.clock": Stand.instant,
    "allocation.service._now": Stand.server_instant,
    "vouchers.service.write.note": _nothing,
    "allocation.claiming.pause": _nothing,
    "allocation.degraded.lasting": Stand.lasting,
    "lotteries.service.entering.barred": _nothing,
    "allocation.filling.Filling": _filling,
}
