"""A receiver that is refused again and again keeps nothing open."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest

from tests.backup.test_sealed import KEYRING
from voucher_service.backup import receiving, wal
from voucher_service.backup.folder import Folder
from voucher_service.backup.model import BackupFolderFailed, BackupServerFailed, segment_of
from voucher_service.backup.replication import Server


class Refusing:
    """A server whose slot somebody else holds."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def identify(self) -> Server:
        return Server("1", 1, 0x3000060, 180000)

    def keep_for(self, _slot: str) -> None:
        pass

    def receive(self, *_: Any) -> None:
        raise BackupServerFailed(reason="replication slot is active")


def opened() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_refused_receiver_asks_again_with_nothing_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "Replication", Refusing)
    monkeypatch.setattr(receiving, "_PAUSE_SECONDS", 0.0)
    folder, said, before = Folder(tmp_path / "backups"), [], opened()
    turns = iter([False] * 5 + [True])
    receiving.receive("", folder, KEYRING, asked_to_stop=lambda: next(turns), say=said.append)
    assert opened() == before
    assert len(said) == 1  # once, not every second of an outage
    assert "slot is active" in said[0]


def test_a_piece_that_cannot_be_noted_as_begun_is_closed_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "backups")
    folder.prepare()
    (folder.wal / "reached").mkdir()
    before = opened()
    with pytest.raises(BackupFolderFailed):
        wal.begin(folder, KEYRING, segment_of(1, 0x3000000))
    assert opened() == before
