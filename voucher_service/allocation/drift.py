"""How far the gate is from PostgreSQL, slot by slot.

Both sides spell their entries alike, so that lines of text are compared and not rows. Neither side
stands still meanwhile: a difference is a suspicion at first, and counts when the next look finds it
too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import redis
from sqlalchemy import text
from sqlalchemy.orm import Session

from voucher_service.campaigns.model import Offer
from voucher_service.infra import incarnation
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import OfferId, ReleaseId

from .filling import held, returned
from .gate import Gate, away, seat_of
from .model import Pool
from .service import SETTLE_AFTER, pool_of
from .slots import Slotted

_PIECE = 2_500
_MOST_SUSPECTS = 10_000


class Kind(StrEnum):
    """How gate and books can differ about a slot."""

    MISSING = "missing"  # free in the books, and the gate offers it to nobody
    TAKEN = "taken"  # the gate offers it, though it is held, or does so twice
    UNKNOWN = "unknown"  # one side knows a holder whom the other does not
    STUCK = "stuck"  # set aside for longer than a claim can last


@dataclass(frozen=True, slots=True)
class Difference:
    """One slot of one release, by its position from 1.

    Position 0: the fingerprint of a resident's returned claim.
    """

    kind: Kind
    position: int
    slot: int


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at an offer found. `suspects` names the first ten thousand of `counts`."""

    offer: OfferId
    epoch: int
    free_in_gate: int
    free_in_books: int
    pending: int
    counts: Mapping[Kind, int]
    suspects: frozenset[Difference]

    def confirmed(self, before: Look | None) -> frozenset[Difference]:
        """What the look before found too, at the same epoch."""
        if before is None or before.epoch != self.epoch:
            return frozenset()
        return self.suspects & before.suspects


@dataclass
class _Seen:
    """Everything a gate says. Lines are entries, field and value, as `who` keeps them."""

    free: list[Counter[int]]
    held: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)


class _Reader(Gate):
    """Reads a whole gate in pieces, so that no claim waits long behind it."""

    def read(self, pool: Pool) -> _Seen | None:
        """Everything the gate says, or None when it is not, or no longer, at the pool's epoch."""
        meta, who, _ = self._state()
        if self._redis.hget(meta, "epoch") != str(pool.epoch):
            return None
        positions = range(1, len(pool.windows) + 1)
        seen = _Seen([Counter(self._slots(self._free(one))) for one in positions])
        # Before `who`: a seat that is confirmed meanwhile is met at least once.
        now = self._clock.at or datetime.now(UTC)
        since = (now - SETTLE_AFTER).timestamp() * 1000
        for name, stamp, value in self._underway():
            (seen.pending if stamp > since else seen.stuck).add(f"{name} {value}")
        cursor = "0"
        while True:
            cursor, held, returned = self._scripts("read_who", [who], [cursor, _PIECE])
            seen.held.update(held.splitlines())
            seen.returned.update(returned.splitlines())
            if cursor == "0":
                break
        return seen if self._redis.hget(meta, "epoch") == str(pool.epoch) else None

    def epoch_key(self) -> str:
        """Where the gate keeps its epoch."""
        return self._state()[0]

    def _slots(self, key: str) -> Iterator[int]:
        # From the tail: slots are taken at the head, so that nothing slips between two pieces.
        done = 0
        while text := self._scripts("read_free", [key], [-done - _PIECE, -done - 1]):
            slots = text.split(" ")
            yield from map(int, slots)
            if len(slots) < _PIECE:
                return
            done += len(slots)


@contextmanager
def snapshot(core: Core) -> Iterator[Session]:
    """A transaction that repeats its reads, as a look needs it."""
    with core.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        session.execute(text("SET LOCAL statement_timeout = '1min'"))
        yield session


