"""The simulated PostgreSQL: rows, their constraints, row locks, transactions that can be lost.

READ COMMITTED: a statement sees what is committed and what its own transaction wrote. A statement
that must wait raises Waiting and is made again later, as if it had not returned.
"""

# ruff: noqa: ARG002 - statements keep the signatures of those they stand for

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from voucher_service.allocation import degraded
from voucher_service.allocation.model import Answer, Ask, Pool, Seat
from voucher_service.campaigns.model import Mode, Offer, OfferStatus, max_liability
from voucher_service.campaigns.service import Fence
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.ids import OfferId, ReleaseId, ResidentId, VoucherId
from voucher_service.kernel.money import ZERO
from voucher_service.ledger.model import Code
from voucher_service.vouchers.model import Status, Voucher
from voucher_service.vouchers.service import write

from .money import Ledger, Transfer
from .protections import Protections
from .rows import CONFLICTS, Lock, Row, Value, rows_of

BEGAN = datetime(2026, 9, 23, 2, 0, tzinfo=UTC)


class Waiting(Exception):
    """The statement waits for another transaction."""


@dataclass(eq=False)
class Transaction:
    """One transaction of one connection."""

    books: Books
    rows: list[Row] = field(default_factory=list)
    held: set[Value] = field(default_factory=set)
    lapsed: dict[UUID, Row] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    epoch: int | None = None
    mode: Mode | None = None
    run_id: str | None = None
    refill: bool | None = None
    lock: Lock = Lock.NONE
    alone: bool = False
    before: int = 0
    next_row: int = 0
    lost: bool = False

    # What `allocation.filling` reads, spelled as PostgreSQL spells it.
    def execute(self, _statement: object) -> list[tuple[UUID, int, str, list[int]]]:
        """Held slots in one piece a release."""
        by: dict[UUID, list[Row]] = {}
        for row in self.books.standing(self):
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
        """Those who hold nothing any more, each with their newest generation."""
        return self

    def partitions(self, _size: int) -> Iterator[list[str]]:
        """In one piece."""
        holding = {(row.resident, row.ordinal) for row in self.books.standing(self)}
        newest = {
            self.books.entry(row).split(" ")[0]: row.generation
            for row in sorted(self.books.seen(self), key=lambda row: row.generation)
            if (row.resident, row.ordinal) not in holding
        }
        if newest:
            yield [f"{field} -{generation}" for field, generation in newest.items()]


@dataclass
class Books:
    """One offer and its vouchers."""

    offer: Offer
    keeps: Protections
    now_ms: Callable[[], int]
    entry: Callable[[Row], str]
    committed: dict[UUID, tuple[Row, int]] = field(default_factory=dict)
    lapsed: set[UUID] = field(default_factory=set)
    unique: set[Value] = field(default_factory=set)
    epoch: int = 0
    mode: Mode = Mode.GATE
    run_id: str = ""
    refill: bool = False  # slots came back, and the job that tells the gate is due
    down_until_ms: int = 0
    open: list[Transaction] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.offer)

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

    def standing(self, on: Transaction | None = None) -> list[Row]:
        """Of these, the ones that hold their slot."""
        gone = self.lapsed | on.lapsed.keys() if on else self.lapsed
        return [row for row in self.seen(on) if row.id not in gone]

    def lapsed_keys(self) -> set[tuple[UUID, bytes]]:
        """The residents' keys by which vouchers were claimed that have lapsed."""
        return {(row.resident, row.key_hash) for row in self.seen(None) if row.id in self.lapsed}

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
        for row in done.lapsed.values():
            self.unique.difference_update(row.place(self.keeps))
        self.unique |= done.held
        self.lapsed |= done.lapsed.keys()
        self._post(done.transfers)
        self.refill = self.refill if done.refill is None else done.refill
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
        windows = {one.release: one for one in pool.windows}
        standing = {row.id: row for row in self.standing(on)}
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
                holds=row.id in standing,
            )
            for row in sorted(self.seen(on), key=lambda row: row.generation)
        }
        taken = {(row.release, row.slot) for row in standing.values()}
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
        if any(one.lock in CONFLICTS[lock] for one in self.open if one is not on):
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
        rows = sorted(rows_of(values), key=lambda row: row.slot)
        others = set[Value]().union(*(self._doubtful(one) for one in self.open if one is not on))
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

    def _doubtful(self, other: Transaction) -> set[Value]:
        """What may or may not be taken, once this transaction has ended."""
        return other.held.union(*(row.unique(self.keeps) for row in other.lapsed.values()))

    def _fits(self, row: Row, on: Transaction, others: set[Value]) -> bool:
        assert 1 <= row.slot <= row.quota, "the ceiling"
        freed = set[Value]().union(*(one.place(self.keeps) for one in on.lapsed.values()))
        for value in row.unique(self.keeps):
            if value in others:
                raise Waiting
            if value in on.held or (value in self.unique and value not in freed):
                return False
        return True

    def lapse(self, on: Transaction, ids: Collection[UUID]) -> set[UUID]:
        """UPDATE … SET holds_slot = false; waits for whoever is at the same rows."""
        rows = {row.id: row for row in self.standing(on) if row.id in ids}
        if any(rows.keys() & one.lapsed.keys() for one in self.open if one is not on):
            raise Waiting
        for row in rows.values():
            on.held.difference_update(row.place(self.keeps))
        on.lapsed |= rows
        return set(rows)

    def expire(self, on: Transaction, *, most: int) -> bool:
        """The oldest vouchers lapse, and their money is reserved again.

        Whether the gate is to be filled with slots that came back, now or before.
        """
        gone = self.lapse(on, {row.id for row in islice(self.standing(on), most)})
        if gone:
            on.transfers.append(Transfer(Code.CLAIM_UNDONE, write.undone(self.offer, len(gone))))
            on.refill = True
        return self.refill or bool(gone)

    def served(self, on: Transaction) -> None:
        """The job that tells the gate is done."""
        on.refill = False

    def post(self, on: Transaction, offer: Offer, new: set[UUID], *_: object) -> None:
        """The ledger's transfer."""
        transfer = Transfer(Code.CLAIMED, write.claimed(offer, len(new)))
        if self.keeps.same_transaction:
            on.transfers.append(transfer)
        else:
            self._post([transfer])

    def _post(self, transfers: Sequence[Transfer]) -> None:
        """What a commit adds to the ledger, and whether its invariants hold then."""
        for one in transfers:
            self.ledger.append(one)
        if not self.breaches:
            written = len(self.committed)
            live = written - len(self.lapsed)
            self.breaches += self.ledger.breaches(live=live, written=written)

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
        return [self.voucher(row) for row in self.standing(on) if row.resident in residents]

    def ids_held(self, on: Transaction, ids: Collection[UUID], _rows: object) -> dict[UUID, bytes]:
        """Those of these ids that stand, with their keys, for the reaper."""
        return {row.id: row.key_hash for row in self.seen(on) if row.id in set(ids)}

    def standings(self, on: Transaction, *, residents: Sequence[ResidentId]) -> dict[Any, Any]:
        """Everybody may claim."""
        return {}

    def instant(self) -> datetime:
        """This server's clock."""
        return BEGAN + timedelta(milliseconds=self.now_ms())

    def voucher(self, row: Row) -> Voucher:
        """A row as it is answered."""
        until = self.offer.valid_until(row.at)
        face, id = max_liability(self.offer), VoucherId(row.id)
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
