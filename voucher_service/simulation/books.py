"""The simulated PostgreSQL: rows, their constraints, row locks, transactions that can be lost.

READ COMMITTED: a statement sees what is committed and what its own transaction wrote. A statement
that must wait raises Waiting and is made again later, as if it had not returned.
"""

# ruff: noqa: ARG002 - statements keep the signatures of those they stand for

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from voucher_service.allocation import degraded
from voucher_service.allocation.model import Answer, Ask, Pool, Seat
from voucher_service.campaigns.model import Mode, Offer, OfferStatus
from voucher_service.campaigns.service import Fence
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import OfferId, ReleaseId, ResidentId, VoucherId
from voucher_service.kernel.money import ZERO
from voucher_service.vouchers.model import Status, Voucher

from .protections import Protections

BEGAN = datetime(2026, 9, 23, 2, 0, tzinfo=UTC)


class Lock(IntEnum):
    """What a transaction holds of the offer's row."""

    NONE = 0
    KEY_SHARE = 1
    NO_KEY_UPDATE = 2
    UPDATE = 3


# Which locks can't stand beside which.
_CONFLICTS = {
    Lock.KEY_SHARE: {Lock.UPDATE},
    Lock.NO_KEY_UPDATE: {Lock.NO_KEY_UPDATE, Lock.UPDATE},
    Lock.UPDATE: {Lock.KEY_SHARE, Lock.NO_KEY_UPDATE, Lock.UPDATE},
}


class Waiting(Exception):
    """The statement waits for another transaction."""


@dataclass(frozen=True, slots=True)
class Row:
    """A voucher's row, as far as constraints and answers need it."""

    id: UUID
    release: UUID
    quota: int
    slot: int
    resident: UUID
    ordinal: int
    generation: int
    epoch: int
    key_hash: bytes
    at: datetime

    def unique(self, keeps: Protections) -> Iterator[tuple[Any, ...]]:
        """What no other row may have."""
        yield "id", self.id
        yield "key", self.resident, self.key_hash
        if keeps.unique_slot:
            yield "slot", self.release, self.slot
        if keeps.unique_ordinal:
            yield "ordinal", self.resident, self.ordinal


@dataclass(eq=False)
class Transaction:
    """One transaction of one connection."""

    books: Books
    rows: list[Row] = field(default_factory=list)
    held: set[tuple[Any, ...]] = field(default_factory=set)
    epoch: int | None = None
    mode: Mode | None = None
    run_id: str | None = None
    posted: int = 0
    lock: Lock = Lock.NONE
    alone: bool = False
    before: int = 0
    next_row: int = 0
    lost: bool = False

    # What `allocation.filling` reads, spelled as PostgreSQL spells it.
    def execute(self, _statement: object) -> list[tuple[UUID, int, str, list[int]]]:
        """Held slots in one piece a release."""
        by: dict[UUID, list[Row]] = {}
        for row in self.books.seen(self):
            by.setdefault(row.release, []).append(row)
        forgets = not self.books.keeps.rebuild_knows_holders
        return [
            (
                release,
                0,
                "" if forgets else "\n".join(self.books.entry(row) for row in rows),
                [row.slot for row in rows],
            )
            for release, rows in by.items()
        ]

    def scalars(self, _statement: object) -> Transaction:
        """Those who hold nothing any more: nobody, in this model."""
        return self

    def partitions(self, _size: int) -> Iterator[list[str]]:
        """In pieces."""
        return iter(())


