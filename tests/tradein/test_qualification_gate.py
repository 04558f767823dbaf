"""Qualifications through the gate: places are never too many there, and nothing is given twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.make import World
from tests.tradein.town import MONDAY, PHONE, TABLET, Town
from voucher_service.allocation import degraded, upkeep
from voucher_service.allocation import service as allocation
from voucher_service.allocation.gate import Gate
from voucher_service.allocation.model import Ask, Seat, Verdict
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.model import Mode
from voucher_service.infra.core import Core, build, with_clock
from voucher_service.infra.idempotency import hash_of
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import DomainError, TryAgain
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.reports import verification
from voucher_service.settings import Settings
from voucher_service.tradein import service as tradein
from voucher_service.tradein.qualifications import Pool, PoolFull, Status
from voucher_service.tradein.service import using
from voucher_service.tradein.tables import QualificationRow

LAST = timedelta(days=29)  # every release is open: 31 slots, and money for 15 at the most


@pytest.fixture
def full(town: Town) -> tuple[Town, Pool]:
    """The last day of a pool with twice as many slots as its money pays."""
    pool = town.pool(release_quota=1, overbook_bps=10_000)
    late = town.at(LAST)
    return late, replace(pool, offer=late.world.reload(pool.offer.id))


def seats(town: Town, pool: Pool, count: int) -> list[Seat | Verdict]:
    """What the gate tells so many strangers, without a word to the books."""
    now = town.core.clock.at
    assert now is not None
    slots = allocation.pool_of(flowing(pool.offer, now), counted=True)
    asks = [Ask(ResidentId(new_id()), hash_of(str(i))) for i in range(count)]
    answers = Gate(town.core, pool.offer.id).admit(slots, asks, now)
    return [one.seat or one.verdict for one in answers]


def given(told: list[Seat | Verdict]) -> list[Seat]:
    return [one for one in told if isinstance(one, Seat)]


def count(town: Town, pool: Pool, places: int, meanwhile: int = 0) -> int:
    """Tell the gate of so many places; how many it gave away while the books were read."""
    taken = list[Seat]()

    def read(_: Session) -> int:
        taken.extend(given(seats(town, pool, meanwhile) if meanwhile else []))
        return places

    core, offer = town.core, pool.offer
    assert allocation.count_places(core, offer=offer.id, epoch=offer.epoch, places=read)
    return len(taken)


def claims(town: Town, people: list[Actor], at_once: int = 8) -> Counter[str]:
    """What so many are told who claim at the same moment, in two processes; they ask again."""
    groups = [tradein.Claims(town.core), tradein.Claims(town.core)]

    def claim(i: int) -> str:
        for _ in range(60):
            try:
                groups[i % 2].claim(actor=people[i], category=PHONE, key="k")
            except TryAgain:
                continue
            except DomainError as refusal:
                if refusal.code != "gate_not_ready":
                    return refusal.code
            else:
                return "given"
        return "never"

    with ThreadPoolExecutor(at_once) as crowd:
        return Counter(crowd.map(claim, range(len(people))))


def test_a_gate_that_nobody_counted_gives_nothing(full: tuple[Town, Pool]) -> None:
    assert seats(*full, 1) == [Verdict.UNCOUNTED]


def test_each_seat_takes_a_place_and_the_rest_hear_that_the_pool_is_full(
    full: tuple[Town, Pool],
) -> None:
    count(*full, places=3)
    told = seats(*full, 5)
    assert (len(given(told)), told[3:]) == (3, [Verdict.FULL, Verdict.FULL])


def test_what_is_given_while_the_books_are_read_is_taken_off(full: tuple[Town, Pool]) -> None:
    count(*full, places=10)
    assert count(*full, places=5, meanwhile=2) == 2
    assert len(given(seats(*full, 9))) == 3, "five, less the two that were given since"


def test_a_seat_that_the_books_don_t_know_yet_is_taken_off(full: tuple[Town, Pool]) -> None:
    count(*full, places=4)
    seats(*full, 3)
    count(*full, places=4)  # the books saw none of the three
    assert len(given(seats(*full, 9))) == 1


def test_a_count_of_before_the_gate_was_filled_again_is_not_believed(
    full: tuple[Town, Pool],
) -> None:
    town, pool = full
    count(town, pool, places=4)
    tradein.prepare_gate(town.core, offer=pool.offer.id, refill=True)
    assert not allocation.count_places(
        town.core, offer=pool.offer.id, epoch=pool.offer.epoch, places=lambda _: 9
    )
    anew = replace(pool, offer=town.world.reload(pool.offer.id))
    assert seats(town, anew, 1) == [Verdict.UNCOUNTED]


def test_a_crowd_gets_what_the_money_pays_whatever_the_gate_believes(
    full: tuple[Town, Pool],
) -> None:
    town, pool = full
    count(town, pool, places=31)  # wrong: there is money for 15
    told = claims(town, town.world.residents(24))
    assert told == {"given": 15, "pool_full": 9}


def test_claims_go_on_while_the_gate_is_emptied_and_no_slot_is_given_twice(town: Town) -> None:
    pool = town.pool(release_quota=4)
    late = town.at(timedelta(days=3))  # 20 slots are open
    people = late.world.residents(24)
    gate = set(late.core.gate.scan_iter(f"gate:{{{pool.offer.id.hex}}}*"))
    with ThreadPoolExecutor(1) as other:
        told = other.submit(claims, late, people)
        late.core.gate.delete(*gate)
        assert told.result() == {"given": 20, "sold_out": 4}


def test_a_claim_that_died_between_gate_and_books_gives_its_place_back(
    full: tuple[Town, Pool],
) -> None:
    town, pool = full
    count(town, pool, places=15)
    assert len(given(seats(town, pool, 15))) == 15  # nobody lives to write them
    with pytest.raises(PoolFull):
        town.claim()
    later = town.at(LAST + allocation.SETTLE_AFTER * 2)
    assert upkeep.settle_pending(later.core, tradein.GATED) >= 15
    tradein.count_places(later.core)
    assert later.claim().status is Status.CLAIMED


def test_one_who_claims_two_categories_in_one_batch_gets_both(town: Town) -> None:
    town.pool()
    who = town.world.resident()
    assert {town.claim(who, one).category for one in (PHONE, TABLET)} == {PHONE, TABLET}


@pytest.fixture
def away(settings: Settings) -> Iterator[Core]:
    """A process without a gate that gives up on it at once."""
    degraded.answered()
    gate = replace(settings.gate, url="redis://127.0.0.1:1/0", degraded_after_ms=0)
    made = build(replace(settings, gate=gate))
    yield made
    made.close()
    degraded.answered()


def test_postgresql_alone_gives_them_while_the_gate_is_away_and_the_gate_comes_back(
    town: Town, away: Core
) -> None:
    pool = town.pool()
    lost = Town(World(with_clock(away, Clock(MONDAY))))
    held = [lost.claim(who) for who in lost.world.residents(3)]
    assert town.world.reload(pool.offer.id).mode is Mode.DEGRADED
    tradein.prepare_gate(town.core, offer=pool.offer.id, refill=True)
    assert town.world.reload(pool.offer.id).mode is Mode.GATE
    held += [town.claim(who) for who in town.world.residents(3)]
    with town.core.transaction() as session:
        slots = session.scalars(
            text("SELECT slot FROM qualification WHERE offer_id = :id AND holds_slot"),
            {"id": pool.offer.id},
        ).all()
    assert len(set(slots)) == len(held) == 6


def test_gate_and_books_say_the_same_after_claims_and_give_ups(town: Town) -> None:
    pool = town.pool()
    people = town.world.residents(4)
    first, *_ = [town.claim(who) for who in people]
    tradein.give_up(town.core, actor=people[0], qualification=first.id)
    town.later(pool)
    town.claim(people[0])
    offer = town.world.reload(pool.offer.id)
    with upkeep.drift.snapshot(town.core) as session:
        found = upkeep.drift.look(town.core, session, offer=offer, rows=QualificationRow)
    assert found is not None
    assert (found.suspects, found.pending) == (frozenset(), 0)


def test_a_holder_whom_a_till_refused_stands_in_front_and_is_called_back(
    full: tuple[Town, Pool],
) -> None:
    town, _ = full
    people = town.world.residents(15)
    held, *_ = [town.claim(who) for who in people]
    other = town.world.resident()
    tradein.wait(town.core, actor=other, category=PHONE)
    with town.core.transaction() as session:
        using.put_first(session, qualification=held, actor=people[0], now=town.core.now(session))
    assert [one.place for one in tradein.waiting(town.core, actor=people[0])] == [1]
    assert [one.place for one in tradein.waiting(town.core, actor=other)] == [2]
    assert tradein.promote_due(town.core) == 1
    assert tradein.waiting(town.core, actor=people[0]) == []
    assert [one.place for one in tradein.waiting(town.core, actor=other)] == [1]


def test_verify_compares_the_gates_of_pools_too(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "APART_SECONDS", 0.01)
    pool = town.pool(release_quota=3)
    tradein.prepare_gate(town.core, offer=pool.offer.id, refill=True)
    free = f"gate:{{{pool.offer.id.hex}}}:free:1"
    slot = town.core.gate.lpop(free)
    found = verification.verify(town.core)
    assert f"pool {pool.offer.id}: missing 1/{slot}" in [one.detail for one in found.breaches]
    tradein.prepare_gate(town.core, offer=pool.offer.id, refill=True)
    found = verification.verify(town.core)
    assert not [one for one in found.breaches if str(pool.offer.id) in one.detail]
    assert "pools of qualifications" in found.gate
