"""Redis connections. Retries are off: a command that may have run must not be sent twice."""

from __future__ import annotations

from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from . import incarnation

_CLUSTER = "redis+cluster://"


def connect(url: str, timeout_seconds: float) -> redis.Redis:
    """A client with a bounded wait and no retries. Does not connect until it is used.

    `redis+cluster://` names one node of a Redis Cluster. The others are found at once: raises
    redis.ConnectionError when it does not answer.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": 64,
        "decode_responses": True,
    }
    if url.startswith(_CLUSTER):
        node = "redis://" + url.removeprefix(_CLUSTER)
        return cast(redis.Redis, _cluster(node, options))
    return redis.Redis.from_url(url, redis_connect_func=incarnation.remember, **options)


class _Cluster(RedisCluster):
    """A cluster that raises redis.RedisError only, as one server does."""

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Send a command to the node whose it is. A node that moved a slot is not a retry."""
        try:
            return super().execute_command(*args, **kwargs)  # type: ignore[no-untyped-call]
        except RedisClusterException as error:
            raise redis.ConnectionError(str(error)) from error


def _cluster(url: str, options: dict[str, Any]) -> RedisCluster:
    try:
        return _Cluster.from_url(url, redis_connect_func=incarnation.note, **options)
    except RedisClusterException as error:
        raise redis.ConnectionError(str(error)) from error
