"""Hand out packs: each copy is made anew from the books, and is the one that was recorded."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from voucher_service.audit import service as audit
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.errors import DomainError, NotAllowed, TryAgain
from voucher_service.kernel.ids import new_id
from voucher_service.proof import service as proof
from voucher_service.reports import verification
from voucher_service.settlement import service as settlement
from voucher_service.settlement.lifecycles import BATCH, BatchStatus
from voucher_service.settlement.model import Batch, BatchId

from . import store
from .making import make
from .model import ONLINE, Facts, Pack, PackId, PackTooEarly, PackTooLarge
from .parcel import sha256_of

_FIXED = frozenset(
    {BatchStatus.REVIEWED, BatchStatus.APPROVED, BatchStatus.SENT, BatchStatus.CLOSED}
)
_RETRY_SECONDS = 5
# The batches that are closed and whose pack as it is since then is not on record yet.
_DUE = text("""
SELECT b.id FROM settlement b
WHERE b.status = 'closed' AND b.payments > 0 AND NOT EXISTS (
    SELECT FROM finance_pack k WHERE k.batch_id = b.id AND k.facts->>'standing' LIKE 'closed %')
ORDER BY b.closed_at
""")


def hand_out(
    core: Core, *, actor: Actor, batch: BatchId, out: IO[bytes], most: int | None = None
) -> Pack:
    """Write a batch's pack; it holds account numbers, and who took it goes on record.

    A copy has the bytes of the one before; where the books say otherwise now, it has a number of
    its own. `most`: of more redemptions it is refused. Raises NotAllowed, NoSuchThing,
    PackTooEarly, PackTooLarge, PackDoesNotTie, FontsMissing, TryAgain.
    """
    if actor.kind is not ActorKind.SYSTEM and not actor.has(Role.FINANCE):
        raise NotAllowed
    found = settlement.batch(core, actor=actor, batch=batch)
    if found.status not in _FIXED:
        raise PackTooEarly
    if most is not None and found.items > most:
        raise PackTooLarge(n=found.items, most=most)
    with core.transaction() as session:
        last = store.newest(session, found.id)
    if last is not None and last.facts.standing == _standing(found):
        with _made(core, found, last.facts) as copy:
            if sha256_of(copy) == last.sha256:
                _copy(copy, out)
                _record(core, actor, last, "finance_pack.handed_out")
                return last
    facts = _look(core, found)
    with _made(core, found, facts) as copy:
        number, size = (1 if last is None else last.number + 1), copy.tell()
        id = PackId(new_id())
        pack = Pack(id, found.id, number, facts, sha256_of(copy), size, actor.name)
        _record(core, actor, pack, "finance_pack.made", new=True)
        _copy(copy, out)
    return pack


def hand_out_online(core: Core, *, actor: Actor, batch: BatchId, out: IO[bytes]) -> Pack:
    """As `hand_out`, for who waits at a page: not of the largest batches."""
    return hand_out(core, actor=actor, batch=batch, out=out, most=ONLINE)


def record_due(core: Core) -> int:
    """Put the packs of batches that were closed on record; how many.

    One that can't be made keeps no other one waiting; what the last of them raised is raised.
    """
    with core.transaction() as session:
        due: list[UUID] = list(session.execute(_DUE).scalars())
    failed: DomainError | None = None
    for batch in due:
        try:
            with tempfile.TemporaryFile() as nowhere:
                hand_out(core, actor=SYSTEM, batch=BatchId(batch), out=nowhere)
        except DomainError as error:
            failed = error
    if failed is not None:
        raise failed
    return len(due)


@contextmanager
def _made(core: Core, batch: Batch, facts: Facts) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as copy:
        make(core, batch=batch, facts=facts, out=copy)
        yield copy


def _copy(copy: IO[bytes], out: IO[bytes]) -> None:
    copy.seek(0)
    shutil.copyfileobj(copy, out)


def _look(core: Core, batch: Batch) -> Facts:
    """How the books stand now, with a head of the log that is published for it."""
    head = proof.publish(core)
    found = verification.verify(core)
    with core.transaction() as session:
        now = core.now(session)
    return Facts(
        at=now,
        standing=_standing(batch),
        size=head.size,
        root=head.fingerprint,
        note=head.note,
        invariants=found.invariants,
        vouchers=found.vouchers,
        redemptions=found.redemptions,
        transfers=found.transfers,
        events=found.events,
        cases=tuple(f"{one.invariant}: {one.detail}" for one in found.breaches),
    )


def _standing(batch: Batch) -> str:
    return f"{batch.status} {batch.paid} {batch.bounced} {batch.returned}"


def _record(core: Core, actor: Actor, pack: Pack, action: str, *, new: bool = False) -> None:
    try:
        with core.transaction() as session:
            if new:
                store.add(session, pack)
            audit.record(
                session,
                actor=actor,
                action=action,
                object_type=BATCH.name,
                object_id=str(pack.batch_id),
                now=core.now(session),
                detail={"number": pack.number, "sha256": pack.sha256, "size": pack.size},
            )
    except IntegrityError as error:  # somebody else made the same at the same moment
        raise TryAgain(retry_after_seconds=_RETRY_SECONDS) from error
