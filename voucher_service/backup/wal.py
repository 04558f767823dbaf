"""The write-ahead log in the folder: pieces as files, their facts, and how far they reach."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from voucher_service.infra.secrets import Keyring

from . import sealed
from .folder import PARTIAL, REACHED, Folder, plainly, put, put_all, sync, write
from .model import (
    SEGMENT_BYTES,
    BackupDamaged,
    Segment,
    segment_of,
    start_of,
    timeline_of,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FACTS = ("until", "quiet_until")
_STAMP = struct.Struct(">qq")


@dataclass(frozen=True, slots=True)
class Chain:
    """The pieces from one on that follow each other. `missing` is the first that is not there while
    later ones are, or nothing.
    """

    segments: tuple[Segment, ...]
    missing: str

    @property
    def reaches(self) -> datetime | None:
        """The last instant that it is sure to cover."""
        return max((one.quiet_until for one in self.segments), default=None)


class Growing:
    """The piece that is being received. What was added counts once `flush` came back."""

    def __init__(self, folder: Folder, keyring: Keyring, name: str) -> None:
        self.name, self._keyring, self._folder = name, keyring, folder
        self._file = folder.wal / (name + PARTIAL)
        self._held, self.until = bytearray(), _EPOCH
        self._quiet_until = _EPOCH
        for data, until, quiet_until in _grown(self._file, keyring):
            self._held += data
            self.until, self._quiet_until = until, quiet_until
        self._sealer = sealed.Sealer(keyring, self._file.name)
        # Written anew and not prolonged: after a piece cut short its nonce would be used twice.
        put(self._file, self._sealer.head + self._piece(bytes(self._held)))
        self._out = os.open(self._file, os.O_WRONLY | os.O_APPEND)

    @property
    def end(self) -> int:
        """The place behind its last byte."""
        return start_of(self.name) + len(self._held)

    def add(self, data: bytes, at: datetime) -> None:
        """Append what the server sent at that instant, and wait until the disk has it."""
        self._held += data
        self.until = self._quiet_until = at
        self._append(self._piece(data))

    def quiet(self, at: datetime) -> None:
        """Note that there is nothing more up to an instant."""
        self._quiet_until = max(at, self._quiet_until)
        self._append(self._piece(b""))

    def finish(self) -> None:
        """Put the whole piece in its place, compressed, and drop the growing one."""
        instants = (self.until.isoformat(), self._quiet_until.isoformat())
        whole = json.dumps(dict(zip(_FACTS, instants, strict=True))).encode() + b"\n" + self._held

        def fill(descriptor: int) -> None:
            with os.fdopen(os.dup(descriptor), "wb") as out:
                writer = sealed.Writer(out, self._keyring, self.name)
                writer.write(whole)
                writer.close()

        write(self._folder.wal / self.name, fill)
        self._file.unlink()

    def close(self) -> None:
        """Nothing more is added by us."""
        os.close(self._out)

    def _piece(self, data: bytes) -> bytes:
        stamp = _STAMP.pack(_micros(self.until), _micros(self._quiet_until))
        return self._sealer.piece(stamp + data)

    def _append(self, piece: bytes) -> None:
        put_all(self._out, piece)
        os.fdatasync(self._out)


def finish_full(folder: Folder, keyring: Keyring) -> None:
    """Put away full pieces that a killed receiver left as they grew; for the holder of `wal`."""
    for file in folder.segments():
        name = file.removesuffix(PARTIAL)
        if name != file and facts(folder, keyring, name).size == SEGMENT_BYTES:
            with plainly():
                if (folder.wal / name).exists():
                    (folder.wal / file).unlink()
                    continue
                full = Growing(folder, keyring, name)
                full.finish()
                full.close()


def begin(folder: Folder, keyring: Keyring, name: str) -> Growing:
    """Open the piece of that name, with what is there of it, and note that it was begun."""
    with plainly():
        made = Growing(folder, keyring, name)
        try:
            put(folder.wal / REACHED, name.encode())
        except OSError:
            made.close()
            raise
        return made


def newest(folder: Folder, timeline: int) -> str:
    """The name of the piece to go on with: the growing one, or the one behind the last whole one.

    Empty where nothing of that timeline was received.
    """
    mine = [one for one in folder.segments() if timeline_of(one[:24]) == timeline]
    whole = [one for one in mine if len(one) == 24]
    growing = [one[:24] for one in mine if one.endswith(PARTIAL)]
    after = [segment_of(timeline, start_of(one) + SEGMENT_BYTES) for one in whole[-1:]]
    return max([*growing, *after], default="")


def chain(folder: Folder, keyring: Keyring, *, timeline: int, place: int) -> Chain:
    """The pieces that follow each other from a place on. Raises BackupWrongKey, BackupDamaged."""
    there = set(folder.segments())
    known = {one[:24] for one in there} | {folder.reached()}
    last = max((one for one in known if one and timeline_of(one) == timeline), default="")
    found: list[Segment] = []
    name = segment_of(timeline, place)
    while name in there or name + PARTIAL in there:
        found.append(facts(folder, keyring, name))
        name = segment_of(timeline, start_of(name) + SEGMENT_BYTES)
        if found[-1].size < SEGMENT_BYTES:
            name = found[-1].name if found[-1].name < last else name
            break
    return Chain(tuple(found), name if name <= last else "")


def facts(folder: Folder, keyring: Keyring, name: str) -> Segment:
    """What a piece covers. Raises BackupWrongKey, BackupDamaged."""
    file = folder.wal / name
    if not file.exists():
        grown = list(_grown(file.with_name(name + PARTIAL), keyring))
        if grown or not file.exists():  # else a live receiver has put it away meanwhile
            size = sum(len(data) for data, _, _ in grown)
            _, until, quiet_until = grown[-1] if grown else (b"", _EPOCH, _EPOCH)
            return Segment(name, size, until, quiet_until, growing=True)
    with plainly(), file.open("rb") as opened:
        told, _, _ = next(sealed.read(opened, keyring, name)).partition(b"\n")
    try:
        said = json.loads(told)
        until, quiet_until = (datetime.fromisoformat(said[one]) for one in _FACTS)
    except (ValueError, TypeError, KeyError) as error:
        raise BackupDamaged(file=name) from error
    return Segment(name, SEGMENT_BYTES, until, quiet_until)


def unpack(folder: Folder, keyring: Keyring, segment: Segment, target: Path) -> None:
    """Write a piece below a folder as PostgreSQL wants it: 16 MiB, nothing behind its last byte.

    Raises BackupWrongKey, BackupDamaged.
    """
    with plainly(), (target / segment.name).open("wb") as out:
        out.write(content(folder, keyring, segment))
        out.truncate(SEGMENT_BYTES)


def content(folder: Folder, keyring: Keyring, segment: Segment) -> bytes:
    """The bytes of a piece. Raises BackupWrongKey, BackupDamaged."""
    whole, held = folder.wal / segment.name, b""
    if segment.growing:
        growing = whole.with_name(segment.name + PARTIAL)
        held = b"".join(data for data, _, _ in _grown(growing, keyring))
    # A live receiver may have put it away since it was looked at.
    if len(held) < segment.size and whole.exists():
        with plainly(), whole.open("rb") as opened:
            held = b"".join(sealed.read(opened, keyring, segment.name)).partition(b"\n")[2]
    if len(held) < segment.size:
        raise BackupDamaged(file=segment.name)
    return held


def forget(folder: Folder, *, timeline: int, place: int) -> int:
    """Delete the pieces before the one that holds a place, older timelines' too; how many."""
    first = segment_of(timeline, place)
    old = [one for one in folder.segments() if one[:24] < first]
    with plainly():
        for one in old:
            (folder.wal / one).unlink()
        sync(folder.wal)
    return len(old)


def _grown(file: Path, keyring: Keyring) -> Iterator[tuple[bytes, datetime, datetime]]:
    if not file.exists():
        return
    with file.open("rb") as opened:
        for piece in sealed.read_growing(opened, keyring, file.name):
            until, quiet_until = _STAMP.unpack_from(piece)
            yield piece[_STAMP.size :], _instant(until), _instant(quiet_until)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
