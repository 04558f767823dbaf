"""Compare the sealed log with the rows it was made from, and with its own heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from voucher_service.audit import stream as records
from voucher_service.infra.core import Core
from voucher_service.ledger import stream as movements

from .. import store
from ..entry import Entry, Kind, line, persons
from ..store import Leaf
from ..tree import Frontier, leaf_hash
from .sealing import event_of, transfer_of

# Within so long the watch reads every leaf again, half as long as a day: looks may come late.
ROUND = timedelta(hours=12)
_CHUNK = 5_000


def differences(core: Core, *, most: int) -> list[str]:
    """What of the log is not as it was sealed, or what it was made from is not any more.

    At most so many are named. Who was forgotten is compared no further than the log's own line.
    """
    with core.transaction() as session:
        log = _Log(session)
        _, found = log.compared(Frontier(), log.size, most)
        return [*log.uncounted(since=0, sealed=log.size), *found][:most]


def glance(core: Core, *, most: int) -> list[str]:
    """The same of what is new since the last look, and of as much of the rest as is due, so that
    everything is read again within `ROUND`. Once something was found everything is read each time,
    until nothing is.
    """
    with core.transaction() as session:
        row, log, now = store.looked(session), _Log(session), core.now(session)
        if row.suspected:
            found = differences(core, most=most)
        else:
            grown, old = _tree(row.size, row.peaks), _tree(row.old_size, row.old_peaks)
            found = log.uncounted(since=row.xid, sealed=log.size - grown.size)
            if old.size == 0:
                found += log.uncounted(since=0, sealed=log.size)
            elapsed = now - row.looked_at if row.looked_at else timedelta()
            due = max(_CHUNK, -(-log.size * elapsed // ROUND))
            old, among_old = log.compared(old, min(log.size, old.size + due), most)
            grown, among_new = log.compared(grown, log.size, most)
            found = list(dict.fromkeys([*found, *among_old, *among_new]))[:most]
            row.size, row.peaks, row.xid = grown.size, list(grown.peaks), log.xid
            if old.size == log.size:
                old = Frontier()  # the round is done
            row.old_size, row.old_peaks = old.size, list(old.peaks)
        row.suspected, row.looked_at = bool(found), now
        return found


class _Log:
    """The log as it stands, and the heads that its beginnings must have."""

    def __init__(self, session: Session) -> None:
        self._session = session
        state = store.state(session)
        self.size, self.xid = state.size, state.xid
        self._heads = {row.size: bytes(row.root) for row in store.checkpoints(session)}
        self._heads[state.size] = _tree(state.size, state.peaks).root

    def uncounted(self, *, since: int, sealed: int) -> list[str]:
        """Whether as many rows are there as were sealed of the transactions from a number on."""
        counted = (
            of.count(self._session, first=since, below=self.xid) for of in (records, movements)
        )
        if (rows := sum(counted)) == sealed:
            return []
        return [f"{rows} rows to seal of transactions {since} to {self.xid}, {sealed} sealed"]

    def compared(self, tree: Frontier, until: int, most: int) -> tuple[Frontier, list[str]]:
        """Read on from a tree that was compared; how far it came, and what is wrong."""
        found: list[str] = []
        sizes = sorted(one for one in self._heads if tree.size < one <= until)
        while tree.size < until and len(found) < most:
            leaves = store.leaves(self._session, tree.size, min(until, tree.size + _CHUNK))
            found += _odd(self._session, tree.size, leaves)
            for size in [one for one in sizes if tree.size < one <= tree.size + len(leaves)]:
                cut = tree.extended(one.hash for one in leaves[: size - tree.size])
                if cut.root != self._heads[size]:
                    found.append(f"the first {size} leaves are not those of their head")
            tree = tree.extended(one.hash for one in leaves)
            if not leaves:
                found.append(f"leaves from {tree.size} on are gone")
                break
        return tree, found[:most]


def _tree(size: int, peaks: Sequence[bytes]) -> Frontier:
    return Frontier(size, tuple(bytes(one) for one in peaks))


def _odd(session: Session, first: int, leaves: Sequence[Leaf]) -> Iterator[str]:
    entries = _entries(session, leaves)
    about = set().union(*(persons(one) for one in entries.values()))
    salts = store.known_salts(session, about)
    for place, leaf in enumerate(leaves, first):
        named = f"entry {leaf.index} ({leaf.kind} {leaf.number})"
        entry = entries.get((leaf.kind, leaf.number))
        if leaf.index != place or leaf_hash(leaf.line.encode()) != leaf.hash:
            yield f"{named} is not what was sealed"
        elif entry is None:
            yield f"{named} is gone from the books"
        elif not _says(leaf, entry, salts):
            yield f"{named} was changed in the books"


def _says(leaf: Leaf, entry: Entry, salts: Mapping[str, bytes | None]) -> bool:
    about = persons(entry)
    known = {name: salt for name in about if (salt := salts.get(name)) is not None}
    if known.keys() == about:
        return line(leaf.index, entry, known) == leaf.line
    return about <= salts.keys()  # else it names somebody whom the log never met


def _entries(session: Session, leaves: Sequence[Leaf]) -> dict[tuple[str, int], Entry]:
    numbers = {kind: [one.number for one in leaves if one.kind == kind] for kind in Kind}
    found: dict[tuple[str, int], Entry] = {}
    for record in records.numbered(session, numbers[Kind.EVENT]):
        found[Kind.EVENT, record.id] = event_of(record)
    for moved in movements.numbered(session, numbers[Kind.TRANSFER]):
        found[Kind.TRANSFER, moved.id] = transfer_of(moved)
    return found
