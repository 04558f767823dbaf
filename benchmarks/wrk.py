"""The load generator: a Debian package, run as one thread that replays a file of requests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .machine import cores

_SCRIPT = Path(__file__).with_name("replay.lua")
_TIMEOUT_SECONDS = 20


class WrkMissing(Exception):
    """wrk is not installed and can't be installed from here; the text says what to do."""


@dataclass(frozen=True)
class Load:
    """What wrk saw in one window. `ids`: what was answered with 201, when that was asked for."""

    seconds: float
    requests: int
    refused: int
    broken: int
    wrapped: bool
    p50_ms: float
    p99_ms: float
    cpu_share: float
    ids: tuple[str, ...] | None


def program() -> str:
    """Where wrk is; as root on Debian it is installed when missing. Raises WrkMissing."""
    apt = shutil.which("apt-get")
    if not shutil.which("wrk") and apt and os.geteuid() == 0:
        for command in ([apt, "update"], [apt, "install", "--yes", "wrk"]):
            subprocess.run(command, check=False, capture_output=True)
    if found := shutil.which("wrk"):
        return found
    raise WrkMissing("wrk is missing: install it (Debian, Ubuntu: sudo apt-get install wrk)")


def run(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: int,
    journal: bool,
    pause_ms: int = 0,
) -> Load:
    """Send `requests` for that long, over that many connections. Raises WrkMissing.

    `cpu_share` is wrk's part of all cores, 0 to 1.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sent, kept = Path(folder, "requests"), Path(folder, "ids")
        sent.write_bytes(b"".join(one + b"\0" for one in requests))
        command = [program(), "-t1", f"-c{connections}", f"-d{seconds}s"]
        command += ["--timeout", f"{_TIMEOUT_SECONDS}s", "-s", str(_SCRIPT)]
        command += [f"http://127.0.0.1:{port}", "--", str(sent)]
        command += [str(kept) if journal else "-", str(pause_ms)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
        ids = tuple(kept.read_text("ascii").split()) if journal else None
    (line,) = [one for one in said.splitlines() if one.startswith("RESULT ")]
    took_us, count, refused, broken, wrapped, p50_us, p99_us = map(int, line.split()[1:])
    busy_seconds = usage.ru_utime + usage.ru_stime
    return Load(
        took_us / 1e6,
        count,
        refused,
        broken,
        bool(wrapped),
        p50_us / 1000,
        p99_us / 1000,
        busy_seconds / (took_us / 1e6) / cores(),
        ids,
    )
