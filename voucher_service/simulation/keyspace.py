"""The data of a simulated Redis, the commands that the gate uses, and its scripts run as Lua."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import lupa.lua51

Value = dict[str, str] | list[str]


class UnknownCommandError(Exception):
    """The gate uses a command that the simulation does not have; nothing is passed over."""


class Keyspace:
    """Keys of one server. `time` gives Unix microseconds."""

    def __init__(self, time: Callable[[], int]) -> None:
        self.time = time
        self.data: dict[str, Any] = {}

    def copied(self) -> dict[str, Any]:
        """What a dump of this moment holds."""
        return copy.deepcopy(self.data)

    def call(self, command: str, *args: Any) -> Any:
        """One command, as a server answers it. Raises UnknownCommandError."""
        try:
            known = _COMMANDS[command.upper()]
        except KeyError:
            raise UnknownCommandError(command) from None
        return known(self, *map(_text, args))

    def script(self, source: str, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        """Run a script to its end, and answer as a server would."""
        lua = _lua()
        _Current.keyspace = self
        table = lua.table_from
        answer = _compiled(source)(table(list(map(_text, keys))), table(list(map(_text, args))))
        return _answer(answer)

    def get(self, key: str, kind: type) -> Any:
        """The value of a key, made for the command that follows where it is missing."""
        value = self.data.get(key)
        if value is None:
            return kind()
        assert isinstance(value, kind), f"WRONGTYPE {key}"
        return value

    def put(self, key: str, value: Value) -> None:
        """Keep a value; an empty one is no key."""
        if value:
            self.data[key] = value
        else:
            self.data.pop(key, None)


class _Current:
    """Whose script runs."""

    keyspace: Keyspace


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return value if isinstance(value, str) else str(value)


@cache
def _lua() -> Any:
    lua = lupa.lua51.LuaRuntime(unpack_returned_tuples=False)
    lua.globals()["redis"] = lua.table_from({"call": _call})
    return lua


@cache
def _compiled(source: str) -> Any:
    return _lua().execute(f"return function(KEYS, ARGV)\n{source}\nend")


def _call(command: str, *args: Any) -> Any:
    return _to_lua(_Current.keyspace.call(command, *args))


def _to_lua(value: Any) -> Any:
    if value is None:
        return False
    if isinstance(value, list | tuple):
        return _lua().table_from([_to_lua(one) for one in value])
    return value


def _answer(value: Any) -> Any:
    kind = lupa.lua51.lua_type(value)
    if kind == "table":
        found = []
        for one in value.values():
            if one is None:
                break
            found.append(_answer(one))
        return found
    if value is None or value is False:
        return None
    if value is True:
        return 1
    return int(value) if isinstance(value, float) else value


def _hset(keys: Keyspace, key: str, *pairs: str) -> int:
    assert pairs and len(pairs) % 2 == 0
    value = keys.get(key, dict)
    before = len(value)
    value.update(zip(pairs[::2], pairs[1::2], strict=True))
    keys.put(key, value)
    return len(value) - before


def _hdel(keys: Keyspace, key: str, *fields: str) -> int:
    value = keys.get(key, dict)
    gone = sum(value.pop(field, None) is not None for field in fields)
    keys.put(key, value)
    return gone


def _hscan(keys: Keyspace, key: str, _cursor: str, *_options: str) -> list[Any]:
    return ["0", [part for pair in keys.get(key, dict).items() for part in pair]]


def _rpush(keys: Keyspace, key: str, *values: str) -> int:
    value: list[str] = keys.get(key, list)
    value += values
    keys.put(key, value)
    return len(value)


def _lrange(keys: Keyspace, key: str, first: str, last: str) -> list[str]:
    value: list[str] = keys.get(key, list)
    start, end = (int(one) + len(value) if int(one) < 0 else int(one) for one in (first, last))
    return value[max(start, 0) : max(end + 1, 0)]


def _ltrim(keys: Keyspace, key: str, first: str, last: str) -> str:
    keys.put(key, _lrange(keys, key, first, last))
    return "OK"


def _rename(keys: Keyspace, old: str, new: str) -> str:
    keys.data[new] = keys.data.pop(old)
    return "OK"


def _unlink(keys: Keyspace, *names: str) -> int:
    return sum(keys.data.pop(name, None) is not None for name in names)


def _time(keys: Keyspace) -> list[str]:
    seconds, micros = divmod(keys.time(), 1_000_000)
    return [str(seconds), str(micros)]


_COMMANDS: dict[str, Callable[..., Any]] = {
    "HGET": lambda keys, key, field: keys.get(key, dict).get(field),
    "HMGET": lambda keys, key, *fields: [keys.get(key, dict).get(field) for field in fields],
    "HSET": _hset,
    "HDEL": _hdel,
    "HLEN": lambda keys, key: len(keys.get(key, dict)),
    "HSCAN": _hscan,
    "LLEN": lambda keys, key: len(keys.get(key, list)),
    "RPUSH": _rpush,
    "LRANGE": _lrange,
    "LTRIM": _ltrim,
    "EXISTS": lambda keys, *names: sum(name in keys.data for name in names),
    "RENAME": _rename,
    "UNLINK": _unlink,
    "TIME": _time,
}
