"""What a sealed file refuses: other keys, other names, anything cut, moved or changed."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from voucher_service import settings as settings_module
from voucher_service.backup import sealed
from voucher_service.backup.model import BackupDamaged, BackupWrongKey
from voucher_service.infra.secrets import Keyring

SECRETS = settings_module.load({"VOUCHER_ENV": "test"}).secrets
KEYRING = Keyring(SECRETS)
DATA = Random(1).randbytes(2_500_000)


def keyring(keys: str) -> Keyring:
    return Keyring(replace(SECRETS, backup_keys=keys))


def written(path: Path, data: bytes = DATA, name: str = "one") -> bytes:
    with path.open("wb") as out:
        writer = sealed.Writer(out, KEYRING, name)
        for start in range(0, len(data), 30_000):
            writer.write(data[start : start + 30_000])
        size, _ = writer.close()
    found = path.read_bytes()
    assert len(found) == size
    return found


def opened(data: bytes, ring: Keyring = KEYRING, name: str = "one") -> bytes:
    return b"".join(sealed.read(io.BytesIO(data), ring, name))


def test_a_file_is_read_as_it_was_written_and_shows_nothing_of_it(tmp_path: Path) -> None:
    data = written(tmp_path / "one")
    assert opened(data) == DATA
    assert DATA[:64] not in data
    assert opened(written(tmp_path / "none", b"")) == b""


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    data = written(tmp_path / "one")
    for length in [*range(60), len(data) // 2, len(data) - 1]:
        with pytest.raises(BackupDamaged):
            opened(data[:length])


def test_a_piece_left_out_moved_or_added_is_noticed(tmp_path: Path) -> None:
    data = written(tmp_path / "one")
    head, pieces, place = data[: sealed.HEAD_BYTES], [], sealed.HEAD_BYTES
    while place < len(data):
        end = place + 4 + int.from_bytes(data[place : place + 4], "big")
        pieces.append(data[place:end])
        place = end
    assert len(pieces) > 1
    for changed in (pieces[:-1], pieces[1:], pieces[::-1], [*pieces, pieces[-1]]):
        with pytest.raises(BackupDamaged):
            opened(head + b"".join(changed))


def test_one_bit_anywhere_is_noticed(tmp_path: Path) -> None:
    data = written(tmp_path / "one", b"a little")
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises((BackupDamaged, BackupWrongKey)):
            opened(bytes(changed))


def test_a_file_under_anothers_name_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(BackupDamaged):
        opened(written(tmp_path / "one"), name="two")


def test_another_key_is_named_and_an_old_one_still_opens(tmp_path: Path) -> None:
    data = written(tmp_path / "one")
    for other in ("1:another", "2:development-only-backup-key"):
        with pytest.raises(BackupWrongKey) as refused:
            opened(data, keyring(other))
        assert refused.value.params["number"] == 1
    assert opened(data, keyring(f"2:newer,{SECRETS.backup_keys}")) == DATA


def test_a_growing_file_ends_before_a_piece_that_was_cut_short() -> None:
    sealer = sealed.Sealer(KEYRING, "grows")
    pieces = [sealer.piece(text) for text in (b"one", b"two", b"three")]
    whole = sealer.head + b"".join(pieces)

    def read(data: bytes) -> list[bytes]:
        return list(sealed.read_growing(io.BytesIO(data), KEYRING, "grows"))

    assert read(whole) == [b"one", b"two", b"three"]
    for cut in range(1, len(pieces[2]) + 1):
        assert read(whole[:-cut]) == [b"one", b"two"]
    torn = bytearray(whole)
    torn[-1] ^= 1
    assert read(bytes(torn)) == [b"one", b"two"]
    torn[len(whole) - len(pieces[2]) - 1] ^= 1
    with pytest.raises(BackupDamaged):
        read(bytes(torn))
