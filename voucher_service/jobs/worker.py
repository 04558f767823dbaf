"""The worker: waits for the queue to ring and does each job in a child of its own."""

from __future__ import annotations

from types import FrameType

import redis
from rq import Worker
from rq.serializers import JSONSerializer

from voucher_service import settings as settings_module
from voucher_service.infra import queue
from voucher_service.settings import Settings

# `runtime` is imported before the fork, so that a child finds every handler loaded.
from . import log, runtime
from .stopping import Stopping

__all__ = ["runtime", "work"]

_PAUSE_SECONDS = 2.0


class _Worker(Worker):
    """Looks for a queue that is away every ten seconds at least, and notes that it was stopped."""

    max_connection_wait_time = 10.0
    stopping: Stopping

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping.asked = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 - the library's signature
        # The first step of its loop: a signal that came before its own handlers stood counts too.
        self._stop_requested = self._stop_requested or self.stopping.asked
        super().check_for_suspension(burst)


def work() -> None:
    """Work until SIGTERM or SIGINT; a job under way is finished first.

    The queue's server may be away at the start or later: the worker waits for it.
    """
    settings, stopping, away = settings_module.load(), Stopping(), False
    log.info("worker_started")
    while not stopping.asked:
        stopping.listen()
        try:
            _serve(settings, stopping)
            away = False
        except (redis.RedisError, OSError) as error:
            if not away and not stopping.asked:
                log.failed("queue_away", error)
            away = True
        stopping.wait(_PAUSE_SECONDS)
    log.info("worker_stopped")


def _serve(settings: Settings, stopping: Stopping) -> None:
    """Until stopping, or until the library gives up on the server."""
    found = queue.queue(settings)
    worker = _Worker(
        [found],
        connection=found.connection,
        serializer=JSONSerializer,
        worker_ttl=30,
        job_monitoring_interval=5,
        maintenance_interval=10,
    )
    worker.stopping = stopping
    worker.work(logging_level="WARNING")
