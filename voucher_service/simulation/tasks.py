"""One flow under way, a step at a time, so that others and faults come between any two."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from voucher_service.allocation import service as allocation
from voucher_service.allocation.model import GateNotReady
from voucher_service.infra.flow import Within
from voucher_service.kernel.errors import TryAgain

from .books import Transaction, Waiting
from .faults import Fault
from .stand import LOCAL, Process, Stand, at_gate, wire

_LOCK_TIMEOUT_MS = 1_000


@dataclass
class _Frame:
    """A flow, and the bracket it runs in."""

    flow: Generator[Any, Any, Any]
    bracket: str = ""
    on: Transaction | None = None


@dataclass
class _Leave:
    """The end of a bracket: its commit."""

    value: Any


@dataclass(eq=False)
class Task:
    """A flow of one process. `done` is told its value or its error, once."""

    stand: Stand
    process: Process
    kind: str
    flow: Generator[Any, Any, Any]
    done: Callable[[Any, Exception | None], None]
    wake_ms: int = 0
    over: bool = False
    step: str = ""  # the step that comes next, as `where.what`
    _frames: list[_Frame] = field(default_factory=list)
    _next: Any = None
    _waits_since: int | None = None
    _seats: tuple[Any, list[Any]] | None = None

    def start(self) -> None:
        """Run to the first step."""
        self._frames = [_Frame(self.flow)]
        self._resume(None, None)

    def _named(self) -> str:
        effect, brackets = self._next, [frame.bracket for frame in self._frames]
        if isinstance(effect, Within):
            alone = effect.bracket.__name__ == "_alone"
            what = "lock" if alone else f"begin{_reads(effect.flow)}"
            brackets.append(effect.bracket.__name__)
        elif isinstance(effect, _Leave):
            frame = self._frames[-1]
            what = "unlock" if frame.bracket == "_alone" else f"commit{_reads(frame.flow)}"
        else:
            what = self.stand.named(effect, self.process)
        return f"{'rebuild' if '_alone' in brackets else self.kind}.{what}"

    def advance(self, fault: Fault | None) -> None:
        """Make the next step, with what befalls its message."""
        try:
            value = self._make(fault)
        except Waiting:
            self._wait()
        except Exception as error:  # noqa: BLE001 - the flow decides what it means
            self._waits_since = None
            self._resume(None, error)
        else:
            self._waits_since = None
            self._resume(value, None)

    def drop(self) -> None:
        """The process died: what was open is rolled back, and nobody is answered."""
        self.over = True
        for frame in reversed(self._frames):
            if frame.on is not None:
                self.stand.books.rollback(frame.on)
            frame.flow.close()

    def _make(self, fault: Fault | None) -> Any:
        effect = self._next
        if isinstance(effect, _Leave):
            return self._leave(effect, fault)
        if isinstance(effect, Within):
            return self._enter(effect, fault)
        on, client = self._frames[-1].on, self.process.client
        if fault is not None and at_gate(effect):
            client.wire = (wire(fault), self.stand.random.choice((0, 0, 0, 1)))
        elif fault is not None:
            return self._lose(on)
        try:
            value = self.stand.make(effect, self.process, on)
        finally:
            client.wire = None
        if effect.function is allocation.ask and value is not None:
            self._seats = (value[0], [one.seat for one in value[1] if one.seat])
        return value

    def _enter(self, effect: Within[Any], fault: Fault | None) -> None:
        name, books = effect.bracket.__name__, self.stand.books
        try:
            if fault is not None:
                self._lose(None)
            on = books.begin()
            if name == "_alone" and not books.lock_alone(on):
                books.rollback(on)
                raise GateNotReady(retry_after_seconds=1)
        except Exception:
            effect.flow.close()
            raise
        self._frames.append(_Frame(effect.flow, name, on))

    def _leave(self, effect: _Leave, fault: Fault | None) -> Any:
        frame = self._frames.pop()
        assert frame.on is not None
        books = self.stand.books
        if frame.on.rows and not books.keeps.ack_after_commit:
            self.stand.deferred.append((self.process, frame.on))
            return effect.value
        try:
            if fault is Fault.REQUEST_LOST:
                self._lose(frame.on)
            books.commit(frame.on)
            if fault is Fault.REPLY_LOST:
                raise TryAgain(retry_after_seconds=1)
        except TryAgain:
            books.rollback(frame.on)
            self._release_blindly(frame)
            raise
        return effect.value

    def _lose(self, on: Transaction | None) -> None:
        if on is not None:
            self.stand.books.rollback(on)
        raise TryAgain(retry_after_seconds=1)

    def _wait(self) -> None:
        now = self.stand.now_ms
        self._waits_since = now if self._waits_since is None else self._waits_since
        self.wake_ms = now + 40
        if now - self._waits_since > _LOCK_TIMEOUT_MS:
            self._waits_since = None
            self._resume(None, TryAgain(retry_after_seconds=1))

    def _resume(self, value: Any, error: Exception | None) -> None:
        """Go on to the next step that touches a server, or to the end."""
        while not self.over:
            frame = self._frames[-1]
            try:
                effect = frame.flow.throw(error) if error else frame.flow.send(value)
                value = error = None
            except StopIteration as end:
                if frame.bracket:
                    self._next = _Leave(end.value)
                    self.step = self._named()
                    return
                self._finish(end.value, None)
                return
            except Exception as failed:  # noqa: BLE001 - it is the outer flow's to decide
                self._frames.pop()
                if frame.on is not None:
                    self.stand.books.rollback(frame.on)
                    self._release_blindly(frame)
                if not self._frames:
                    self._finish(None, failed)
                    return
                error = failed
                continue
            self._next = effect
            self.step = self._named()
            if not self.step.endswith(f".{LOCAL}"):
                return
            try:
                value = self.stand.make(effect, self.process, frame.on)
            except Exception as failed:  # noqa: BLE001 - as above
                error = failed
            if effect.function.__name__ == "pause":
                self.wake_ms = self.stand.now_ms + int(effect.args[0] * 1_000)

    def _finish(self, value: Any, error: Exception | None) -> None:
        self.over = True
        self.done(value, error)

    def _release_blindly(self, frame: _Frame) -> None:
        """What must never be done: free seats whose outcome is not known."""
        if self.stand.books.keeps.waits_for_outcome or self._seats is None:
            return
        if frame.bracket == "transaction" and self.kind == "claim":
            pool, seats = self._seats
            seats_freed = [(seat, None) for seat in seats]
            allocation.settle(self.process.core, pool=pool, seats=seats_freed)


def _reads(flow: Generator[Any, Any, Any]) -> str:
    """Transactions of one statement are told apart from those that write."""
    return " read" if getattr(flow, "__name__", "") == "step" else ""
