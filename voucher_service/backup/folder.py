"""Where backups stand: a folder on another disk or machine, or a bucket that is mounted as one.

system                      which PostgreSQL cluster it belongs to
base/NAME/manifest.json     written last: without it there is no backup of that name
base/NAME/base.tar.sealed   the files of the database
base/NAME/files.sealed      PostgreSQL's own list of them with hashes
wal/SEGMENT                 16 MiB of the write-ahead log
wal/SEGMENT.partial         the piece that is still growing
wal/reached                 the newest piece that was begun
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .model import BackupFolderFailed, BackupInProgress, BackupNotFound, BackupNotOurs

MANIFEST, TAR, FILES = "manifest.json", "base.tar.sealed", "files.sealed"
PARTIAL, REACHED = ".partial", "reached"
_NEW = ".new"
_SEGMENT = re.compile(r"[0-9A-F]{24}(\.partial)?")


class Folder:
    """The files of one installation's backups. Raises BackupFolderFailed where the disk does."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.base, self.wal = self.path / "base", self.path / "wal"

    def prepare(self) -> None:
        """Make it, for its owner alone."""
        with plainly():
            for one in (self.path, self.base, self.wal):
                one.mkdir(parents=True, exist_ok=True, mode=0o700)

    def remove_drafts(self) -> None:
        """Delete what a killed receiver was about to put in its place; for the holder of `wal`."""
        with plainly():
            for one in self.wal.glob(f"*{_NEW}"):
                one.unlink()

    def claim(self, system: str) -> None:
        """Note or compare whose it is. Raises BackupNotOurs."""
        with plainly():
            if not (self.path / "system").exists():
                put(self.path / "system", system.encode())
            if (self.path / "system").read_text("ascii") != system:
                raise BackupNotOurs(folder=str(self.path))

    @contextmanager
    def held(self, part: str) -> Iterator[None]:
        """Nobody else writes into that part until the end of the block, or of this process.

        Raises BackupInProgress.
        """
        with plainly():
            descriptor = os.open(self.path / f"{part}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with plainly():
                self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupInProgress(folder=str(self.path)) from error

    def names(self) -> list[str]:
        """The whole backups, the oldest first: their names are instants."""
        with plainly():
            return sorted(one.parent.name for one in self.base.glob(f"*/{MANIFEST}"))

    def manifest(self, name: str) -> str:
        """The text of a manifest. Raises BackupNotFound."""
        try:
            return (self.base / name / MANIFEST).read_text("utf-8")
        except FileNotFoundError:
            raise BackupNotFound(folder=str(self.path), name=name) from None

    def remove(self, name: str) -> None:
        """Delete a backup. Its manifest goes first, so that half of it is never taken for whole."""
        with plainly():
            (self.base / name / MANIFEST).unlink(missing_ok=True)
            sync(self.base / name)
            shutil.rmtree(self.base / name)

    def remove_halves(self) -> list[str]:
        """Delete what killed backups left behind; for the holder of `base`."""
        with plainly():
            halves = sorted(
                one.name for one in self.base.iterdir() if not (one / MANIFEST).exists()
            )
        for name in halves:
            self.remove(name)
        return halves

    def segments(self) -> list[str]:
        """The names of the whole pieces of the write-ahead log, and of those that still grow."""
        with plainly():
            names = (one.name for one in self.wal.iterdir())
            return sorted(one for one in names if _SEGMENT.fullmatch(one))

    def reached(self) -> str:
        """The newest piece of the write-ahead log that was begun, or nothing."""
        file = self.wal / REACHED
        with plainly():
            return file.read_text("ascii") if file.exists() else ""


def put(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and wait until the disk has it. Raises OSError."""
    write(path, lambda out: put_all(out, data))


def write(path: Path, fill: Callable[[int], object]) -> None:
    """Have a file filled through its descriptor, whole or not at all. Raises OSError."""
    draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}{_NEW}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fill(descriptor)
        os.fsync(descriptor)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    draft.replace(path)
    sync(path.parent)


def put_all(descriptor: int, data: bytes) -> None:
    """Write all of it: a disk that fills up takes less than it was given. Raises OSError."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def sync(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def plainly() -> Iterator[None]:
    """Say which file failed and why. Raises BackupFolderFailed."""
    try:
        yield
    except OSError as error:
        raise BackupFolderFailed(
            file=str(error.filename or ""), reason=error.strerror or str(error)
        ) from error
