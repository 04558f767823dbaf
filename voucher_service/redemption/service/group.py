"""Group commit: the one-step orders that a process has at the same moment share one transaction.

Natural batching, no timer: a batch goes out as soon as none is under way; while one is, the next
grows. The queue is bounded; what does not fit is asked to come back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import structlog

from voucher_service.infra import halving
from voucher_service.infra.core import Core
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.errors import TryAgain

from ..model import Redemption
from .granted import Answer, Ask
from .redeeming import redeem_many

_MOST_IN_A_BATCH = 64
_MOST_WAITING = 1_000
_PATIENCE_SECONDS = 10.0
Told = Answer | Exception
_log = structlog.get_logger(__name__)


class _Waiting:
    """An order on its way, and the thread that waits for its answer.

    The threads of a batch wake one behind another (`behind`): all at once they would contend for
    the interpreter, which costs more than the orders.
    """

    __slots__ = ("_left", "_pending", "answer", "ask", "behind")

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.answer: Told | None = None
        self.behind: _Waiting | None = None
        self._left = False
        self._pending = threading.Lock()
        self._pending.acquire()

    def wait(self) -> Told | None:
        """The answer, or None when it takes too long."""
        self._left = not self._pending.acquire(timeout=_PATIENCE_SECONDS)
        if self.behind is not None:
            self.behind.wake()
        return self.answer

    def wake(self) -> None:
        """Let the thread go on; the one behind it follows, also when this one has left."""
        self._pending.release()
        if self._left and self.behind is not None:
            self.behind.wake()


class Group:
    """The orders of one process. Its thread starts with the first, so that it survives a fork."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._started = False

    def redeem(self, ask: Ask) -> Outcome[Redemption]:
        """As `redemption.redeem`, together with whoever redeems at the same moment.

        Raises what that raises, and TryAgain when too many are waiting.
        """
        one = _Waiting(ask)
        with self._changed:
            if len(self._queue) >= _MOST_WAITING:
                raise TryAgain(retry_after_seconds=1)
            if not self._started:
                self._started = True
                threading.Thread(target=self._flush, daemon=True, name="orders").start()
            self._queue.append(one)
            self._changed.notify()
        told = one.wait()
        if told is None:
            raise TryAgain(retry_after_seconds=1)
        if isinstance(told, Exception):
            raise told
        return told

    def _ask(self, batch: Sequence[_Waiting]) -> list[Answer]:
        return redeem_many(self._core, [one.ask for one in batch])

    def _flush(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    self._changed.wait()
                count = min(len(self._queue), _MOST_IN_A_BATCH)
                batch = [self._queue.popleft() for _ in range(count)]
            try:
                halving.answer(batch, self._ask, _tell)
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever a batch meets
                _log.error("orders_failed", error=type(error).__name__)
                _tell(batch, [error] * len(batch))


def _tell(batch: Sequence[_Waiting], answers: Sequence[Told]) -> None:
    """Give everybody their answer, then wake the first."""
    for one, answer in zip(batch, answers, strict=True):
        one.answer = answer
    for one, behind in pairwise(batch):
        one.behind = behind
    batch[0].wake()
