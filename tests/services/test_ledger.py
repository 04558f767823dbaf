"""Transfers, freezes, balances at any instant, and statements."""

from __future__ import annotations

import random
import threading
import time
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.conftest import NOON
from voucher_service.infra.core import Core
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.money import ZERO, Money
from voucher_service.kernel.page import CursorInvalid
from voucher_service.ledger import marks
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Account, Code, FreezeResolved, Stage, move, pool

NUMBERS = count()


def at(seconds: int) -> datetime:
    """An instant of business time."""
    return NOON + timedelta(seconds=seconds)


def post(session: Session, source: Account, target: Account, fen: int, now: datetime) -> None:
    """Move money."""
    key = f"{next(NUMBERS)}-{uuid4()}"
    assert ledger.post(
        session, code=Code.CLAIMED, key=key, legs=move(Money(fen), source, target), now=now
    )


def plain(session: Session, account: Account, until: datetime) -> Money:
    """The balance by adding up every entry."""
    statement = text(
        "SELECT coalesce(sum(e.amount_fen), 0) FROM ledger.entry e"
        " JOIN ledger.transfer t ON t.id = e.transfer_id"
        " JOIN ledger.account a ON a.id = e.account_id"
        " WHERE a.owner_id = :id AND a.stage = :stage AND t.occurred_at <= :until"
    )
    values = {"id": account.id, "stage": str(account.stage), "until": until}
    return Money(int(session.execute(statement, values).scalar_one()))


class Book:
    """Two accounts, posted to in any order, beside transactions that stay open for long."""

    def __init__(self, core: Core) -> None:
        self.core, offer = core, uuid4()
        self.accounts = pool(offer, Stage.RESERVED), pool(offer, Stage.OUTSTANDING)
        self.waiting: list[tuple[AbstractContextManager[Session], Session]] = []
        # Opens the accounts: of two transactions that open the same one, the second waits.
        self.act("post", 1, -1)

    def post(self, session: Session, fen: int, when: int) -> None:
        """A claim at some second."""
        post(session, *self.accounts, fen, at(when))

    def act(self, kind: str, fen: int, when: int) -> None:
        """One step of a history."""
        if kind == "post":
            with self.core.transaction() as session:
                self.post(session, fen, when)
        elif kind == "open" and len(self.waiting) < 2:
            block = self.core.transaction()
            session = block.__enter__()
            self.post(session, fen, when)
            self.waiting.append((block, session))
        elif kind == "commit" and self.waiting:
            self.waiting.pop(0)[0].__exit__(None, None, None)
        elif kind == "mark":
            with self.core.transaction() as session:
                marks.advance(session, every=2)

    def close(self) -> None:
        """End what is open."""
        while self.waiting:
            self.act("commit", 0, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["post", "post", "post", "open", "commit", "mark", "mark"]),
            st.integers(1, 1_000),
            st.integers(0, 5),
        ),
        max_size=25,
    )
)
@settings(max_examples=60)
def test_a_balance_at_any_instant_is_the_plain_sum_whatever_was_marked_when(
    core: Core, history: list[tuple[str, int, int]]
) -> None:
    book = Book(core)
    try:
        for kind, fen, when in history:
            book.act(kind, fen, when)
            with core.transaction() as session:
                for second in (-1, 0, 2, 5):
                    found = ledger.balances(session, book.accounts, at=at(second))
                    assert found == {one: plain(session, one, at(second)) for one in book.accounts}
                assert ledger.balances(session, book.accounts) == found
    finally:
        book.close()


def test_balances_are_exact_while_many_post_and_marks_are_made(core: Core) -> None:
    book, until = Book(core), time.monotonic() + 2.5
    chance = random.Random(4)
    seeds = [chance.random() for _ in range(3)]

    def write(seed: float) -> None:
        own = random.Random(seed)
        while time.monotonic() < until:
            with core.transaction() as session:
                book.post(session, own.randint(1, 99), own.randint(0, 50))
                if own.random() < 0.2:
                    time.sleep(0.01)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in seeds]
    for writer in writers:
        writer.start()
    looks = 0
    while any(writer.is_alive() for writer in writers):
        book.act("mark", 0, 0)
        with core.transaction() as session:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            when = at(chance.randint(0, 50))
            assert ledger.balances(session, book.accounts, at=when) == {
                one: plain(session, one, when) for one in book.accounts
            }
        looks += 1
    assert looks > 10


def test_marks_are_made_and_spare_reading_the_book(core: Core) -> None:
    book = Book(core)
    for second in range(6):
        book.act("post", 100, second)
    book.act("mark", 0, 0)
    with core.transaction() as session:
        made = session.execute(
            text(
                "SELECT m.balance_fen FROM balance_mark m JOIN ledger.account a"
                " ON a.id = m.account_id WHERE a.owner_id = :id AND a.stage = 'outstanding'"
                " ORDER BY m.at"
            ),
            {"id": book.accounts[0].id},
        ).scalars()
        assert list(made) == [101, 301, 501]


