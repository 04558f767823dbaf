"""Ports of a data directory: chosen once, kept in a file, chosen again only when taken."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

# Below the range from which Linux takes ports of outgoing connections, so that ours stay free.
_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def assign(file: Path, names: Iterable[str]) -> dict[str, int]:
    """A free port for each name, the same as last time where it still is free. Writes `file`."""
    known: dict[str, int] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    for name in names:
        if name not in known or not is_free(known[name]):
            others = {port for other, port in known.items() if other != name}
            known[name] = _choose(others)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(known), "utf-8")
    draft.replace(file)
    return known


def _choose(others: set[int]) -> int:
    while True:
        port = random.SystemRandom().choice(_RANGE)
        if port not in others and is_free(port):
            return port
