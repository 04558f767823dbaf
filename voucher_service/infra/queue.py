"""The only file that enqueues. RQ rings the worker; the outbox says what is to be done."""

from __future__ import annotations

import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer

from voucher_service.settings import Settings

RUN = "voucher_service.jobs.runtime.run"
NAME = "voucher"
_log = structlog.get_logger(__name__)


def connection(settings: Settings) -> redis.Redis:
    """The queue's server, as RQ needs it: bytes, and patient enough to block."""
    return redis.Redis.from_url(settings.queue.url, socket_connect_timeout=2)


def queue(settings: Settings) -> Queue:
    """The one queue."""
    return Queue(NAME, connection=connection(settings), serializer=JSONSerializer)


def ring(settings: Settings, key: str) -> bool:
    """Wake the worker for an outbox job. False when the queue is away: the sweep rings later."""
    try:
        queue(settings).enqueue(RUN, key, result_ttl=0, failure_ttl=3600)
    except redis.RedisError as error:
        _log.warning("queue_away", error=type(error).__name__)
        return False
    return True
