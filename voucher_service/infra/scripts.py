"""Lua scripts by name: one file each, whose header gives KEYS, ARGV with units, and the answer."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import redis


@cache
def source(path: Path) -> str:
    """The text of a script."""
    return path.read_text("utf-8")


class Scripts:
    """The scripts of one folder on one server; loaded again when the server forgot them."""

    def __init__(self, client: redis.Redis, folder: Path) -> None:
        self._scripts = _registered(client, folder)

    def __call__(self, name: str, keys: list[str], args: list[Any], client: Any = None) -> Any:
        """Run a script, or queue it when `client` is a pipeline."""
        return self._scripts[name](keys=keys, args=args, client=client)


@lru_cache(maxsize=16)
def _registered(client: redis.Redis, folder: Path) -> dict[str, Any]:
    return {
        path.stem: client.register_script(source(path)) for path in sorted(folder.glob("*.lua"))
    }
