"""What one call of the gate promises, whoever else is in the same batch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.make import World
from voucher_service.allocation.gate import Gate
from voucher_service.allocation.model import Answer, Ask, Pool, Seat, SeatFreed, Verdict
from voucher_service.allocation.service import pool_of
from voucher_service.campaigns.model import OfferPlan, ReleasePlan
from voucher_service.infra.core import Core
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.vouchers import service as vouchers


def opened(core: Core, world: World, *quotas: int, limit: int = 1) -> tuple[Gate, Pool]:
    """A filled gate with a release of each size, all open."""
    plan = world.plan(quota=sum(quotas), face=1, threshold=10, limit=limit)
    opens = world.now() - timedelta(hours=1)
    releases = tuple(
        ReleasePlan(opens + timedelta(minutes=i), quota) for i, quota in enumerate(quotas)
    )
    wanted = {name: getattr(plan, name) for name in OfferPlan.__slots__} | {"releases": releases}
    offer = world.offer(OfferPlan(**wanted))
    vouchers.prepare_gate(core, offer=offer.id, refill=False)
    return Gate(core, offer.id), pool_of(world.reload(offer.id))


KEY = b"one".ljust(32, b".")


def ask(resident: ResidentId | None = None, key: bytes = b"one") -> Ask:
    return Ask(resident or ResidentId(new_id()), key.ljust(32, b"."))


def admit(gate: Gate, pool: Pool, *asks: Ask) -> list[Answer]:
    return gate.admit(pool, asks, datetime.now(UTC))


def seat(answer: Answer) -> Seat:
    assert answer.seat is not None
    return answer.seat


def test_two_taps_of_a_resident_in_one_batch_share_one_seat(core: Core, world: World) -> None:
    gate, pool = opened(core, world, 3)
    resident = ResidentId(new_id())
    one, same, other = admit(gate, pool, *(ask(resident, key) for key in (b"a", b"a", b"b")))
    assert seat(one) == seat(same) == seat(other)
    assert gate.settle(pool, [(seat(one), ask(resident, b"a").key_hash)])
    again, more = admit(gate, pool, ask(resident, b"a"), ask(resident, b"b"))
    assert (seat(again), more.verdict) == (seat(one), Verdict.LIMIT)
    assert gate.free(pool) == [2]


def test_the_tap_that_was_written_is_remembered_and_not_the_one_that_asked_first(
    core: Core, world: World
) -> None:
    gate, pool = opened(core, world, 1)
    resident = ResidentId(new_id())
    first, second = ask(resident, b"a"), ask(resident, b"b")
    (given,), (same,) = admit(gate, pool, first), admit(gate, pool, second)
    assert gate.settle(pool, [(seat(same), second.key_hash)])
    again, less = admit(gate, pool, second, first)
    assert (seat(again), less.verdict) == (seat(given), Verdict.LIMIT)


def test_a_resident_with_a_limit_of_two_gets_two_seats_in_one_batch(
    core: Core, world: World
) -> None:
    gate, pool = opened(core, world, 3, limit=2)
    resident = ResidentId(new_id())
    answers = admit(gate, pool, *(ask(resident, key) for key in (b"a", b"b", b"a")))
    assert [seat(one).ordinal for one in answers] == [1, 2, 1]
    assert gate.free(pool) == [1]


def test_a_batch_goes_on_in_the_next_release_and_ends_sold_out(core: Core, world: World) -> None:
    gate, pool = opened(core, world, 2, 3)
    answers = admit(gate, pool, *(ask() for _ in range(7)))
    given = [(pool.windows.index(seat(one).window), seat(one).slot) for one in answers[:5]]
    assert given == [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]
    assert [one.verdict for one in answers[5:]] == [Verdict.SOLD_OUT] * 2
    assert gate.free(pool) == [0, 0]


def test_a_slot_that_is_freed_twice_comes_back_once(core: Core, world: World) -> None:
    gate, pool = opened(core, world, 2)
    (answer,) = admit(gate, pool, ask())
    assert gate.settle(pool, [(seat(answer), None), (seat(answer), None)])
    assert gate.settle(pool, [(seat(answer), None)])
    assert gate.free(pool) == [2]
    assert {seat(one).slot for one in admit(gate, pool, ask(), ask())} == {1, 2}


def test_a_seat_confirmed_after_it_was_freed_is_said_aloud(core: Core, world: World) -> None:
    gate, pool = opened(core, world, 2)
    gone, kept = (seat(one) for one in admit(gate, pool, ask(), ask()))
    assert gate.settle(pool, [(gone, None)])
    with pytest.raises(SeatFreed):
        gate.settle(pool, [(gone, KEY), (kept, KEY)])
    assert gate.settle(pool, [(kept, KEY)]), "confirmed twice is no harm"
    assert gate.pending(pool, datetime.now(UTC)) == []


def test_a_seat_of_another_generation_is_left_alone(core: Core, world: World) -> None:
    gate, pool = opened(core, world, 1)
    (answer,) = admit(gate, pool, ask())
    mine = seat(answer)
    other = Seat(mine.window, mine.slot, mine.resident, mine.ordinal, mine.generation + 1)
    assert gate.settle(pool, [(other, None)])
    assert gate.free(pool) == [0]
    assert gate.pending(pool, datetime.now(UTC)) == [mine]


@pytest.mark.parametrize(("limit", "count"), [(1, 7_000), (100, 300)])
def test_a_batch_of_any_size_is_admitted_and_settled(
    core: Core, world: World, limit: int, count: int
) -> None:
    gate, pool = opened(core, world, count, limit=limit)
    seats = [seat(one) for one in admit(gate, pool, *(ask() for _ in range(count)))]
    assert sorted(one.slot for one in seats) == list(range(1, count + 1))
    assert gate.settle(pool, [(one, None if i % 2 else KEY) for i, one in enumerate(seats)])
    assert gate.free(pool) == [count // 2]
    assert gate.pending(pool, datetime.now(UTC)) == []


def test_a_gate_at_another_epoch_admits_nobody_and_settles_nothing(
    core: Core, world: World
) -> None:
    gate, pool = opened(core, world, 1)
    (answer,) = admit(gate, pool, ask())
    later = Pool(pool.offer, pool.epoch + 1, pool.limit, pool.windows)
    assert [one.verdict for one in admit(gate, later, ask(), ask())] == [Verdict.NOT_READY] * 2
    assert not gate.settle(later, [(seat(answer), KEY)])
    assert gate.free(later) is None
    assert gate.settle(pool, [(seat(answer), KEY)])
