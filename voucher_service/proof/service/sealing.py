"""Take into the log what was written, once it is certain that nothing comes before it any more.

A row carries the number of the transaction that wrote it. Below PostgreSQL's horizon every
transaction has ended, so the rows of a range of numbers are all there, late commits too; nobody
who writes waits for the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy.orm import Session

from voucher_service.audit import stream as records
from voucher_service.audit.stream import Written
from voucher_service.infra.core import Core
from voucher_service.ledger import stream as movements
from voucher_service.ledger.stream import Moved

from .. import store
from ..entry import Entry, Event, Kind, Transfer, account_name, line, persons
from ..model import State
from ..tree import Frontier, Node, leaf_hash

# So many transactions are sealed at once; of one transaction everything, however much.
WINDOW = 20_000
_CHUNK = 5_000


def seal(core: Core, *, window: int = WINDOW) -> int:
    """Seal the next range of transactions; how many leaves. Call until it returns 0.

    One sealer at a time; killed, it leaves nothing behind and the next one begins where it began.
    """
    with core.transaction() as session:
        if not store.alone(session):
            return 0
        state = store.state(session)
        until = store.horizon(session)
        first = state.xid or _beginning(session, until)
        last = min(until, first + window)
        before = state.size
        tree = Frontier(state.size, tuple(bytes(one) for one in state.peaks))
        while True:
            tree = _take(session, tree, first, last)
            if tree.size > before or last >= until:
                break
            # Transactions that recorded nothing are passed by.
            first, last = last, min(until, last + window)
        state.size, state.peaks, state.xid = tree.size, list(tree.peaks), last
        state.sealed_at = core.now(session)
        return tree.size - before


def state(core: Core) -> State:
    """How far the log is."""
    with core.transaction() as session:
        found = store.state(session)
        tree = Frontier(found.size, tuple(bytes(one) for one in found.peaks))
        return State(tree.size, tree.root, found.sealed_at)


def _beginning(session: Session, until: int) -> int:
    found = (records.first_transaction(session), movements.first_transaction(session))
    return min((one for one in found if one is not None), default=until)


def _take(session: Session, tree: Frontier, first: int, last: int) -> Frontier:
    kept: list[Node] = []
    entries = _entries(session, first, last)
    while chunk := list(islice(entries, _CHUNK)):
        salts = store.salts(session, set().union(*(persons(one) for one in chunk)))
        lines = [line(tree.size + place, one, salts) for place, one in enumerate(chunk)]
        hashes = [leaf_hash(one.encode()) for one in lines]
        store.add(
            session,
            (
                (tree.size + place, _kind(one), one.number, lines[place], hashes[place])
                for place, one in enumerate(chunk)
            ),
        )
        tree = tree.extended(hashes, kept)
    store.keep(session, kept)
    return tree


def _entries(session: Session, first: int, last: int) -> Iterator[Entry]:
    for record in records.written(session, first=first, last=last):
        yield event_of(record)
    for moved in movements.written(session, first=first, last=last):
        yield transfer_of(moved)


def event_of(row: Written) -> Event:
    """A record as the log takes it."""
    return Event(
        row.id,
        row.occurred_at,
        row.actor,
        row.action,
        row.object_type,
        row.object_id,
        row.from_status,
        row.to_status,
        row.detail,
    )


def transfer_of(moved: Moved) -> Transfer:
    """A movement as the log takes it."""
    legs = tuple((account_name(owner, id, stage), fen) for owner, id, stage, fen in moved.legs)
    return Transfer(moved.id, moved.occurred_at, moved.code, moved.key, legs)


def _kind(entry: Entry) -> str:
    return Kind.EVENT if isinstance(entry, Event) else Kind.TRANSFER
