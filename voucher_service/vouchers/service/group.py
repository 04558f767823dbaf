"""Group commit: the claims a process has at the same moment share one gate call and one commit.

Natural batching, no timer: a batch goes out as soon as nothing of its offer is in flight; while it
is, the next one grows. A few offers are written side by side. The queue is bounded; what does not
fit is asked to come back.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import structlog

from voucher_service.allocation.model import Closed, SoldOut
from voucher_service.infra import halving
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.kernel.ids import OfferId

from ..model import Voucher
from .claim import claim_many
from .request import Answer, Request

_FLUSHERS = 4
_MOST_IN_A_BATCH = 256
_MOST_WAITING = 2_000
_PATIENCE_SECONDS = 10.0
_REPEATED_SECONDS = 2.0
_MOST_REPEATED = 65_536
Told = Answer | Exception
_log = structlog.get_logger(__name__)


class _Waiting:
    """A claim on its way, and the thread that waits for its answer."""

    __slots__ = ("_pending", "answer", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Told | None = None
        self._pending = threading.Lock()
        self._pending.acquire()

    def wait(self) -> Told | None:
        """The answer, or None when it takes too long."""
        self._pending.acquire(timeout=_PATIENCE_SECONDS)
        return self.answer

    def tell(self, answer: Told) -> None:
        """Give the answer; a second one is ignored."""
        if self.answer is None:
            self.answer = answer
            self._pending.release()


class _Awaiting:
    """A claim on its way, and the task of an event loop that waits for its answer."""

    __slots__ = ("future", "loop", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Told] = self.loop.create_future()

    async def wait(self) -> Told | None:
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


class Group:
    """The claims of one process. Threads start with the first claim, so that it survives a fork."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queues: dict[OfferId, deque[_Waiting | _Awaiting]] = {}
        self._in_flight: set[OfferId] = set()
        self._waiting = 0
        self._changed = threading.Condition()
        self._started = False
        self._told: dict[tuple[OfferId, UUID], tuple[DomainError, float]] = {}

    def told_lately(self, *, resident: UUID, offer: OfferId) -> DomainError | None:
        """The refusal that this resident heard less than two seconds ago, if it still holds.

        Only "sold out" and "closed": whoever hears them holds no voucher of the offer, and a
        release that opens ends them.
        """
        told = self._told.get((offer, resident))
        return told[0] if told is not None and time.monotonic() < told[1] else None

    def claim(self, *, actor: Actor, offer: OfferId, key: str) -> Outcome[Voucher]:
        """As `vouchers.claim`, together with whoever claims at the same moment.

        Raises what that raises, and TryAgain when too many are waiting.
        """
        one = _Waiting(Request(actor, key))
        self._queue(offer, one)
        told = one.wait()
        if told is None:
            raise TryAgain(retry_after_seconds=1)
        if isinstance(told, Exception):
            raise told
        return told

    async def claim_soon(self, *, actor: Actor, offer: OfferId, key: str) -> Answer:
        """As `claim`, for an event loop: whoever waits takes no thread.

        Returns a refusal instead of raising it, and remembers it: an exception that is raised again
        and again grows by a traceback each time.
        """
        one = _Awaiting(Request(actor, key))
        self._queue(offer, one)
        told = await one.wait()
        if told is None:
            raise TryAgain(retry_after_seconds=1)
        if isinstance(told, SoldOut | Closed):
            self._remember(offer, one.request.resident, told)
        elif isinstance(told, Exception) and not isinstance(told, DomainError):
            raise told
        return told

    def _queue(self, offer: OfferId, one: _Waiting | _Awaiting) -> None:
        with self._changed:
            if self._waiting >= _MOST_WAITING:
                raise TryAgain(retry_after_seconds=1)
            self._start()
            queue = self._queues.setdefault(offer, deque())
            queue.append(one)
            self._waiting += 1
            if len(queue) == 1 and offer not in self._in_flight:
                self._changed.notify()  # the others of this batch need nobody woken

    def _remember(self, offer: OfferId, resident: UUID, refusal: DomainError) -> None:
        seconds = _REPEATED_SECONDS
        if "next_at" in refusal.params:
            opens_in = refusal.params["next_at"] - (self._core.clock.at or datetime.now(UTC))
            seconds = min(seconds, opens_in.total_seconds())
        if len(self._told) >= _MOST_REPEATED:
            self._told.clear()
        self._told[offer, resident] = (refusal, time.monotonic() + seconds)

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for _ in range(_FLUSHERS):
                threading.Thread(target=self._flush, daemon=True, name="claims").start()

    def _flush(self) -> None:
        while True:
            offer, batch = self._next()
            try:
                halving.answer(batch, partial(self._ask, offer), _tell)
            except Exception as error:  # noqa: BLE001 - a flusher outlives whatever a batch meets
                _log.error("claims_failed", error=type(error).__name__)
                _tell(batch, [error] * len(batch))
            finally:
                with self._changed:
                    self._in_flight.discard(offer)

    def _next(self) -> tuple[OfferId, list[_Waiting | _Awaiting]]:
        with self._changed:
            while (offer := self._free()) is None:
                self._changed.wait()
            queue = self._queues.pop(offer)
            batch = [queue.popleft() for _ in range(min(len(queue), _MOST_IN_A_BATCH))]
            if queue:
                self._queues[offer] = queue  # behind the others
            self._in_flight.add(offer)
            self._waiting -= len(batch)
            if self._free() is not None:
                self._changed.notify()
            return offer, batch

    def _free(self) -> OfferId | None:
        """The offer that waits longest and has nothing in flight."""
        return next((one for one in self._queues if one not in self._in_flight), None)

    def _ask(self, offer: OfferId, batch: Sequence[_Waiting | _Awaiting]) -> Sequence[Answer]:
        return claim_many(self._core, offer=offer, requests=[one.request for one in batch])


def _tell(batch: Sequence[_Waiting | _Awaiting], answers: Sequence[Told]) -> None:
    """Give everybody their answer: threads one by one, a loop's tasks all at once."""
    awaited: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Told], Told]]] = {}
    for one, answer in zip(batch, answers, strict=True):
        if isinstance(one, _Awaiting):
            awaited.setdefault(one.loop, []).append((one.future, answer))
        else:
            one.tell(answer)
    for loop, told in awaited.items():
        with suppress(RuntimeError):  # the loop ended; nobody waits there any more
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(told: list[tuple[asyncio.Future[Told], Told]]) -> None:
    for future, answer in told:
        if not future.done():
            future.set_result(answer)