@dataclass
class Books:
    """One offer and its vouchers."""

    offer: Offer
    keeps: Protections
    now_ms: Callable[[], int]
    entry: Callable[[Row], str]
    committed: dict[UUID, tuple[Row, int]] = field(default_factory=dict)
    unique: set[tuple[Any, ...]] = field(default_factory=set)
    epoch: int = 0
    mode: Mode = Mode.GATE
    run_id: str = ""
    posted: int = 0
    down_until_ms: int = 0
    open: list[Transaction] = field(default_factory=list)

    @property
    def up(self) -> bool:
        """Whether it answers now."""
        return self.now_ms() >= self.down_until_ms

    def check(self, on: Transaction | None = None) -> None:
        """Raises TryAgain when there is no answer to be had."""
        if not self.up or (on is not None and on.lost):
            raise TryAgain(retry_after_seconds=1)

    def view(self, on: Transaction | None = None) -> Offer:
        """The offer as a statement sees it."""
        epoch, mode, run_id = self.epoch, self.mode, self.run_id
        if on is not None:
            epoch, mode = on.epoch or epoch, on.mode or mode
            run_id = run_id if on.run_id is None else on.run_id
        return replace(self.offer, epoch=epoch, mode=mode, gate_run_id=run_id)

    def seen(self, on: Transaction | None) -> list[Row]:
        """The rows that a statement sees."""
        return [row for row, _ in self.committed.values()] + (on.rows if on else [])

    # Transactions.

    def begin(self) -> Transaction:
        """A new transaction. Raises TryAgain."""
        self.check()
        made = Transaction(self)
        self.open.append(made)
        return made

    def commit(self, done: Transaction) -> None:
        """Make it lasting. Raises TryAgain when it was lost."""
        self.check(done)
        for row in done.rows:
            self.committed[row.id] = (row, self.now_ms())
        self.unique |= done.held
        self.posted += done.posted
        self.epoch = done.epoch or self.epoch
        self.mode = done.mode or self.mode
        self.run_id = self.run_id if done.run_id is None else done.run_id
        self.rollback(done)

    def rollback(self, done: Transaction) -> None:
        """End it, and let go what it locked."""
        done.lost = True
        if done in self.open:
            self.open.remove(done)

    def crash(self, down_ms: int) -> None:
        """Every open transaction is lost; what was committed stays."""
        for one in list(self.open):
            self.rollback(one)
        self.down_until_ms = self.now_ms() + down_ms

    # The statements of a claim and of a rebuild.

    def fence(self, on: Transaction, *, offer: OfferId, alone: bool = False) -> Fence:
        """SELECT … FOR KEY SHARE, or FOR NO KEY UPDATE."""
        if not self.keeps.fence and not alone:
            return Fence(_Any(self.epoch), self.mode, OfferStatus.OPEN, self.instant())
        self._take(on, Lock.NO_KEY_UPDATE if alone else Lock.KEY_SHARE)
        seen = self.view(on)
        return Fence(seen.epoch, seen.mode, OfferStatus.OPEN, self.instant())

    def raise_epoch(self, on: Transaction, offer: OfferId, *, mode: Mode | None = None) -> int:
        """SELECT … FOR UPDATE, then the UPDATE; unfenced it is the UPDATE alone."""
        self._take(on, Lock.UPDATE if self.keeps.fenced_rebuild else Lock.NO_KEY_UPDATE)
        on.epoch, on.mode = self.view(on).epoch + 1, mode or on.mode
        return on.epoch

    def seats(
        self, on: Transaction, *, pool: Pool, asks: Sequence[Ask], now: datetime, rows: object
    ) -> list[Answer]:
        """Seats without the gate: the product's own choice, from the rows that stand."""
        seen = self.seen(on)
        windows = {one.release: one for one in pool.windows}
        places = {
            (ResidentId(row.resident), row.ordinal): degraded.Place(
                Seat(
                    windows[ReleaseId(row.release)],
                    row.slot,
                    ResidentId(row.resident),
                    row.ordinal,
                    row.generation,
                ),
                row.key_hash,
            )
            for row in seen
        }
        taken = {(row.release, row.slot) for row in seen}
        free = (
            (window, slot)
            for window in pool.windows
            for slot in range(1, window.quota + 1)
            if (window.release, slot) not in taken
        )
        return degraded.placed(pool, asks, now, places, free)

    def declared(self, on: Transaction, *_: object) -> None:
        """The audit event of a declaration."""

    def _take(self, on: Transaction, lock: Lock) -> None:
        if any(one.lock in _CONFLICTS[lock] for one in self.open if one is not on):
            raise Waiting
        on.lock = max(on.lock, lock)

    def set_run_id(self, on: Transaction, offer: OfferId, *, run_id: str) -> None:
        """Remember which gate is filled."""
        on.run_id = run_id

    def read_offer(self, on: Transaction, *, offer: OfferId) -> Offer:
        """The offer inside a transaction."""
        return self.view(on)

    def lock_alone(self, on: Transaction) -> bool:
        """The advisory lock of a rebuild."""
        on.alone = not any(one.alone for one in self.open)
        return on.alone

    def insert(self, on: Transaction, values: dict[str, Any]) -> set[UUID]:
        """INSERT … ON CONFLICT DO NOTHING, in order of slots; waits for whoever is in doubt."""
        rows = sorted(_rows(values), key=lambda row: row.slot)
        others = set[tuple[Any, ...]]().union(*(one.held for one in self.open if one is not on))
        if on.next_row == 0:
            on.before = len(on.rows)
        for row in rows[on.next_row :]:
            if self._fits(row, on, others):
                on.held.update(row.unique(self.keeps))
                on.rows.append(row)
            on.next_row += 1
        if len(on.rows) > on.before:
            self._take(on, Lock.KEY_SHARE)  # the foreign key's own, at the statement's end
        on.next_row = 0
        return {row.id for row in on.rows[on.before :]}

    def _fits(self, row: Row, on: Transaction, others: set[tuple[Any, ...]]) -> bool:
        assert 1 <= row.slot <= row.quota, "the ceiling"
        for value in row.unique(self.keeps):
            if value in self.unique or value in on.held:
                return False
            if value in others:
                raise Waiting
        return True

    def post(self, on: Transaction, _offer: Offer, new: set[UUID], *_: object) -> None:
        """The ledger's transfer."""
        on.posted += len(new)

    def by_key(
        self, on: Transaction, pairs: Sequence[tuple[ResidentId, bytes]]
    ) -> dict[tuple[UUID, bytes], tuple[UUID, UUID]]:
        """Earlier claims with these keys."""
        wanted = set(pairs)
        return {
            (row.resident, row.key_hash): (row.id, self.offer.id)
            for row in self.seen(on)
            if (row.resident, row.key_hash) in wanted
        }

    def by_id(self, on: Transaction, ids: Collection[UUID]) -> dict[UUID, Voucher]:
        """Those that stand."""
        return {row.id: self.voucher(row) for row in self.seen(on) if row.id in set(ids)}

    def holding(
        self, on: Transaction, _offer: OfferId, residents: Sequence[ResidentId]
    ) -> list[Voucher]:
        """What these residents hold."""
        return [self.voucher(row) for row in self.seen(on) if row.resident in residents]

    def ids_held(self, on: Transaction, ids: Collection[UUID], _rows: object) -> set[UUID]:
        """Which of these ids stand, for the reaper."""
        return {row.id for row in self.seen(on)} & set(ids)

    def standings(self, on: Transaction, *, residents: Sequence[ResidentId]) -> dict[Any, Any]:
        """Everybody may claim."""
        return {}

    def instant(self) -> datetime:
        """This server's clock."""
        return BEGAN + timedelta(milliseconds=self.now_ms())

    def voucher(self, row: Row) -> Voucher:
        """A row as it is answered."""
        until = self.offer.valid_until(row.at)
        face, id = self.offer.face_value, VoucherId(row.id)
        return Voucher(
            id,
            ResidentId(row.resident),
            self.offer,
            Status.CLAIMED,
            face,
            ZERO,
            row.at,
            row.at,
            until,
            0,
        )


class _Any(int):
    """An epoch that nobody looks at."""

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


def _rows(values: dict[str, Any]) -> Iterator[Row]:
    names = ("ids", "releases", "quotas", "slots", "residents", "ordinals", "generations")
    columns = (values[name] for name in (*names, "key_hashes"))
    for *first, key_hash in zip(*columns, strict=True):
        yield Row(*first, values["epoch"], key_hash, values["now"])  # type: ignore[call-arg]
