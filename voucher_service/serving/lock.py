"""One process at a time starts the servers of a data directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold(data: Path) -> Iterator[bool]:
    """Whether we got the lock on `data`; held to the end of the block, or of the process.

    Children don't inherit it, so a killed process never leaves it behind.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield True
    finally:
        os.close(descriptor)


def holder(data: Path) -> str:
    """The process that holds the lock, as text for a message."""
    number = (data / "lock").read_text("utf-8").strip()
    return f"process {number}" if number else "another process"