def look(core: Core, session: Session, *, offer: Offer, rows: type[Slotted]) -> Look | None:
    """Compare the gate with the books of one snapshot; None when it is not at the offer's epoch.

    The session must not have read anything yet, and must repeat its reads. Raises TryAgain when the
    gate is away.
    """
    pool = pool_of(offer)
    try:
        seen = _Reader(core, offer.id).read(pool)
    except redis.RedisError as error:
        raise away(error) from error
    if seen is None:
        return None
    free, pending = sum(one.total() for one in seen.free), len(seen.pending) + len(seen.stuck)
    booked: list[set[int]] = [set() for _ in pool.windows]
    differences = _holders(seen, held(session, pool, rows), booked, pool)
    told = {line for some in returned(session, pool, rows) for line in some.splitlines()}
    differences += (
        Difference(Kind.UNKNOWN, 0, hash(line)) for line in sorted(told ^ seen.returned)
    )
    differences += _free(seen, booked, pool)
    return Look(
        offer.id,
        pool.epoch,
        free,
        sum(one.quota for one in pool.windows) - sum(map(len, booked)),
        pending,
        Counter(one.kind for one in differences),
        frozenset(differences[:_MOST_SUSPECTS]),
    )


def _holders(
    seen: _Seen,
    pieces: Iterable[tuple[UUID, int, str, Sequence[int]]],
    booked: list[set[int]],
    pool: Pool,
) -> list[Difference]:
    """Who holds, by one side alone. Fills `booked` with the held slots of each release."""
    positions = {one.release: i for i, one in enumerate(pool.windows)}
    found = [_of(line, Kind.STUCK) for line in seen.stuck]
    underway = seen.pending | seen.stuck
    for release, _, some, slots in pieces:
        booked[positions[ReleaseId(release)]].update(slots)
        lines = set(some.splitlines())
        found += [_of(line, Kind.UNKNOWN) for line in lines - seen.held - underway]
        seen.held -= lines
    return found + [_of(line, Kind.UNKNOWN) for line in seen.held]


def _free(seen: _Seen, booked: list[set[int]], pool: Pool) -> Iterator[Difference]:
    """Slots that the gate offers and should not, and those that it should and does not."""
    elsewhere = {(one.position, one.slot) for one in map(_of, seen.pending | seen.stuck)}
    for position, (window, offered, taken) in enumerate(
        zip(pool.windows, seen.free, booked, strict=True), 1
    ):
        underway = {slot for at, slot in elsewhere if at == position}
        slots = set(offered)
        wrong = slots & taken | slots & underway | {one for one in slots if one > window.quota}
        wrong |= {slot for slot, times in offered.items() if times > 1}
        missing = set(range(1, window.quota + 1)) - slots - taken - underway
        yield from (Difference(Kind.TAKEN, position, slot) for slot in sorted(wrong))
        yield from (Difference(Kind.MISSING, position, slot) for slot in sorted(missing))


def _of(line: str, kind: Kind = Kind.UNKNOWN) -> Difference:
    _, value = line.split(" ")
    position, slot, _ = seat_of(value)
    return Difference(kind, position, slot)


def stale(core: Core, *, offers: Sequence[Offer]) -> list[OfferId]:
    """Offers whose gate is not the one that was filled.

    The server was restarted, promoted or emptied since, or its keys are of another epoch. One
    question for all. Raises TryAgain when the gate is away.
    """
    try:
        met = incarnation.current(core.gate)
        pipeline = core.gate.pipeline(transaction=False)
        for one in offers:
            pipeline.hget(_Reader(core, one.id).epoch_key(), "epoch")
        epochs = pipeline.execute()
    except redis.RedisError as error:
        raise away(error) from error
    return [
        one.id
        for one, epoch in zip(offers, epochs, strict=True)
        if epoch != str(one.epoch) or not incarnation.same(met, one.gate_run_id)
    ]


def named(differences: Iterable[Difference], most: int = 20) -> dict[str, list[str]]:
    """Differences for a record: by kind, the first ones as `position/slot`."""
    listed: dict[str, list[str]] = {}
    for one in sorted(differences, key=lambda one: (one.kind, one.position, one.slot)):
        if len(listed.setdefault(one.kind, [])) < most:
            listed[one.kind].append(f"{one.position}/{one.slot}" if one.position else "returned")
    return listed
