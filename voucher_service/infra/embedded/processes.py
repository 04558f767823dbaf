"""Children that die with us: started, watched, stopped, and swept up when a parent was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MARK = "VOUCHER_CHILD"
LOG_LIMIT_BYTES = 5_000_000
# What a killed parent's children may take to end by themselves before they are ended by force.
GRACE_SECONDS = 3.0
_ENTER = Path(__file__).with_name("enter.py")
# Their process title overwrites their environment, so they are known by program and directory.
_SERVER_PROGRAMS = ("postgres", "valkey-server")


class ServerFailed(Exception):
    """A child did not start or did not get ready; the text says which, and its last words."""


@dataclass(frozen=True)
class User:
    """Whom a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Launch:
    """How to run one child: program, arguments, where, as whom, and the signal that ends it."""

    argv: tuple[str, ...]
    directory: Path
    stop_signal: signal.Signals = signal.SIGTERM
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    user: User | None = None


class Child:
    """One child process of a data directory; it lives no longer than the thread that starts it."""

    def __init__(self, data: Path, name: str, launch: Callable[[], Launch]) -> None:
        """`launch` is asked at each start, so that it can put the directory in order first."""
        self.data, self.name = data, name
        self.log = data / "logs" / f"{name}.log"
        self._launch = launch
        self._stop_signal = signal.SIGTERM
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, after what an earlier one left behind is gone. Raises ServerFailed."""
        sweep(self.data, self.name, grace_seconds=0)
        if self._process is not None:
            self._process.wait()  # what was swept away is still ours to bury
        launch = self._launch()
        self._stop_signal = launch.stop_signal
        user = launch.user or User(-1, -1)
        enter = (os.getpid(), int(launch.stop_signal), user.uid, user.gid)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        try:
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(
                    (sys.executable, "-I", "-S", str(_ENTER), *map(str, enter), *launch.argv),
                    cwd=launch.directory,
                    env={**launch.environment, MARK: f"{self.data}:{self.name}"},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    # Ctrl-C is for the parent, which stops its children in order.
                    start_new_session=True,
                )
        except OSError as error:
            raise ServerFailed(f"{self.name} does not start: {error}") from error

    @property
    def pid(self) -> int | None:
        """Its process id, None before the first start."""
        return None if self._process is None else self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self._process is None else self._process.poll()

    def ask_to_stop(self) -> None:
        """Send the signal that ends it well; does not wait."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self._stop_signal)

    def stop(self, timeout_seconds: float = 15) -> None:
        """End it well, or by force after the time; nothing of it is left."""
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        sweep(self.data, self.name, grace_seconds=0)

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        if not self.log.exists():
            return "(it wrote nothing)"
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 4000))
            text = file.read().decode("utf-8", "replace")
        return "\n".join(text.strip().splitlines()[-lines:]) or "(it wrote nothing)"

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Wait for `ready`. Raises ServerFailed when the child ends or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if (code := self.exit_code()) is not None:
                raise ServerFailed(
                    f"{self.name} ended with {code} before it was ready. {self.log} ends:\n"
                    f"{self.last_words()}"
                )
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self.name} is not ready after {timeout_seconds:.0f} s. {self.log} ends:\n"
                    f"{self.last_words()}"
                )
            time.sleep(0.02)


def sweep(data: Path, name: str = "", *, grace_seconds: float = GRACE_SECONDS) -> None:
    """End what is left of the children of `data` (all, or the one named) by force, after a grace.

    Only for the holder of the lock on `data`: then nobody else's live child can be meant.
    """
    deadline = time.monotonic() + grace_seconds
    while left := list(_leftovers(data, name)):
        if time.monotonic() >= deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _leftovers(data: Path, name: str) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.name != str(os.getpid()) and _belongs(entry, data, name):
                yield int(entry.name)
        except OSError:
            continue  # ended meanwhile, or somebody else's


def _belongs(process: Path, data: Path, name: str) -> bool:
    mark = f"{MARK}={data}:{name}".encode()
    for variable in (process / "environ").read_bytes().split(b"\0"):
        if variable == mark or (not name and variable.startswith(mark)):
            return True
    if (process / "exe").readlink().name not in _SERVER_PROGRAMS:
        return False
    directory = (process / "cwd").readlink()
    return directory == data / name if name else directory.parent == data
