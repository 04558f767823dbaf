"""Heads of the log, signed and published: hourly, at the end of the day, and with each report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from voucher_service.infra.core import Core
from voucher_service.kernel.clock import day_of

from .. import notes, store
from ..model import Checkpoint
from ..notes import Head, Verifier
from ..tables import CheckpointRow
from ..tree import Frontier

EVERY = timedelta(hours=1)


def publish(core: Core) -> Checkpoint:
    """The head of the log as it is now, signed; the same again while the log has not grown."""
    with core.transaction() as session:
        state = store.state(session)
        found = store.checkpoint(session, state.size)
        if found is None:
            root = Frontier(state.size, tuple(bytes(one) for one in state.peaks)).root
            key = next(iter(core.keyring.log_keys().values()))
            head = Head(core.settings.proof.origin, state.size, root)
            found = CheckpointRow(
                size=state.size,
                root=root,
                note=notes.signed(head, key),
                occurred_at=core.now(session),
            )
            session.add(found)
            session.flush()
            _append(core, found.note)
        return _view(session, [found])[0]


def publish_due(core: Core) -> int:
    """Publish a head when the last one is an hour old or of the day before, and the log has grown
    since; how many.
    """
    with core.transaction() as session:
        now, newest = core.now(session), store.checkpoints(session, limit=1)
        size = store.state(session).size
        if newest:
            last = newest[0].occurred_at
            due = now - last >= EVERY or day_of(now) != day_of(last)
        if size == 0 or (newest and not (due and newest[0].size < size)):
            return 0
    publish(core)
    return 1


def checkpoints(core: Core, *, below: int | None = None, limit: int) -> list[Checkpoint]:
    """Published heads, the newest first; of fewer leaves than `below`, where that is given."""
    with core.transaction() as session:
        return _view(session, store.checkpoints(session, below=below, limit=limit))


def checkpoint_of(core: Core, *, size: int) -> Checkpoint | None:
    """The published head of a size, if there is one."""
    with core.transaction() as session:
        found = store.checkpoint(session, size)
        return None if found is None else _view(session, [found])[0]


def verifiers(core: Core) -> list[Verifier]:
    """Whose signatures heads carry: the present key first, those before it, the witness last."""
    origin = core.settings.proof.origin
    own = [notes.verifier(origin, key) for key in core.keyring.log_keys().values()]
    key = core.settings.proof.witness_key
    return [*own, notes.parsed_verifier(key)] if key else own


def _append(core: Core, note: str) -> None:
    """A copy where backups and people find it. Twice is as good as once."""
    file = core.settings.proof.file
    if file:
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(note + "\n")


def _view(session: Session, rows: Sequence[CheckpointRow]) -> list[Checkpoint]:
    """With what witnesses added."""
    added = store.cosignatures(session, [row.size for row in rows])
    return [
        Checkpoint(row.size, bytes(row.root), row.note + added.get(row.size, ""), row.occurred_at)
        for row in rows
    ]
