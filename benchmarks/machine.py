"""The machine under a run: processor, memory, what a flush to its disk takes, durable settings."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

_BLOCK = b"\0" * 8192
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def facts() -> dict[str, str | int]:
    """Processor, cores, memory in MiB, system and Python."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": cores(),
        "memory_mib": memory_bytes // 1024**2,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def fsync_us(folder: Path, seconds: float) -> float:
    """Median microseconds to write 8 KiB in place and flush it, on the disk of `folder`."""
    taken: list[int] = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        os.write(file.fileno(), _BLOCK)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter_ns()
            os.pwrite(file.fileno(), _BLOCK, 0)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter_ns() - began)
    return round(statistics.median(taken) / 1000, 1)


def durable_settings(database_url: str) -> dict[str, str]:
    """What the server says of its own durability; a run counts only with all of them on."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(_DURABLE)]
        ).fetchall()
    return dict(rows)
