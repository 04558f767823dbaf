"""Ways to die: before a statement, before or after a commit, by SIGKILL, and with the server."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from random import Random
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from voucher_service.infra.core import Core


class Crash(StrEnum):
    """What happens to an operation under way."""

    BACKEND_KILLED = "backend killed before a statement"
    COMMIT_LOST = "backend killed before the commit"
    ANSWER_LOST = "answer lost after the commit"
    PROCESS_KILLED = "process killed (SIGKILL)"


class AnswerLostError(Exception):
    """The commit was made; nobody was told."""


class Crashes:
    """Lets the next operation on an engine die in one of the ways."""

    def __init__(self, engine: Engine, kill: Callable[[int], None], random: Random) -> None:
        self._engine, self._end, self._random = engine, kill, random
        self._crash: Crash | None = None
        self._left = 0
        event.listen(engine, "before_cursor_execute", self._before_statement)
        event.listen(engine, "commit", self._before_commit)
        event.listen(Session, "after_commit", self._after_commit)

    def close(self) -> None:
        """Let everything live."""
        event.remove(self._engine, "before_cursor_execute", self._before_statement)
        event.remove(self._engine, "commit", self._before_commit)
        event.remove(Session, "after_commit", self._after_commit)

    @contextmanager
    def armed(self, crash: Crash) -> Iterator[None]:
        """Within the block, the chosen crash strikes once."""
        self._crash, self._left = crash, self._random.randint(0, 7)
        if crash is not Crash.BACKEND_KILLED:
            self._left = int(self._random.random() < 0.2)
        try:
            yield
        finally:
            self._crash = None

    def _due(self, crash: Crash) -> bool:
        if self._crash is not crash:
            return False
        self._left -= 1
        if self._left >= 0:
            return False
        self._crash = None
        return True

    def _before_statement(self, connection: Any, *_: Any) -> None:
        if self._due(Crash.BACKEND_KILLED):
            self._kill(connection)

    def _before_commit(self, connection: Any) -> None:
        if self._due(Crash.COMMIT_LOST):
            self._kill(connection)

    def _after_commit(self, _session: Session) -> None:
        if self._due(Crash.ANSWER_LOST):
            raise AnswerLostError

    def _kill(self, connection: Any) -> None:
        self._end(connection.connection.dbapi_connection.info.backend_pid)


def in_a_process(
    core: Core, act: Callable[[Core], Any], kill_after_seconds: float
) -> tuple[bool, Any]:
    """Run it in a child that is killed after a while. Whether it answered, and what."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        _be_the_child(core, act, writes)
    os.close(writes)
    time.sleep(kill_after_seconds)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reads, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    try:
        return True, pickle.loads(told)
    except (EOFError, pickle.UnpicklingError):
        return False, None


def _be_the_child(core: Core, act: Callable[[Core], Any], writes: int) -> None:
    """Never returns. Connections of its own: those of the parent are the parent's."""
    try:
        os.write(writes, pickle.dumps(act(replace(core))))
    finally:
        os._exit(0)  # whatever it is, the parent hears no more
