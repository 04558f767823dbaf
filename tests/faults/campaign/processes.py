"""Killing, freezing and starving processes, believed only when /proc says so too."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE_SECONDS = 2.0


def state(pid: int) -> str:
    """One letter as in /proc (R, S, D, T …); empty when it is gone, a zombie too."""
    try:
        letter = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
    return "" if letter in {"Z", "X"} else letter


def born(pid: int) -> int:
    """When it started, in clock ticks since the machine did; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[19])
    except (OSError, IndexError):
        return 0


def children(pid: int) -> list[int]:
    """The live children of a process."""
    found: list[int] = []
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, file.read_text("utf-8").split())
    return [one for one in found if state(one)]


def title(pid: int) -> str:
    """Its command line, or what it shows in its place."""
    try:
        shown = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return ""
    return shown.decode("utf-8", "replace").strip()


def kill(pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> bool:
    """Whether all of them are gone soon after the signal."""
    wanted = list(pids)
    for pid in wanted:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return bool(wanted) and _soon(lambda: not any(state(pid) for pid in wanted))


def freeze(pids: Iterable[int]) -> bool:
    """Whether all of them stand still."""
    wanted = list(pids)
    for pid in wanted:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    return bool(wanted) and _soon(lambda: all(state(pid) == "T" for pid in wanted))


def thaw(pids: Iterable[int]) -> None:
    """Let them go on."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def starve(pids: Iterable[int], *, most_bytes: int | None) -> None:
    """Forbid them to write a file beyond that size, or (None) allow it again."""
    for pid in pids:
        with suppress(OSError), _looking_like(pid):
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            soft = hard if most_bytes is None else most_bytes
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def _looking_like(pid: int) -> Iterator[None]:
    """With the real user of another process: whose limits may be set is judged by that alone."""
    owner, users, groups = Path(f"/proc/{pid}").stat(), os.getresuid(), os.getresgid()
    os.setresgid(owner.st_gid, -1, -1)
    os.setresuid(owner.st_uid, -1, -1)
    try:
        yield
    finally:
        os.setresuid(*users)
        os.setresgid(*groups)


def owner(port: int, among: Iterable[int]) -> int | None:
    """Which of these processes has the TCP connection whose own end is this port."""
    ours = f":{port:04X}"
    for pid in among:
        with suppress(OSError):
            rows = [
                row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
            ]
            sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(ours)}
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    if str(file.readlink()) in sockets:
                        return pid
    return None


def _soon(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
