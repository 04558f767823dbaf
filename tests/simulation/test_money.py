"""The simulated ledger: what must hold after each commit, and what it says when it does not."""

from __future__ import annotations

from random import Random

import pytest

from voucher_service.ledger.model import Code, Stage, line, move, pool
from voucher_service.simulation.history import History, play
from voucher_service.simulation.money import Ledger, Transfer
from voucher_service.simulation.places import built
from voucher_service.simulation.protections import Protections
from voucher_service.vouchers.service import write

# One history in seven has vouchers that lapse.
WITH_LAPSES = range(4, 700, 7)


@pytest.fixture
def ledger() -> Ledger:
    """Of an offer that was just published."""
    return Ledger(built(Random(1), Protections()).books.offer)


def names(ledger: Ledger, *, live: int, written: int) -> list[str]:
    return [one.partition(":")[0] for one in ledger.breaches(live=live, written=written)]


def test_a_voucher_that_is_claimed_and_lapses_leaves_the_books_whole(ledger: Ledger) -> None:
    assert names(ledger, live=0, written=0) == []
    ledger.append(Transfer(Code.CLAIMED, write.claimed(ledger.offer, 1)))
    assert names(ledger, live=1, written=1) == []
    ledger.append(Transfer(Code.CLAIM_UNDONE, write.undone(ledger.offer, 1)))
    assert names(ledger, live=0, written=1) == []


def test_money_without_a_voucher_and_a_voucher_without_money_are_named(ledger: Ledger) -> None:
    assert names(ledger, live=1, written=1) == ["L4", "I8"]
    ledger.append(Transfer(Code.CLAIMED, write.claimed(ledger.offer, 1)))
    assert names(ledger, live=0, written=0) == ["L4", "I8"]


def test_what_was_undone_twice_is_overdrawn(ledger: Ledger) -> None:
    ledger.append(Transfer(Code.CLAIM_UNDONE, write.undone(ledger.offer, 1)))
    assert names(ledger, live=0, written=0) == ["L3", "L4"]


def test_money_that_went_to_a_stranger_is_missed(ledger: Ledger) -> None:
    stranger = line(ledger.offer.programme_id, Stage.AVAILABLE)
    amount = ledger.offer.face_value
    legs = move(amount, pool(ledger.offer.id, Stage.RESERVED), stranger)
    ledger.append(Transfer(Code.PUBLISHED, legs))
    assert names(ledger, live=0, written=0) == ["L6", "L9"]


def test_vouchers_lapse_under_faults_and_are_claimed_again() -> None:
    lapsed, generations = 0, set()
    for seed in WITH_LAPSES:
        history = History(seed)
        assert history.run().violations == []
        books = history.stand.books
        lapsed += len(books.lapsed)
        generations |= {row.generation for row in books.standing()}
    assert lapsed > len(WITH_LAPSES) / 4
    assert max(generations) > 1


def test_a_claim_whose_money_moves_elsewhere_is_noticed_at_once() -> None:
    found = play(1, Protections(same_transaction=False)).violations
    assert found[0].startswith("L4")
