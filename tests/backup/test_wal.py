"""The write-ahead log in a folder: what follows on what, what is missing, what a kill leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.backup.test_sealed import KEYRING, keyring
from voucher_service.backup import wal
from voucher_service.backup.folder import Folder
from voucher_service.backup.model import (
    SEGMENT_BYTES,
    BackupDamaged,
    BackupInProgress,
    BackupNotOurs,
    BackupWrongKey,
    lsn,
    parsed_lsn,
    segment_of,
    start_of,
)

NOON = datetime(2026, 9, 23, 4, 0, tzinfo=UTC)
FIRST = segment_of(1, 0x3000000)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "backups")
    made.prepare()
    return made


def received(folder: Folder, pieces: int, *, rest: int = 100) -> None:
    """So many whole pieces, and the beginning of the next, a minute apart."""
    name = FIRST
    for number in range(pieces + 1):
        growing = wal.begin(folder, KEYRING, name)
        size = SEGMENT_BYTES if number < pieces else rest
        growing.add(b"\1" * size, NOON + timedelta(minutes=number))
        if number < pieces:
            growing.finish()
        growing.close()
        name = segment_of(1, growing.end)


def test_places_and_names_are_postgresqls() -> None:
    assert lsn(0x1_6B37_4D48) == "1/6B374D48"
    assert parsed_lsn("1/6B374D48") == 0x1_6B37_4D48
    assert segment_of(1, 0x3000060) == "000000010000000000000003"
    assert segment_of(10, 0x1_FF00_0000) == "0000000A00000001000000FF"
    assert start_of("0000000A00000001000000FF") == 0x1_FF00_0000


def test_whole_pieces_and_the_growing_one_make_a_chain(folder: Folder) -> None:
    received(folder, 2)
    found = wal.chain(folder, KEYRING, timeline=1, place=0x3000028)
    assert [(one.size, one.growing) for one in found.segments] == [
        (SEGMENT_BYTES, False),
        (SEGMENT_BYTES, False),
        (100, True),
    ]
    assert (found.missing, found.reaches) == ("", NOON + timedelta(minutes=2))
    target = folder.path / "out"
    target.mkdir()
    for segment in found.segments:
        wal.unpack(folder, KEYRING, segment, target)
    sizes = {one.name: one.stat().st_size for one in target.iterdir()}
    assert set(sizes.values()) == {SEGMENT_BYTES}
    assert (target / found.segments[2].name).read_bytes().rstrip(b"\0") == b"\1" * 100


def test_a_piece_that_is_put_away_while_somebody_reads_is_read(folder: Folder) -> None:
    growing = wal.begin(folder, KEYRING, FIRST)
    growing.add(b"\1" * SEGMENT_BYTES, NOON)
    (segment,) = wal.chain(folder, KEYRING, timeline=1, place=0x3000028).segments
    assert segment.growing
    growing.finish()
    growing.close()
    assert wal.content(folder, KEYRING, segment) == b"\1" * SEGMENT_BYTES
    assert not wal.facts(folder, KEYRING, FIRST).growing


def test_a_missing_piece_is_named_with_what_lies_before_it(folder: Folder) -> None:
    received(folder, 3)
    second = segment_of(1, start_of(FIRST) + SEGMENT_BYTES)
    (folder.wal / second).unlink()
    found = wal.chain(folder, KEYRING, timeline=1, place=0x3000028)
    assert (found.missing, found.reaches) == (second, NOON)


def test_the_last_pieces_are_missed_too(folder: Folder) -> None:
    received(folder, 1)
    growing = segment_of(1, start_of(FIRST) + SEGMENT_BYTES)
    (folder.wal / f"{growing}.partial").unlink()
    assert wal.chain(folder, KEYRING, timeline=1, place=0x3000028).missing == growing


def test_a_receiver_goes_on_where_the_killed_one_had_answered(folder: Folder) -> None:
    received(folder, 0)
    file = folder.wal / f"{FIRST}.partial"
    with file.open("ab") as torn:
        torn.write(b"\0\0\1\0 half a piece")
    assert wal.newest(folder, 1) == FIRST
    growing = wal.begin(folder, KEYRING, FIRST)
    assert growing.end == start_of(FIRST) + 100
    growing.add(b"\2" * 50, NOON)
    growing.close()
    (segment,) = wal.chain(folder, KEYRING, timeline=1, place=0x3000028).segments
    assert wal.content(folder, KEYRING, segment) == b"\1" * 100 + b"\2" * 50


def test_silence_counts_as_far_as_the_server_said_so(folder: Folder) -> None:
    growing = wal.begin(folder, KEYRING, FIRST)
    growing.add(b"\1", NOON)
    growing.quiet(NOON + timedelta(hours=3))
    growing.close()
    (segment,) = wal.chain(folder, KEYRING, timeline=1, place=0x3000028).segments
    assert (segment.until, segment.quiet_until) == (NOON, NOON + timedelta(hours=3))


def test_another_key_and_a_changed_piece_are_refused(folder: Folder) -> None:
    received(folder, 1)
    with pytest.raises(BackupWrongKey):
        wal.chain(folder, keyring("1:another"), timeline=1, place=0x3000028)
    piece = folder.wal / FIRST
    piece.write_bytes(piece.read_bytes()[:-1])
    with pytest.raises(BackupDamaged):
        wal.chain(folder, KEYRING, timeline=1, place=0x3000028)


def test_old_pieces_go_and_what_a_backup_needs_stays(folder: Folder) -> None:
    received(folder, 3)
    third = segment_of(1, start_of(FIRST) + 2 * SEGMENT_BYTES)
    assert wal.forget(folder, timeline=1, place=start_of(third) + 5) == 2
    assert folder.segments()[0] == third


def test_one_writer_at_a_time_and_one_cluster_a_folder(folder: Folder) -> None:
    with folder.held("wal"), folder.held("base"):
        again = folder.held("wal")
        with pytest.raises(BackupInProgress):
            again.__enter__()
    folder.claim("one")
    folder.claim("one")
    with pytest.raises(BackupNotOurs):
        folder.claim("another")
