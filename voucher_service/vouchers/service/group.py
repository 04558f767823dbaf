"""Group commit: the claims a process has at the same moment share one gate call and one commit.

Natural batching, no timer: a batch goes out as soon as a flusher is idle, and while commits are in
flight the next one grows. The queue is bounded; what does not fit is asked to come back.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass

import structlog

from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.kernel.ids import OfferId

from ..model import Voucher
from .claim import claim_many
from .request import Answer, Request

_FLUSHERS = 2
_MOST_IN_A_BATCH = 256
_MOST_WAITING = 2_000
_PATIENCE_SECONDS = 10.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    answer: Future[Answer]


class Group:
    """The claims of one process. Threads start with the first claim, so that it survives a fork."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queues: dict[OfferId, deque[_Waiting]] = {}
        self._waiting = 0
        self._changed = threading.Condition()
        self._started = False

    def claim(self, *, actor: Actor, offer: OfferId, key: str) -> Outcome[Voucher]:
        """As `vouchers.claim`, together with whoever claims at the same moment.

        Raises what that raises, and TryAgain when too many are waiting.
        """
        one = _Waiting(Request(actor, key), Future())
        with self._changed:
            if self._waiting >= _MOST_WAITING:
                raise TryAgain(retry_after_seconds=1)
            self._start()
            self._queues.setdefault(offer, deque()).append(one)
            self._waiting += 1
            self._changed.notify()
        try:
            answer = one.answer.result(_PATIENCE_SECONDS)
        except FutureTimeout:
            raise TryAgain(retry_after_seconds=1) from None
        if isinstance(answer, DomainError):
            raise answer
        return answer

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for _ in range(_FLUSHERS):
                threading.Thread(target=self._flush, daemon=True, name="claims").start()

    def _flush(self) -> None:
        while True:
            offer, batch = self._next()
            try:
                _answer(self._core, offer, batch)
            except Exception as error:  # noqa: BLE001 - a flusher outlives whatever a batch meets
                _log.error("claims_failed", error=type(error).__name__)
                _fail(batch, error)

    def _next(self) -> tuple[OfferId, list[_Waiting]]:
        with self._changed:
            while not self._queues:
                self._changed.wait()
            # The offer that waits longest goes first; it queues again behind the others.
            offer = next(iter(self._queues))
            queue = self._queues.pop(offer)
            batch = [queue.popleft() for _ in range(min(len(queue), _MOST_IN_A_BATCH))]
            if queue:
                self._queues[offer] = queue
            self._waiting -= len(batch)
            return offer, batch


def _answer(core: Core, offer: OfferId, batch: list[_Waiting]) -> None:
    try:
        answers = claim_many(core, offer=offer, requests=[one.request for one in batch])
    except DomainError as refusal:
        _fail(batch, refusal)
        return
    except Exception:
        if len(batch) == 1:
            raise
        # One bad row must not cost the others their vouchers: halve until it stands alone.
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            try:
                _answer(core, offer, half)
            except Exception as error:  # noqa: BLE001 - it is said to the one whose it is
                _fail(half, error)
        return
    for one, answer in zip(batch, answers, strict=True):
        one.answer.set_result(answer)


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for one in batch:
        if not one.answer.done():
            one.answer.set_exception(error)
