"""Large files on their way in: written to one folder as they come, read by a job, then removed.

The folder is one that the faces and the schedule share. What an interrupted request left there
is swept away after a day.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from voucher_service.kernel.errors import Unavailable
from voucher_service.settings import Settings, SettingsError

_COMING = "coming-"
_LEFT_SECONDS = 24 * 3600
# What stays free whatever comes, so that a file does not take what the servers need.
_RESERVE_BYTES = 256 * 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StorageFull(Unavailable):
    """The folder of uploads has too little room for a file; nothing of it is kept."""

    code = "storage_full"


class StorageAway(Unavailable):
    """The folder of uploads is not there: a share that is not mounted, say. Nothing is lost."""

    code = "storage_away"


@contextmanager
def _room() -> Iterator[None]:
    """What fails for want of room raises StorageFull. Some disks say so only at the end."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from None
        raise


class Incoming(io.FileIO):
    """A file that is being sent: gone when it is closed, unless it was kept. Raises StorageFull."""

    def __init__(self, folder: Path) -> None:
        with _room():
            handle, name = tempfile.mkstemp(prefix=_COMING, dir=folder)
        super().__init__(handle, "r+")
        self.path = Path(name)

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Write all of it. Raises StorageFull."""
        left = memoryview(data)
        with _room():
            while left:
                left = left[super().write(left) :]
        return len(data)

    def close(self) -> None:
        """Close it, and remove what was not kept."""
        if not self.closed:
            super().close()
            self.path.unlink(missing_ok=True)


def folder(settings: Settings) -> Path:
    """Where files wait: `matching.folder`, or one of this machine for a single machine. In
    production it is never made: that would be a folder of one machine where the share is away.

    Raises StorageAway.
    """
    found = Path(settings.matching.folder or Path(tempfile.gettempdir()) / "voucher-uploads")
    if not settings.production:
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not found.is_dir():
        raise StorageAway
    return found


def check_folder(settings: Settings) -> None:
    """Whether the folder can be used: asked in production at the start of those that use it.

    Raises SettingsError.
    """
    if not settings.production:
        return
    place = settings.matching.folder
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"x")
    except OSError as error:
        raise SettingsError(
            f"matching.folder: {place} can't be written: {error.strerror or error}. Make or mount"
            " it for the user of this process, the same for the admin face and the schedule, or"
            " name another in VOUCHER__MATCHING__FOLDER"
        ) from None


def check_room(place: Path, size_bytes: int) -> None:
    """Raises StorageFull when a file of that size would not leave enough free."""
    if shutil.disk_usage(place).free < size_bytes + _RESERVE_BYTES:
        raise StorageFull


def keep(incoming: Incoming, place: Path, id: UUID) -> None:
    """Give a whole file its name, once it is on disk. Raises StorageFull."""
    with _room():
        os.fsync(incoming.fileno())
        os.link(incoming.path, place / str(id))


def opened(place: Path, id: UUID) -> BinaryIO:
    """A kept file. Raises FileNotFoundError."""
    return (place / str(id)).open("rb")


def drop(place: Path, id: UUID) -> None:
    """Remove a file that is no longer needed, if it is there."""
    (place / str(id)).unlink(missing_ok=True)


def sweep(place: Path, waiting: Collection[UUID]) -> int:
    """Remove what is older than a day and waits for nobody; how many files."""
    before, known = time.time() - _LEFT_SECONDS, {str(one) for one in waiting}
    old = [
        one
        for one in place.iterdir()
        if one.is_file() and one.name not in known and one.stat().st_mtime < before
    ]
    for one in old:
        one.unlink(missing_ok=True)
    return len(old)
