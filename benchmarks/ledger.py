"""Rows of the ledger: posts beside a bare INSERT of the same rows, balances in a book that grows.

They go to the services directly, without HTTP: no till waits for a face here.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg

from voucher_service.infra.core import Core
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Leg, Stage, move, pool

from .measure import Measured
from .plan import Plan, Setting
from .stand import Stand

_CONNECTIONS = 8
_READS = 500
_AMOUNT = Money(2_000)
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_APART = timedelta(milliseconds=20)

_INSERT = """
WITH t AS (
    INSERT INTO ledger.transfer (code, key, occurred_at) VALUES ('claimed', %s, %s) RETURNING id
)
INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)
SELECT t.id, leg.account, leg.fen, %s, %s FROM t, (VALUES (%s, %s), (%s, %s)) AS leg (account, fen)
"""
_ACCOUNTS = "SELECT id FROM ledger.account WHERE owner_id = %s ORDER BY stage"
_FILL = """
WITH t AS (
    INSERT INTO ledger.transfer (code, key, occurred_at)
    SELECT 'claimed', 'bench-' || n, %(since)s + n * %(apart)s
    FROM generate_series(%(first)s::int, %(last)s::int) AS n RETURNING id, occurred_at
)
INSERT INTO ledger.entry (transfer_id, account_id, amount_fen, occurred_at, seal)
SELECT t.id, leg.account, leg.fen, t.occurred_at, %(seal)s
FROM t, (VALUES (%(target)s, %(fen)s), (%(source)s, -%(fen)s)) AS leg (account, fen)
"""
_UNSEALED = b"\x01" + bytes(16)


def rows(stand: Stand, plan: Plan, say: Callable[[str], None]) -> dict[str, Measured]:
    """Every row of the ledger, by name."""
    book = _Book(stand)
    found = {
        "baseline_ledger_insert": _rates(plan, book.insert),
        "ledger_post": _rates(plan, book.post),
    }
    for entries in plan.books:
        book.fill(entries)
        found[f"ledger_balance_at_{entries}"] = _reads(plan, book)
    for name, one in found.items():
        say(f"{name}: {one.median:.0f}/s, p50 {one.p50_ms:.2f} ms")
    return found


class _Book:
    """Two accounts of one pool, which everybody wants at once."""

    def __init__(self, stand: Stand) -> None:
        self.core: Core = stand.city.core
        self.stand, self.entries = stand, 0
        offer = uuid4()
        self.legs: tuple[Leg, Leg] = move(
            _AMOUNT, pool(offer, Stage.RESERVED), pool(offer, Stage.OUTSTANDING)
        )
        self._post(_SINCE)
        with psycopg.connect(stand.database_url) as connection:
            found = connection.execute(_ACCOUNTS, [offer]).fetchall()
            self.target, self.source = (id for (id,) in found)

    def post(self) -> Iterator[None]:
        """One post after the other, as a claim's batch makes it."""
        while True:
            self._post(datetime.now(UTC))
            yield

    def insert(self) -> Iterator[None]:
        """The same rows by one prepared statement each, without seal, check or session."""
        with psycopg.connect(self.stand.database_url, autocommit=True) as connection:
            fen = _AMOUNT.fen
            while True:
                now = datetime.now(UTC)
                legs = (self.source, -fen, self.target, fen)
                values = (str(uuid4()), now, now, _UNSEALED, *legs)
                connection.execute(_INSERT, values, prepare=True)
                yield

    def fill(self, entries: int) -> None:
        """Lengthen the book to that many entries, two a transfer, and let the server settle."""
        values = {
            "since": _SINCE,
            "apart": _APART,
            "first": self.entries // 2 + 1,
            "last": entries // 2,
            "seal": _UNSEALED,
            "source": self.source,
            "target": self.target,
            "fen": _AMOUNT.fen,
        }
        with self._unweighed() as connection:
            connection.execute(_FILL, values)
        with psycopg.connect(self.stand.owner_url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE) ledger.transfer, ledger.entry")
        ledger.mark_balances(self.core)
        self.entries = entries

    def balance(self, chance: random.Random) -> float:
        """Milliseconds to read what the hot account held at some instant of the book."""
        at = _SINCE + chance.randrange(self.entries // 2) * _APART
        began = time.perf_counter()
        with self.core.transaction() as session:
            ledger.balance(session, self.legs[1].account, at=at)
        return (time.perf_counter() - began) * 1_000

    @contextmanager
    def _unweighed(self) -> Iterator[psycopg.Connection]:
        """The owner's connection; the trigger that weighs each transfer would take minutes."""
        with psycopg.connect(self.stand.owner_url) as connection:
            for verb in ("DISABLE", "ENABLE"):
                for table in ("ledger.transfer", "ledger.entry"):
                    connection.execute(f"ALTER TABLE {table} {verb} TRIGGER balanced")
                if verb == "DISABLE":
                    yield connection

    def _post(self, now: datetime) -> None:
        with self.core.transaction() as session:
            ledger.post(session, code=Code.CLAIMED, key=str(uuid4()), legs=self.legs, now=now)


def _rates(plan: Plan, endless: Callable[[], Iterator[None]]) -> Measured:
    """How often it is done a second by some threads, each with a connection of its own."""

    def work(until: float) -> list[float]:
        taken, steps = [], endless()
        while (began := time.perf_counter()) < until:
            next(steps)
            taken.append((time.perf_counter() - began) * 1_000)
        return taken

    seconds = max(1.0, plan.window_seconds / 2)
    rates, taken = [], []
    for _ in range(plan.repetitions):
        until = time.perf_counter() + seconds
        with ThreadPoolExecutor(_CONNECTIONS) as threads:
            window = [one for part in threads.map(work, [until] * _CONNECTIONS) for one in part]
        rates.append(len(window) / seconds)
        taken += window
    return _measured(_CONNECTIONS, rates, taken)


def _reads(plan: Plan, book: _Book) -> Measured:
    """One reader asks for balances at random instants."""
    chance = random.Random(book.entries)  # noqa: S311 - no secret
    windows = [[book.balance(chance) for _ in range(_READS)] for _ in range(plan.repetitions)]
    rates = [1_000 / statistics.mean(window) for window in windows]
    return _measured(1, rates, [one for window in windows for one in window])


def _measured(connections: int, rates: list[float], taken: list[float]) -> Measured:
    cut = statistics.quantiles(taken, n=100)
    return Measured(Setting(connections, connections), tuple(rates), cut[49], cut[98], 0.0)
