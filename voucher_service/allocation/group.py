"""Group commit: the claims a process has at the same moment share one gate call and one commit.

Natural batching, no timer: a batch goes out as soon as nothing of its kind is in flight; while it
is, the next one grows. A few are written side by side. The queue is bounded; what does not fit is
asked to come back.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, TypeAlias, TypeVar

import structlog

from voucher_service.infra import halving
from voucher_service.kernel.errors import TryAgain

_FLUSHERS = 4
_MOST_IN_A_BATCH = 256
_MOST_WAITING = 2_000
_PATIENCE_SECONDS = 10.0
K = TypeVar("K", bound=Hashable)  # what is claimed together
R = TypeVar("R")
A = TypeVar("A")
Said: TypeAlias = A | Exception
_log = structlog.get_logger(__name__)


class _Waiting(Generic[R, A]):
    """A claim on its way, and the thread that waits for its answer."""

    __slots__ = ("_pending", "answer", "request")

    def __init__(self, request: R) -> None:
        self.request = request
        self.answer: Said[A] | None = None
        self._pending = threading.Lock()
        self._pending.acquire()

    def wait(self) -> Said[A] | None:
        """The answer, or None when it takes too long."""
        self._pending.acquire(timeout=_PATIENCE_SECONDS)
        return self.answer

    def tell(self, answer: Said[A]) -> None:
        """Give the answer; a second one is ignored."""
        if self.answer is None:
            self.answer = answer
            self._pending.release()


class _Awaiting(Generic[R, A]):
    """A claim on its way, and the task of an event loop that waits for its answer."""

    __slots__ = ("future", "loop", "request")

    def __init__(self, request: R) -> None:
        self.request = request
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Said[A]] = self.loop.create_future()

    async def wait(self) -> Said[A] | None:
        """The answer, or None when it takes too long."""
        late = self.loop.call_later(_PATIENCE_SECONDS, self.future.cancel)
        try:
            return await self.future
        except asyncio.CancelledError:
            if self.future.cancelled():
                return None
            raise
        finally:
            late.cancel()


class Group(Generic[K, R, A]):
    """The claims of one process, answered by `ask`, which raises a refusal that is for all of them.

    Threads start with the first claim, so that it survives a fork.
    """

    def __init__(self, ask: Callable[[K, Sequence[R]], Sequence[A]]) -> None:
        self._ask = ask
        self._queues: dict[K, deque[_Waiting[R, A] | _Awaiting[R, A]]] = {}
        self._in_flight: set[K] = set()
        self._waiting = 0
        self._changed = threading.Condition()
        self._started = False

    def answer(self, of: K, request: R) -> A:
        """The answer, from a batch with whoever asks for the same at the same moment.

        Raises what its batch raised, and TryAgain when too many are waiting or it takes too long.
        """
        one: _Waiting[R, A] = _Waiting(request)
        self._queue(of, one)
        told = one.wait()
        if told is None:
            raise TryAgain(retry_after_seconds=1)
        if isinstance(told, Exception):
            raise told
        return told

    async def answer_soon(self, of: K, request: R) -> Said[A]:
        """As `answer`, for an event loop: whoever waits takes no thread.

        Returns what the batch raised instead of raising it.
        """
        one: _Awaiting[R, A] = _Awaiting(request)
        self._queue(of, one)
        told = await one.wait()
        if told is None:
            raise TryAgain(retry_after_seconds=1)
        return told

    def _queue(self, of: K, one: _Waiting[R, A] | _Awaiting[R, A]) -> None:
        with self._changed:
            if self._waiting >= _MOST_WAITING:
                raise TryAgain(retry_after_seconds=1)
            self._start()
            queue = self._queues.setdefault(of, deque())
            queue.append(one)
            self._waiting += 1
            if len(queue) == 1 and of not in self._in_flight:
                self._changed.notify()  # the others of this batch need nobody woken

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for _ in range(_FLUSHERS):
                threading.Thread(target=self._flush, daemon=True, name="claims").start()

    def _flush(self) -> None:
        while True:
            of, batch = self._next()
            try:
                halving.answer(batch, partial(self._answers, of), _tell)
            except Exception as error:  # noqa: BLE001 - a flusher outlives whatever a batch meets
                _log.error("claims_failed", error=type(error).__name__)
                _tell(batch, [error] * len(batch))
            finally:
                with self._changed:
                    self._in_flight.discard(of)

    def _next(self) -> tuple[K, list[_Waiting[R, A] | _Awaiting[R, A]]]:
        with self._changed:
            while (of := self._free()) is None:
                self._changed.wait()
            queue = self._queues.pop(of)
            batch = [queue.popleft() for _ in range(min(len(queue), _MOST_IN_A_BATCH))]
            if queue:
                self._queues[of] = queue  # behind the others
            self._in_flight.add(of)
            self._waiting -= len(batch)
            if self._free() is not None:
                self._changed.notify()
            return of, batch

    def _free(self) -> K | None:
        """What waits longest and has nothing in flight."""
        return next((one for one in self._queues if one not in self._in_flight), None)

    def _answers(self, of: K, batch: Sequence[_Waiting[R, A] | _Awaiting[R, A]]) -> Sequence[A]:
        return self._ask(of, [one.request for one in batch])


def _tell(batch: Sequence[_Waiting[R, A] | _Awaiting[R, A]], answers: Sequence[Said[A]]) -> None:
    """Give everybody their answer: threads one by one, a loop's tasks all at once."""
    awaited: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Said[A]], Said[A]]]] = {}
    for one, answer in zip(batch, answers, strict=True):
        if isinstance(one, _Awaiting):
            awaited.setdefault(one.loop, []).append((one.future, answer))
        else:
            one.tell(answer)
    for loop, told in awaited.items():
        with suppress(RuntimeError):  # the loop ended; nobody waits there any more
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(told: list[tuple[asyncio.Future[Said[A]], Said[A]]]) -> None:
    for future, answer in told:
        if not future.done():
            future.set_result(answer)
