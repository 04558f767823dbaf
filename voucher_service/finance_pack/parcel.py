"""A zip of several files and their hashes, written piece by piece: the same files, the same bytes.

No file is held in memory; each waits on disk until it is packed.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Self

_PIECE = 1 << 20
_UNIX = 3
_READABLE = 0o100644 << 16
_NEVER = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Packed:
    """A file as it was packed: its size in bytes and its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Parcel:
    """A zip that is being filled. Its files bear no date and stand in the order they came in."""

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self.files: list[Packed] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """Somewhere to write a file, which is packed when the block ends well."""
        with tempfile.TemporaryFile() as waiting:
            yield waiting
            self._pack(name, waiting)

    def add(self, name: str, content: bytes) -> None:
        """Pack a small file."""
        with self.file(name) as out:
            out.write(content)

    def _pack(self, name: str, waiting: IO[bytes]) -> None:
        info = zipfile.ZipInfo(name, _NEVER)
        info.create_system, info.external_attr = _UNIX, _READABLE
        # A workbook is a zip already.
        stored = name.endswith(".xlsx")
        info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        info.file_size = waiting.tell()
        sha256 = sha256_of(waiting)
        waiting.seek(0)
        with self._zip.open(info, "w") as target:
            shutil.copyfileobj(waiting, target, _PIECE)
        self.files.append(Packed(name, info.file_size, sha256))


def sha256_of(file: IO[bytes]) -> str:
    """The SHA-256 of a file from its beginning, in hex."""
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
