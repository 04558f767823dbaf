"""The side of the web process: a few restricted processes, kept warm, asked one file at a time."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voucher_service.kernel.errors import TryAgain

from . import ANSWER, MOST_BODY_BYTES, MOST_HEAD_BYTES, QUESTION, TOO_DEMANDING

# As many at once as may be busy with strangers' files; whoever comes then waits.
PROCESSES = 2
_ROOT = Path(__file__).resolve().parents[3]
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from voucher_service.infra.uploads.process import main; main()"
)
# Longer than a child may take by the clock, so that this is only for a process that is stuck.
_PATIENCE_SECONDS = 15.0
_WAIT_SECONDS = 30.0
_RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What the restricted process says, not yet believed, and the file it made."""

    told: dict[str, Any]
    body: bytes


class _Gone(Exception):
    """The process ended, or said what is no answer."""


class _Process:
    """One restricted process. It inherits neither environment nor files, and ends with us."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._running = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, str(_ROOT)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                cwd="/",
                env={},
                start_new_session=True,
            )

    def ask(self, data: bytes) -> Answer:
        """Raises TimeoutError when it is stuck, _Gone when it is not there any more."""
        self._until = time.monotonic() + _PATIENCE_SECONDS
        try:
            self._ours.settimeout(_PATIENCE_SECONDS)
            self._ours.sendall(QUESTION.pack(len(data)))
            self._ours.sendall(data)
            head, body = ANSWER.unpack(self._read(ANSWER.size))
            if head > MOST_HEAD_BYTES or body > MOST_BODY_BYTES:
                raise _Gone
            told = json.loads(self._read(head))
        except (ConnectionError, ValueError) as error:
            raise _Gone from error
        if not isinstance(told, dict):
            raise _Gone
        return Answer(told, self._read(body))

    def _read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._ours.settimeout(left)
            part = self._ours.recv(min(size - len(found), 1_048_576))
            if not part:
                raise _Gone
            found += part
        return bytes(found)

    def end(self) -> None:
        """Kill it, and the child that it may have."""
        self._ours.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running.pid, signal.SIGKILL)
        self._running.wait()


class Pool:
    """Restricted processes, started when first needed."""

    def __init__(self, size: int = PROCESSES) -> None:
        self._size = size
        self._free = _idle(size)

    def redrawn(self, data: bytes) -> Answer:
        """What a restricted process makes of a file. Raises TryAgain when all stay busy."""
        free = self._free
        try:
            process = free.get(timeout=_WAIT_SECONDS)
        except queue.Empty:
            raise TryAgain(retry_after_seconds=_RETRY_SECONDS) from None
        try:
            # It may have been ended from outside since the last file.
            for _ in range(2):
                process = process or _Process()
                answer = None
                try:
                    answer = process.ask(data)
                    return answer
                except TimeoutError:
                    return Answer({"refused": TOO_DEMANDING}, b"")
                except _Gone:
                    pass
                finally:
                    if answer is None:
                        process.end()
                        process = None
            raise TryAgain(retry_after_seconds=_RETRY_SECONDS)
        finally:
            free.put(process)

    def close(self) -> None:
        """End those that are not busy; the pool may be used again."""
        free, self._free = self._free, _idle(self._size)
        with contextlib.suppress(queue.Empty):
            while True:
                if process := free.get_nowait():
                    process.end()

    def forget(self) -> None:
        """In a forked process: those of the other one are not ours, and not to be ended."""
        self._others = self._free
        self._free = _idle(self._size)


def _idle(size: int) -> queue.LifoQueue[_Process | None]:
    # The last one used is the first one taken: the others start only when it is busy.
    free: queue.LifoQueue[_Process | None] = queue.LifoQueue()
    for _ in range(size):
        free.put(None)
    return free


POOL = Pool()
atexit.register(POOL.close)
os.register_at_fork(after_in_child=POOL.forget)
