"""Redis connections. Retries are off: a command that may have run must not be sent twice."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import incarnation


def connect(url: str, timeout_seconds: float) -> redis.Redis:
    """A client with a bounded wait and no retries. Does not connect until it is used."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        max_connections=64,
        decode_responses=True,
        redis_connect_func=incarnation.remember,
    )
