"""The log in files that anybody can check: entries, leaves, heads, and the keys that signed."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core

from .. import store
from ..entry import HEADER
from .publishing import publish, verifiers

ENTRIES, LEAVES = "entries.csv", "leaves.txt"
CHECKPOINTS, KEYS = "checkpoints.txt", "keys.txt"


def export(core: Core, *, folder: Path) -> int:
    """Write the log up to its present head into a folder that is new; how many entries.

    Each file is whole or not there. Raises FileExistsError when the folder holds something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(folder)
    head = publish(core)
    try:
        with core.transaction() as session:
            _write_leaves(session, folder, head.size)
            notes = [row.note for row in store.checkpoints(session) if row.size <= head.size]
        (folder / CHECKPOINTS).write_text("\n".join(reversed(notes)), encoding="utf-8")
        keys = "".join(f"{one}\n" for one in verifiers(core))
        (folder / KEYS).write_text(keys, encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return head.size


def _write_leaves(session: Session, folder: Path, size: int) -> None:
    with (
        (folder / ENTRIES).open("w", encoding="utf-8") as entries,
        (folder / LEAVES).open("w", encoding="ascii") as leaves,
    ):
        entries.write(",".join(HEADER) + "\n")
        for line, hash in store.lines(session, size):
            entries.write(line + "\n")
            leaves.write(hash.hex() + "\n")
