"""The files of a base backup: taken out of their tar, each compared with PostgreSQL's own list."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from voucher_service.infra.secrets import Keyring

from . import sealed
from .folder import FILES, TAR, Folder
from .model import BackupDamaged, BackupNotFound

_CHUNK = 1 << 20
# The log that a backup needs is in its tar and not in the list: it has checks of its own.
_UNLISTED = "pg_wal/"


@dataclass(frozen=True, slots=True)
class Listing:
    """PostgreSQL's list: path → (bytes, SHA-256)."""

    files: Mapping[str, tuple[int, str]]

    @classmethod
    def read(cls, folder: Folder, keyring: Keyring, name: str) -> Listing:
        """Of a backup. Raises BackupWrongKey, BackupDamaged, BackupNotFound."""
        text = b"".join(_plain(folder, keyring, name, FILES))
        try:
            files = json.loads(text)["Files"]
            return cls({one["Path"]: (one["Size"], one["Checksum"]) for one in files})
        except (ValueError, KeyError) as error:
            raise BackupDamaged(file=FILES) from error


def check(folder: Folder, keyring: Keyring, name: str, listing: Listing) -> int:
    """Read every file of a backup; how many. Raises BackupWrongKey, BackupDamaged."""
    return _walk(folder, keyring, name, listing, None)


def unpack(folder: Folder, keyring: Keyring, name: str, listing: Listing, target: Path) -> int:
    """Write every file of a backup below a folder that is new; how many.

    Raises BackupWrongKey, BackupDamaged, OSError.
    """
    return _walk(folder, keyring, name, listing, target)


def _walk(
    folder: Folder, keyring: Keyring, name: str, listing: Listing, target: Path | None
) -> int:
    left, count = dict(listing.files), 0
    pieces = _plain(folder, keyring, name, TAR)
    try:
        with tarfile.open(fileobj=_Stream(pieces), mode="r|", bufsize=_CHUNK) as tar:
            for member in tar:
                _place(member.name)
                if member.isdir():
                    if target is not None:
                        (target / member.name).mkdir(mode=0o700, parents=True, exist_ok=True)
                    continue
                content = tar.extractfile(member)
                if content is None:
                    raise BackupDamaged(file=member.name)
                found = _copy(content, None if target is None else target / member.name)
                path = member.name.removeprefix("./")
                listed = left.pop(path, None)
                if listed != found and (listed or not path.startswith(_UNLISTED)):
                    raise BackupDamaged(file=path)
                count += 1
    except tarfile.TarError as error:
        raise BackupDamaged(file=TAR) from error
    for _ in pieces:  # what stands behind the tar's end is checked too
        pass
    if left:
        raise BackupDamaged(file=min(left))
    return count


def _copy(content: IO[bytes], target: Path | None) -> tuple[int, str]:
    """Size and SHA-256 of a file, written where it belongs; PostgreSQL flushes it at its start."""
    size, hash = 0, hashlib.sha256()
    out = None if target is None else target.open("xb")
    try:
        while data := content.read(_CHUNK):
            hash.update(data)
            size += len(data)
            if out is not None:
                out.write(data)
        if out is not None:
            os.fchmod(out.fileno(), 0o600)
    finally:
        if out is not None:
            out.close()
    return size, hash.hexdigest()


def _place(name: str) -> None:
    """Every file stays below the folder. Raises BackupDamaged."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BackupDamaged(file=name)


def _plain(folder: Folder, keyring: Keyring, backup: str, name: str) -> Iterator[bytes]:
    try:
        opened = (folder.base / backup / name).open("rb")
    except FileNotFoundError:
        raise BackupNotFound(folder=str(folder.path), name=f"{backup}/{name}") from None
    with opened:
        yield from sealed.read(opened, keyring, f"{backup}/{name}")


class _Stream(io.RawIOBase):
    """Pieces as a file that is read from its beginning to its end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """As much as is there of what is wanted; nothing at the end."""
        wanted, parts = size, []
        while wanted:
            if not self._held:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._held = memoryview(piece)
                continue
            part, self._held = self._held[:wanted], self._held[wanted:]
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)
