"""Fill a gate from PostgreSQL in pieces: 300,000 slots in less than two seconds.

PostgreSQL spells the entries and the gate's own script takes them apart, so that no row passes
through this process one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import redis
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from .gate import Gate, away
from .model import Pool
from .slots import Slotted

# One piece keeps the gate busy for a few milliseconds.
_PIECE = 2_500
_ATTEMPTS = 3


class Filling(Gate):
    """One offer's gate while it is filled: loaded beside the one that stands, then switched on."""

    def load(self, session: Session, *, pool: Pool, rows: type[Slotted]) -> None:
        """Write what PostgreSQL holds, in the transaction that raised the epoch to the pool's.

        Raises TryAgain when the gate is away.
        """
        who, *free = self._filled(pool)
        pieces = {
            (release, piece): (text, slots)
            for release, piece, text, slots in held(session, pool, rows)
        }
        self._patiently(lambda: self._redis.unlink(who, *free))
        entries, lengths = 0, []
        for window, target in zip(pool.windows, free, strict=True):
            done = 0
            for piece in range(window.quota // _PIECE + 1):
                first = max(piece * _PIECE, 1)
                last = min((piece + 1) * _PIECE - 1, window.quota)
                text, taken = pieces.get((window.release, piece), ("", ()))
                self._put(who, target, text, " ".join(_gaps(first, last, taken)), done)
                done += last - first + 1 - len(taken)
                entries += len(taken)
            lengths.append(done)
        for text in returned(session, pool, rows):
            self._put(who, free[0], text, "", 0)
            entries += len(text.splitlines())
        self._loaded = [entries, *lengths]

    def activate(self, pool: Pool) -> bool:
        """Switch what was loaded, once the raised epoch is committed.

        False when a newer gate stands, or when the server lost some of it meanwhile. Raises
        TryAgain when the gate is away.
        """
        who, *free = self._filled(pool)
        pairs = [
            key for position, filled in enumerate(free, 1) for key in (self._free(position), filled)
        ]
        try:
            args = [pool.epoch, *self._loaded]
            return bool(self._scripts("activate", [*self._state(), who, *pairs], args))
        except redis.RedisError as error:
            raise away(error) from error

    def _put(self, who: str, free: str, text: str, ranges: str, done: int) -> None:
        self._patiently(lambda: self._scripts("load", [who, free], [text, ranges, done]))

    def _patiently(self, step: Callable[[], object]) -> None:
        """A step that may be repeated: a busy gate must not cost the pieces that are there already.

        Raises TryAgain.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                step()
            except redis.RedisError as error:
                if attempt == _ATTEMPTS or not isinstance(error, redis.TimeoutError):
                    raise away(error) from error
            else:
                return

    def _filled(self, pool: Pool) -> list[str]:
        filled = f"{self._prefix}:fill:{pool.epoch}"
        return [f"{filled}:who", *(f"{filled}:{i}" for i in range(1, len(pool.windows) + 1))]


def held(
    session: Session, pool: Pool, rows: type[Slotted]
) -> Iterator[tuple[UUID, int, str, Sequence[int]]]:
    """Held slots in pieces: release, number of the piece, its entries as lines, the slots."""
    table: Any = rows.__table__  # type: ignore[attr-defined]
    positions = {one.release: str(i) for i, one in enumerate(pool.windows, 1)}
    entry = func.concat(
        _field(table),
        " ",
        func.encode(func.substring(table.c.claim_key_hash, 1, 9), "base64"),
        case(positions, value=table.c.release_id),
        ".",
        table.c.slot,
        ".",
        table.c.generation,
    )
    piece = table.c.slot.op("/")(_PIECE)
    statement = (
        select(
            table.c.release_id,
            piece,
            func.string_agg(entry, "\n"),
            func.array_agg(table.c.slot),
        )
        .where(table.c.offer_id == pool.offer, table.c.holds_slot)
        .group_by(table.c.release_id, piece)
    )
    for release, number, text, slots in session.execute(statement):
        yield release, number, text, sorted(slots)


def returned(session: Session, pool: Pool, rows: type[Slotted]) -> Iterator[str]:
    """Lines of those who hold nothing any more, so that their next claim is a new generation."""
    table: Any = rows.__table__  # type: ignore[attr-defined]
    newest = (
        select(func.concat(_field(table), " -", func.max(table.c.generation)).label("entry"))
        .where(table.c.offer_id == pool.offer)
        .group_by(table.c.resident_id, table.c.ordinal)
        .having(~func.bool_or(table.c.holds_slot))
    )
    for entries in session.scalars(newest).partitions(_PIECE):
        yield "\n".join(entries)


def _field(table: Any) -> Any:
    resident = func.left(func.encode(func.uuid_send(table.c.resident_id), "base64"), 22)
    return func.concat(resident, table.c.ordinal)


def _gaps(first: int, last: int, taken: Sequence[int]) -> Iterator[str]:
    """What lies between the taken slots of a piece, as `first-last` ranges."""
    for slot in (*taken, last + 1):
        if first < slot:
            yield f"{first}-{slot - 1}"
        first = slot + 1