def test_marks_begin_again_on_a_server_whose_numbers_start_low(core: Core) -> None:
    book = Book(core)
    for second in range(4):
        book.act("post", 100, second)
    with core.transaction() as session:
        session.execute(text("UPDATE balance_horizon SET xid = 1000000000000"))
    book.act("post", 50, 0)
    book.act("mark", 0, 0)
    with core.transaction() as session:
        assert ledger.balance(session, book.accounts[1], at=at(1)) == Money(251)


def test_a_statement_shows_each_movement_with_the_balance_after_it(core: Core) -> None:
    book = Book(core)
    account = book.accounts[1]
    for fen, second in ((100, 1), (20, 2), (3, 2), (4_000, 3), (50_000, 9)):
        book.act("post", fen, second)
    with core.transaction() as session:
        first = ledger.statement(session, account, since=at(2), until=at(9), limit=2)
        rest = ledger.statement(
            session, account, since=at(2), until=at(9), cursor=first.next, limit=2
        )
        assert [(one.amount, one.balance) for one in first.items] == [
            (Money(4_000), Money(4_124)),
            (Money(3), Money(124)),
        ]
        assert [(one.amount, one.balance) for one in rest.items] == [(Money(20), Money(121))]
        assert rest.next is None
        for cursor in ("x", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwxXQ"):
            with pytest.raises(CursorInvalid):
                ledger.statement(session, account, cursor=cursor)


def test_legs_that_do_not_balance_are_no_transfer(core: Core) -> None:
    legs = move(Money(5), pool(uuid4(), Stage.RESERVED), pool(uuid4(), Stage.OUTSTANDING))
    with core.transaction() as session:
        for crooked in (legs[:1], (legs[0], legs[0]), (legs[0], legs[1], legs[0], legs[1])):
            with pytest.raises(ValueError, match="unbalanced"):
                ledger.post(session, code=Code.CLAIMED, key="x", legs=crooked, now=NOON)


class Frozen:
    """A redemption whose money is frozen in its pool."""

    def __init__(self, core: Core, fen: int = 500) -> None:
        self.core, self.offer, self.id = core, uuid4(), uuid4()
        with core.transaction() as session:
            post(
                session,
                pool(self.offer, Stage.RESERVED),
                pool(self.offer, Stage.OUTSTANDING),
                800,
                NOON,
            )
            assert ledger.freeze(session, id=self.id, offer=self.offer, amount=Money(fen), now=NOON)

    def resolve(self, *, commit: bool, **more: Any) -> bool:
        """End it in a transaction of its own."""
        with self.core.transaction() as session:
            return ledger.resolve(session, id=self.id, commit=commit, now=NOON, **more)

    def stands(self, *stages: Stage) -> list[int]:
        """What the pool holds in some stages, in fen."""
        with self.core.transaction() as session:
            accounts = [pool(self.offer, one) for one in stages]
            found = ledger.balances(session, accounts)
        return [found[one].fen for one in accounts]


def test_a_freeze_that_is_committed_pays_and_frees_the_rest(core: Core) -> None:
    one = Frozen(core)
    assert one.resolve(commit=True, unused=Money(300))
    stages = Stage.OUTSTANDING, Stage.FROZEN, Stage.COMMITTED, Stage.RESERVED
    assert one.stands(*stages) == [0, 0, 500, -500]


def test_a_freeze_that_is_cancelled_leaves_the_voucher_its_money(core: Core) -> None:
    one = Frozen(core)
    assert one.stands(Stage.OUTSTANDING, Stage.FROZEN) == [300, 500]
    assert one.resolve(commit=False)
    assert one.stands(Stage.OUTSTANDING, Stage.FROZEN, Stage.COMMITTED) == [800, 0, 0]


@pytest.mark.parametrize("commit", [True, False])
def test_a_freeze_ends_once(core: Core, commit: bool) -> None:
    one = Frozen(core)
    assert one.resolve(commit=commit)
    assert not one.resolve(commit=commit)
    with pytest.raises(FreezeResolved):
        one.resolve(commit=not commit)


def test_what_was_never_frozen_can_not_be_resolved(core: Core) -> None:
    with core.transaction() as session, pytest.raises(NoSuchThing):
        ledger.resolve(session, id=uuid4(), commit=True, now=NOON)


def test_of_a_commit_and_a_cancel_at_once_one_wins(core: Core) -> None:
    for _ in range(10):
        one, barrier, said = Frozen(core), threading.Barrier(2), []

        def race(commit: bool, one: Frozen = one, said: list[Any] = said) -> None:
            barrier.wait()  # noqa: B023 - joined below
            try:
                said.append((commit, one.resolve(commit=commit)))
            except FreezeResolved:
                said.append((commit, False))

        threads = [threading.Thread(target=race, args=(commit,)) for commit in (True, False)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (won,) = [commit for commit, done in said if done]
        assert one.stands(Stage.FROZEN, Stage.COMMITTED) == [0, 500 if won else 0]


def test_an_account_never_used_holds_nothing(core: Core) -> None:
    with core.transaction() as session:
        account = pool(uuid4(), Stage.RESERVED)
        assert ledger.balance(session, account) == ZERO
        assert ledger.statement(session, account).items == []
