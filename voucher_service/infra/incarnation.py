"""Which incarnation of a Redis server answers: one run of one process, with the data it has now.

A restart changes the run id; a promotion, or a demotion and a promotion, changes the replication
id. Whatever was filled under another incarnation is not to be believed, even where its keys look
right: they may come from an older moment. A cluster is another one when any of its primaries is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import redis
from redis.cluster import ClusterNode, RedisCluster

_SECTIONS = ("server", "replication")
_met: dict[tuple[str, int], str] = {}


def current(client: redis.Redis | RedisCluster) -> str:
    """Ask the server which incarnation it is; empty for a replica. Raises redis.RedisError."""
    if isinstance(client, RedisCluster):
        return _together(
            [_named(client.info(*_SECTIONS, target_nodes=node)) for node in _primaries(client)]
        )
    facts: Mapping[str, Any] = client.info(*_SECTIONS)
    return _named(facts)


def remember(connection: Any) -> None:
    """Greet a server at a new connection and remember which incarnation it is.

    For `redis_connect_func`: a restarted or promoted server can't be reached without one.
    """
    connection.on_connect()
    note(connection)


def note(connection: Any) -> None:
    """As `remember`, at a connection that a cluster's client has greeted."""
    connection.send_command("INFO", *_SECTIONS)
    answer = connection.read_response()
    text = answer.decode() if isinstance(answer, bytes) else str(answer)
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    _met[connection.host, int(connection.port)] = _named(facts)


def differs(client: redis.Redis | RedisCluster, filled: str) -> bool:
    """Whether this process last connected to another incarnation than the one that was filled.

    No question to the server: false while it is not known, or when nothing was filled yet.
    """
    met = _last_met(client)
    return met is not None and bool(filled) and not same(met, filled)


def same(met: str, filled: str) -> bool:
    """Whether a gate filled under `filled`, which may be the run id alone, is the one met."""
    return met == filled or met.split(":", maxsplit=1)[0] == filled


def _last_met(client: redis.Redis | RedisCluster) -> str | None:
    if isinstance(client, RedisCluster):
        met = [_met.get((node.host, int(node.port)), "") for node in _primaries(client)]
        # A primary that was met as a replica is not known: its connections outlive the change.
        return _together(met) or None
    options = client.connection_pool.connection_kwargs
    return _met.get((options.get("host", ""), int(options.get("port", 0))))


def _primaries(client: Any) -> list[ClusterNode]:
    nodes: list[ClusterNode] = client.get_primaries()
    return nodes


def _together(names: Sequence[str]) -> str:
    """One name for all primaries of a cluster; empty when one of them has none."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest() if all(names) else ""


def _named(facts: Mapping[str, Any]) -> str:
    if facts["role"] != "master":
        return ""
    return f"{facts['run_id']}:{facts['master_replid']}"
