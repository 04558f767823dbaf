"""Simulated servers beside real ones: the same random operations must be answered alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, cast
from uuid import UUID

import redis
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from voucher_service.allocation import service as allocation
from voucher_service.allocation.filling import Filling
from voucher_service.allocation.model import Ask, Pool, Seat, SeatFreed
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode, Offer, max_liability
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import OfferId, ResidentId, VoucherId
from voucher_service.vouchers.service import flow, write
from voucher_service.vouchers.tables import VoucherRow

from .books import BEGAN, Books, Transaction, Waiting
from .gate import GateClient
from .places import built
from .protections import Protections
from .rows import Row
from .stand import SimulatedCore, Stand

_OPERATIONS = 14
_BLOCKED = "blocked"
_STATEMENTS = ("insert", "insert", "lapse", "fence", "raise", "read", "commit", "back")
_LAPSE = text(
    "UPDATE voucher SET holds_slot = false WHERE id = ANY (:ids) AND holds_slot RETURNING id"
)
_ALL = Protections()
_STORE: Any = vars(flow)["store"]  # the statements are those that the flow makes


def gates_alike(core: Core, seed: int) -> list[str]:
    """One sequence on both gates, as differences in words; what it wrote is removed again."""
    random = Random(f"gate {seed}")  # noqa: S311 - a test, no secret
    pair = _Gates(core, random, built(random, Protections()))
    try:
        for number in range(_OPERATIONS):
            name = random.choice(("fill", "admit", "admit", "admit", "settle", "settle", "read"))
            asked = getattr(pair, name)()
            real, simulated = asked(pair.real), asked(pair.simulated)
            if real != simulated:
                return [f"gate {seed}, {number} {name}: {real} is not {simulated}"]
            if name == "admit":
                pair.seats += [one.seat for one in real if one.seat]
        return pair.compared(seed)
    finally:
        pair.removed()


class _Gates:
    """A real gate and a simulated one of an offer that exists nowhere else."""

    def __init__(self, core: Core, random: Random, stand: Stand) -> None:
        clock = Clock(BEGAN)
        self.random, self.stand = random, stand
        self.id = OfferId(UUID(int=random.getrandbits(128)))
        self.server: redis.Redis = core.gate
        client = GateClient(stand.gate, "likeness", learns=False)
        self.real = Filling(with_clock(core, clock), self.id)
        self.simulated = Filling(cast(Core, SimulatedCore(client, clock)), self.id)
        self.pool: Pool = allocation.pool_of(replace(stand.books.offer, epoch=1))
        self.seats: list[Seat] = []

    def fill(self) -> Callable[[Filling], Any]:
        """Fill it with some rows, mostly at a newer epoch."""
        books, random = self.stand.books, self.random
        books.committed.clear()
        for release in books.offer.releases:
            for slot in random.sample(
                range(1, release.quota + 1), random.randint(0, release.quota)
            ):
                resident, key = UUID(int=100 + slot), bytes(random.choices(range(256), k=32))
                row = Row(
                    UUID(int=random.getrandbits(128)),
                    *(release.id, release.quota, slot, resident, 1, 1, 1, key, BEGAN),
                )
                books.committed[row.id] = (row, 0)
        books.lapsed = {id for id in books.committed if random.random() < 0.3}
        self.pool = replace(self.pool, epoch=self.pool.epoch + random.choice((0, 1, 1)))

        def ask(gate: Filling) -> bool:
            session = cast(Session, Transaction(books))
            gate.load(session, pool=self.pool, rows=VoucherRow)
            return gate.activate(self.pool)

        return ask

    def admit(self) -> Callable[[Filling], Any]:
        """Ask for some seats, now and then at another epoch."""
        people = [ResidentId(UUID(int=self.random.randint(101, 106))) for _ in range(3)]
        asks = [Ask(one, bytes([self.random.randint(1, 3)]) * 32) for one in people]
        pool = replace(self.pool, epoch=self.pool.epoch + self.random.choice((0, 0, 0, 0, 1)))
        return lambda gate: gate.admit(pool, asks, BEGAN)

    def settle(self) -> Callable[[Filling], Any]:
        """Confirm or free some seats, some of them twice."""
        some = self.random.choices(self.seats, k=2) if self.seats else []
        told: list[tuple[Seat, bytes | None]] = [
            (seat, self.random.choice((None, b"\1" * 32, b"\2" * 32))) for seat in some
        ]

        def ask(gate: Filling) -> bool | str:
            try:
                return gate.settle(self.pool, told)
            except SeatFreed:
                return "freed"

        return ask

    def read(self) -> Callable[[Filling], Any]:
        """Read what is free and what is pending."""
        return lambda gate: (
            gate.free(self.pool),
            sorted(map(str, gate.pending(self.pool, BEGAN))),
        )

    def compared(self, seed: int) -> list[str]:
        """Every key of both."""
        simulated = self.stand.gate.keys.data
        names = set(self._names()) | set(simulated)
        stands = {name: self._value(name) for name in names}
        return [
            f"gate {seed}, {name}: {stands[name]} is not {simulated.get(name)}"
            for name in sorted(names)
            if stands[name] != simulated.get(name)
        ]

    def removed(self) -> None:
        """Leave nothing behind."""
        if names := self._names():
            self.server.unlink(*names)

    def _names(self) -> list[str]:
        return [str(one) for one in self.server.scan_iter(f"gate:{{{self.id.hex}}}*", count=10_000)]

    def _value(self, name: str) -> Any:
        kind = str(self.server.type(name))
        return {
            "hash": lambda: self.server.hgetall(name),
            "list": lambda: self.server.lrange(name, 0, -1),
        }.get(kind, lambda: None)()


@dataclass
class _Sides:
    """The same connection to both databases."""

    core: Core
    books: Books
    real: Session | None = None
    simulated: Transaction | None = None

    def make(self, statement: Callable[[Any, bool], Any]) -> tuple[Any, Any]:
        """One statement on both; a blocked one ends the transaction on both."""
        if self.real is None or self.simulated is None:
            self.real = Session(self.core.engine)
            self.real.execute(text("SET LOCAL lock_timeout = '5ms'"))
            self.simulated = self.books.begin()
        try:
            real = statement(self.real, True)
        except OperationalError:
            real = _BLOCKED
        try:
            simulated = statement(self.simulated, False)
        except Waiting:
            simulated = _BLOCKED
        if _BLOCKED in (real, simulated):
            self.end(commit=False)
        return real, simulated

    def end(self, *, commit: bool) -> None:
        """Commit or roll back on both."""
        if self.real is not None and self.simulated is not None:
            if commit:
                self.real.commit()
                self.books.commit(self.simulated)
            else:
                self.real.rollback()
                self.books.rollback(self.simulated)
            self.real.close()
        self.real = self.simulated = None


def books_alike(
    core: Core,
    offer: Offer,
    residents: Sequence[ResidentId],
    seed: int,
    keeps: Protections = _ALL,
) -> list[str]:
    """One sequence of two connections on both databases, as differences in words.

    Its slots, ordinals and keys are its own; its slots are free again afterwards.
    """
    random = Random(f"books {seed}")  # noqa: S311 - a test, no secret
    with core.transaction() as session:
        standing = campaigns.offer(session, offer=offer.id)
    books = Books(
        standing,
        keeps,
        lambda: 0,
        lambda _row: "",
        epoch=standing.epoch,
        mode=standing.mode,
    )
    sides = [_Sides(core, books), _Sides(core, books)]
    made = _Statements(random, books, standing, residents)
    try:
        for number in range(_OPERATIONS):
            side = random.choice(sides)
            name = random.choice(_STATEMENTS)
            if name in {"commit", "back"}:
                side.end(commit=name == "commit")
                continue
            real, simulated = side.make(getattr(made, f"{name}_")())
            if real != simulated:
                return [f"books {seed}, {number} {name}: {real} is not {simulated}"]
        return []
    finally:
        for side in sides:
            side.end(commit=False)
        with core.transaction() as session:
            done = "UPDATE voucher SET holds_slot = false WHERE offer_id = :offer AND holds_slot"
            session.execute(text(done), {"offer": offer.id})


@dataclass
class _Statements:
    """Statements of one sequence; each is called with a session and whether it is the real one."""

    random: Random
    books: Books
    offer: Offer
    residents: Sequence[ResidentId]
    ids: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.own = self.random.getrandbits(64)

    def insert_(self) -> Callable[[Any, bool], Any]:
        """One to three rows, which often want the same."""
        random = self.random
        slots = random.sample(range(1, 5), random.randint(1, 3))
        people = [random.randrange(3) for _ in slots]
        ordinals = [random.randint(1, 2) for _ in slots]
        ids = [
            VoucherId(UUID(int=self.own << 64 | person << 8 | ordinal))
            for person, ordinal in zip(people, ordinals, strict=True)
        ]
        self.ids += ids
        release, count = self.offer.releases[0], len(slots)
        values: dict[str, Any] = {
            "offer": self.offer.id,
            "epoch": max(self.offer.epoch, 1),
            "now": BEGAN,
            "face": max_liability(self.offer).fen,
            "until": self.offer.valid_until(BEGAN),
            "ids": ids,
            "releases": [release.id] * count,
            "quotas": [release.quota] * count,
            "slots": slots,
            "residents": [self.residents[one] for one in people],
            "ordinals": ordinals,
            "generations": [1] * count,
            "key_hashes": [self._key(random.randint(1, 3)) for _ in slots],
            "code_refs": [_STORE.code_ref(one) for one in ids],
            **dict.fromkeys(("addresses", "devices", "agents"), [None] * count),
        }
        return lambda on, real: (_STORE.insert if real else self.books.insert)(on, values)

    def lapse_(self) -> Callable[[Any, bool], Any]:
        """Some vouchers lapse, if they stand and hold a slot."""
        ids = self.random.choices(self.ids, k=2) if self.ids else []
        return lambda on, real: (
            set(on.execute(_LAPSE, {"ids": ids}).scalars()) if real else self.books.lapse(on, ids)
        )

    def fence_(self) -> Callable[[Any, bool], Any]:
        """The fence, shared or alone."""
        alone = self.random.random() < 0.3
        return lambda on, real: _facts(
            (campaigns.fence if real else self.books.fence)(on, offer=self.offer.id, alone=alone)
        )

    def raise_(self) -> Callable[[Any, bool], Any]:
        """The epoch, sometimes with the mode."""
        mode = self.random.choice((None, Mode.GATE, Mode.DEGRADED))
        return lambda on, real: (campaigns.raise_epoch if real else self.books.raise_epoch)(
            on, self.offer.id, mode=mode
        )

    def read_(self) -> Callable[[Any, bool], Any]:
        """Rows by key and by id."""
        pairs = [(self.residents[self.random.randrange(3)], self._key(one)) for one in (1, 2, 3)]
        ids = self.ids or [UUID(int=self.own)]

        def read(on: Any, real: bool) -> Any:  # noqa: FBT001 - which of the two
            by_key = _STORE.by_key if real else self.books.by_key
            by_id = write.by_id if real else self.books.by_id
            return by_key(on, pairs), set(by_id(on, ids))

        return read

    def _key(self, number: int) -> bytes:
        return self.own.to_bytes(8, "big") + bytes([number]) * 24


def _facts(fence: campaigns.Fence) -> tuple[int, Mode]:
    return int(fence.epoch), fence.mode
