"""Valkey from its wheel: the gate forgets when it stops, the queue keeps an append-only file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .processes import Child, Launch, ServerFailed
from .wheels import valkey_server

_READY_SECONDS = 60
_SHARED = """
bind 127.0.0.1
port {port}
requirepass {password}
dir {directory}
maxmemory-policy noeviction
save ""
"""
_GATE = "appendonly no\n"
_QUEUE = "appendonly yes\nappendfsync {fsync}\naof-load-truncated yes\n"


def url(password: str, port: int) -> str:
    """Where clients connect."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def child(
    data: Path, name: str, *, port: int, password: str, persists: bool, durable: bool
) -> Child:
    """A Valkey server in `data/name`, not started yet. `durable=False`: tests only."""

    def launch() -> Launch:
        directory = data / name
        directory.mkdir(mode=0o700, exist_ok=True)
        text = _SHARED.format(port=port, password=password, directory=_quoted(directory))
        text += _QUEUE.format(fsync="everysec" if durable else "no") if persists else _GATE
        # The password stands in a file of ours, not among the arguments that everyone can list.
        config = directory / "valkey.conf"
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return Launch((str(valkey_server()), str(config)), directory)

    return Child(data, name, launch)


def wait_until_ready(server: Child, address: str) -> None:
    """Wait until it answers. Raises ServerFailed.

    An append-only file too damaged to load is put aside and the server starts empty: what the queue
    holds can be written again from PostgreSQL.
    """
    try:
        server.wait_until(lambda: _answers(address), _READY_SECONDS)
    except ServerFailed:
        kept = server.data / server.name / "appendonlydir"
        if server.exit_code() is None or not kept.exists():
            raise
        kept.rename(kept.with_name(f"appendonlydir-damaged-{time.time_ns()}"))
        server.start()
        server.wait_until(lambda: _answers(address), _READY_SECONDS)


def _answers(address: str) -> bool:
    client = redis.Redis.from_url(
        address, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
    )
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):  # also while it loads its file
        return False
    finally:
        client.close()


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
