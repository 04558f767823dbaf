"""The walk's own books: plain sums of fen, moved by rules that are written here alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

import psycopg

Place = tuple[str, UUID, str]  # owner, its id, where the money stands there
Delta = Counter[Place]

# Where money can stand. Sources, and what was only passed on or sent up again, are not places.
STANDS = ("available", "reserved", "outstanding", "frozen", "committed", "settled")
_SUMS = """
SELECT split_part(a.owner_type, '@', 1), a.owner_id, a.stage, sum(e.amount_fen)::bigint
FROM ledger.account a JOIN ledger.entry e ON e.account_id = a.id
GROUP BY 1, 2, 3
"""
_NEWS = """
SELECT split_part(a.owner_type, '@', 1), a.owner_id, a.stage, e.amount_fen, e.id
FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id WHERE e.id > %s
"""
_BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


class Differs(AssertionError):
    """The ledger does not say what the walk's own books say."""


def moved(amount: int, source: Place | None, target: Place | None) -> Delta:
    """Money from one place to another; None is outside of all of them."""
    found = Delta()
    if source is not None:
        found[source] -= amount
    if target is not None:
        found[target] += amount
    return found


def stands(connection: psycopg.Connection) -> Delta:
    """What a plain sum over all entries says."""
    rows = connection.execute(_SUMS)
    return Delta({tuple(place): fen for *place, fen in rows if _is_place(*place)})


def news(connection: psycopg.Connection, after: int) -> tuple[int, Delta]:
    """The newest entry's number, and what those after another one add up to."""
    found = Delta()
    for owner, id, stage, fen, number in connection.execute(_NEWS, [after]).fetchall():
        after = max(after, number)
        if _is_place(owner, id, stage):
            found[owner, id, stage] += fen
    return after, Delta({place: fen for place, fen in found.items() if fen})


def busy(connection: psycopg.Connection) -> bool:
    """Whether any other connection to this database is in the middle of something."""
    row = connection.execute(_BUSY).fetchone()
    return row is not None and row[0] > 0


def difference(now: Delta, before: Delta) -> Delta:
    """What changed; places that did not are left out."""
    found = Delta(now)
    found.subtract(before)
    return Delta({place: fen for place, fen in found.items() if fen})


def same(one: Delta, other: Delta) -> bool:
    """Whether two sums are equal, a missing place being nothing."""
    return not difference(one, other)


def of(books: Delta, owner: str, stage: str, ids: Iterable[UUID] | None = None) -> int:
    """The sum of a stage over owners of a kind."""
    wanted = None if ids is None else set(ids)
    return sum(
        fen
        for (kind, id, at), fen in books.items()
        if kind == owner and at == stage and (wanted is None or id in wanted)
    )


def _is_place(owner: str, _id: UUID, stage: str) -> bool:
    return stage in STANDS or (owner, stage) == ("fund", "returned")
