"""Compare the sealed log with the rows it was made from, and with its own heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from voucher_service.audit import stream as records
from voucher_service.infra.core import Core
from voucher_service.ledger import stream as movements

from .. import store
from ..entry import Entry, Kind, line, persons
from ..store import Leaf
from ..tree import Frontier, leaf_hash
from .sealing import event_of, transfer_of

_CHUNK = 5_000


def differences(core: Core, *, most: int) -> list[str]:
    """What of the log is not as it was sealed, or what it was made from is not any more.

    At most so many are named. Who was forgotten is compared no further than the log's own line.
    """
    found: list[str] = []
    with core.transaction() as session:
        state = store.state(session)
        heads = {row.size: bytes(row.root) for row in store.checkpoints(session)}
        heads[state.size] = Frontier(state.size, tuple(bytes(one) for one in state.peaks)).root
        rows = records.count(session, below=state.xid) + movements.count(session, below=state.xid)
        if rows != state.size:
            found.append(f"{rows} rows to seal before transaction {state.xid}, {state.size} sealed")
        sizes, tree = sorted(heads), Frontier()
        for leaves in _leaves(session, state.size):
            found += _odd(session, tree.size, leaves)
            for size in [one for one in sizes if tree.size < one <= tree.size + len(leaves)]:
                cut = tree.extended(one.hash for one in leaves[: size - tree.size])
                if cut.root != heads[size]:
                    found.append(f"the first {size} leaves are not those of their head")
            tree = tree.extended(one.hash for one in leaves)
            if len(found) >= most:
                break
    return found[:most]


def _leaves(session: Session, size: int) -> Iterator[Sequence[Leaf]]:
    for first in range(0, size, _CHUNK):
        yield store.leaves(session, first, min(size, first + _CHUNK))


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
