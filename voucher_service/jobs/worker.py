"""The worker: waits for the queue to ring and does each job in a child of its own."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import redis
from rq import Worker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from voucher_service import settings as settings_module
from voucher_service.infra import queue

# Imported before the fork, so that a child finds every handler loaded.
from . import log, registry, runtime

__all__ = ["registry", "runtime", "work"]

_PAUSE_SECONDS = 2.0


class _Worker(Worker):
    """Looks again for a queue that is away every ten seconds at most, and says when it stops."""

    max_connection_wait_time = 10.0
    stopping: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def work() -> None:
    """Work until SIGTERM or SIGINT; a job under way is finished first.

    The queue's server may be away at the start or later: the worker waits for it.
    """
    settings, stopping, away = settings_module.load(), threading.Event(), False

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()
        raise StopRequested

    log.info("worker_started")
    while not stopping.is_set():
        try:
            for kind in (signal.SIGTERM, signal.SIGINT):
                signal.signal(kind, stop)
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
            away = False
            stopping.wait(_PAUSE_SECONDS)
        except StopRequested:
            break
        except (redis.RedisError, OSError) as error:
            if not away and not stopping.is_set():
                log.failed("queue_away", error)
            away = True
            stopping.wait(_PAUSE_SECONDS)
    log.info("worker_stopped")
