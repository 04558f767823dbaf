"""The gate's simulated server, and the client that a process reaches it by.

The client has just what the gate's own code calls, so that this code runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import redis

from voucher_service.infra import incarnation

from .books import BEGAN
from .keyspace import Keyspace


class Wire(StrEnum):
    """What can happen to one message of a step."""

    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    LATE = "late"  # given up by the sender, and carried out afterwards


Action = Callable[[Keyspace], Any]
_BEGAN_MS = int(BEGAN.timestamp() * 1000)


@dataclass
class GateServer:
    """One Redis: its keys, which incarnation it is, and what is still on its way to it."""

    now_ms: Callable[[], int]
    idempotent: bool = True
    down_until_ms: int = 0
    skew_ms: int = 0
    runs: int = 1
    promotions: int = 1
    copies: list[dict[str, Any]] = field(default_factory=list)
    late: list[tuple[int, Action]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = Keyspace(lambda: (_BEGAN_MS + self.now_ms() + self.skew_ms) * 1000)

    @property
    def up(self) -> bool:
        """Whether it answers now."""
        return self.now_ms() >= self.down_until_ms

    def keep_copy(self) -> None:
        """What a dump or a lagging replica holds from now on."""
        self.copies.append(self.keys.copied())

    def come_back(self, keys: dict[str, Any], *, restarted: bool, promoted: bool) -> None:
        """Go on with these keys; connections break when it is another incarnation."""
        self.keys.data = keys
        self.runs += restarted
        self.promotions += promoted
        if restarted or promoted:
            self.late.clear()

    def facts(self) -> dict[str, str]:
        """What INFO tells about the incarnation."""
        return {
            "role": "master",
            "run_id": f"run{self.runs}",
            "master_replid": f"replication{self.promotions}.{self.runs}",
        }

    def deliver(self) -> None:
        """Carry out what was on its way for long enough."""
        due = [one for one in self.late if one[0] <= self.now_ms()]
        self.late = [one for one in self.late if one[0] > self.now_ms()]
        for _, action in due:
            action(self.keys)


class GateClient:
    """A process's connection to the gate. `wire` strikes the next message, or the n-th from now."""

    def __init__(self, server: GateServer, name: str, *, learns: bool = True) -> None:
        self.server = server
        self.host, self.port = name, 1
        self.connection_pool = SimpleNamespace(connection_kwargs={"host": name, "port": 1})
        self.wire: tuple[Wire, int] | None = None
        self.struck = False
        self._learns = learns
        self._met: tuple[int, int] | None = None

    def register_script(self, source: str) -> Callable[..., Any]:
        """A script to be called with keys and args."""
        if not self.server.idempotent:
            source = source.replace("fresh[fields[at]] or pending[at]", "fresh[fields[at]]")

        def run(keys: list[Any], args: list[Any], client: Any = None) -> Any:
            def action(at: Keyspace) -> Any:
                return at.script(source, keys, args)

            return (client or self).send(action)

        return run

    def send(self, action: Action) -> Any:
        """One message and its reply. Raises what a client raises, redis.RedisError."""
        if not self.server.up:
            raise redis.ConnectionError("away")
        self._connect()
        wire = self._strike()
        if wire is Wire.REQUEST_LOST:
            raise redis.ConnectionError("lost")
        if wire is Wire.LATE:
            self.server.late.append((self.server.now_ms() + 300, action))
            raise redis.TimeoutError("late")
        answer = action(self.server.keys)
        if wire is Wire.REPLY_LOST:
            raise redis.TimeoutError("lost")
        return answer

    def command(self, *words: Any) -> Any:
        """One command."""
        return self.send(lambda keys: keys.call(*words))

    def hget(self, key: str, field: str) -> Any:
        return self.command("HGET", key, field)

    def hmget(self, key: str, fields: list[str]) -> Any:
        return self.command("HMGET", key, *fields)

    def llen(self, key: str) -> Any:
        return self.command("LLEN", key)

    def unlink(self, *keys: str) -> Any:
        return self.command("UNLINK", *keys)

    def hscan_iter(self, key: str, count: int | None = None) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        _, parts = self.command("HSCAN", key, "0")
        return iter(list(zip(parts[::2], parts[1::2], strict=True)))

    def time(self) -> Any:
        return self.command("TIME")

    def info(self, *_sections: str) -> dict[str, str]:
        return dict(self.send(lambda _keys: self.server.facts()))

    def pipeline(self, transaction: bool = True) -> _Pipeline:  # noqa: FBT001, FBT002, ARG002
        return _Pipeline(self)

    def on_connect(self) -> None:
        """A connection's greeting."""

    def send_command(self, *_words: str) -> None:
        """The question that follows it."""

    def read_response(self) -> str:
        """Its answer."""
        return "\n".join(f"{name}:{value}" for name, value in self.server.facts().items())

    def _connect(self) -> None:
        standing = (self.server.runs, self.server.promotions)
        if self._met != standing:
            self._met = standing
            if self._learns:
                incarnation.remember(self)

    def _strike(self) -> Wire | None:
        if self.wire is None:
            return None
        wire, left = self.wire
        self.wire = (wire, left - 1) if left else None
        self.struck = self.struck or not left
        return None if left else wire


class _Pipeline:
    """Several commands in one message."""

    def __init__(self, client: GateClient) -> None:
        self._client = client
        self._actions: list[Action] = []

    def send(self, action: Action) -> None:
        self._actions.append(action)

    def hget(self, key: str, field: str) -> None:
        self.send(lambda keys: keys.call("HGET", key, field))

    def llen(self, key: str) -> None:
        self.send(lambda keys: keys.call("LLEN", key))

    def execute(self) -> list[Any]:
        actions = self._actions
        return list(self._client.send(lambda keys: [action(keys) for action in actions]))
