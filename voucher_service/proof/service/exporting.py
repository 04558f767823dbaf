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
CHECKPOINTS, KEYS, README = "checkpoints.txt", "keys.txt", "README.txt"
_CHECK = """账目导出。核对：python3 verify_log.py 本目录 [条数 指纹]
条数和指纹取自您早先记下的一条公布的指纹；脚本随源码公开，只需要 Python 和 cryptography。

The sealed log. To check it: python3 verify_log.py THIS_FOLDER [SIZE ROOT]
SIZE and ROOT are those of a published fingerprint that you noted before. The script comes with the
source; it needs Python and its `cryptography` package only.

entries.csv      every entry in order, one a line: its index first, then what happened. Lines end
                 with one line feed; the bytes of a line without it are what is hashed.
leaves.txt       SHA-256(0x00, line) of each entry, in hexadecimal: the leaves of a tree (RFC 6962)
checkpoints.txt  every published head and its signatures (C2SP tlog-checkpoint, tlog-cosignature)
keys.txt         the public keys that signed, as C2SP verifier keys; compare them with those that
                 you know from elsewhere: whoever replaces this file can replace all the others
"""


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
            heads = [row for row in store.checkpoints(session) if row.size <= head.size]
            added = store.cosignatures(session, [row.size for row in heads])
        notes = [row.note + added.get(row.size, "") for row in heads]
        (folder / CHECKPOINTS).write_text("\n".join(reversed(notes)), encoding="utf-8")
        keys = "".join(f"{one}\n" for one in verifiers(core))
        (folder / KEYS).write_text(keys, encoding="utf-8")
        (folder / README).write_text(_CHECK, encoding="utf-8")
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
