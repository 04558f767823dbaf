"""Heads of the log, signed and published: hourly, at the end of the day, and with each report."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from voucher_service.infra.core import Core

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
        return _view(found)


def publish_due(core: Core) -> int:
    """Publish a head when the last one is an hour old or of the day before; how many."""
    with core.transaction() as session:
        now, newest = core.now(session), store.checkpoints(session, limit=1)
        grown = not newest or newest[0].size < store.state(session).size
        if not grown or (newest and now - newest[0].occurred_at < EVERY):
            return 0
    publish(core)
    return 1


def checkpoints(core: Core, *, below: int | None = None, limit: int) -> list[Checkpoint]:
    """Published heads, the newest first; of fewer leaves than `below`, where that is given."""
    with core.transaction() as session:
        return [_view(row) for row in store.checkpoints(session, below=below, limit=limit)]


def checkpoint_of(core: Core, *, size: int) -> Checkpoint | None:
    """The published head of a size, if there is one."""
    with core.transaction() as session:
        found = session.scalars(select(CheckpointRow).where(CheckpointRow.size == size)).first()
        return None if found is None else _view(found)


def verifiers(core: Core) -> list[Verifier]:
    """Whose signatures heads carry: the present key first, then those before it."""
    origin = core.settings.proof.origin
    return [notes.verifier(origin, key) for key in core.keyring.log_keys().values()]


def _view(row: CheckpointRow) -> Checkpoint:
    return Checkpoint(row.size, bytes(row.root), row.note, row.occurred_at)
