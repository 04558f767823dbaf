"""The simulated servers answer as the real ones do."""

from __future__ import annotations

from tests.make import World
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.ids import ResidentId
from voucher_service.simulation.likeness import books_alike, gates_alike
from voucher_service.simulation.protections import without

SEQUENCES = 150


def _id(one: Actor) -> ResidentId:
    assert one.id is not None
    return ResidentId(one.id)


def test_the_simulated_gate_answers_and_remembers_as_the_real_one(core: Core) -> None:
    assert [line for seed in range(SEQUENCES) for line in gates_alike(core, seed)] == []


def test_the_simulated_books_answer_and_block_as_postgresql_does(core: Core, world: World) -> None:
    offer = world.offer(world.plan(quota=5, limit=2))
    residents = [_id(one) for one in world.residents(3)]
    found = [books_alike(core, offer, residents, seed) for seed in range(SEQUENCES)]
    assert [line for lines in found for line in lines] == []


def test_books_that_are_not_like_postgresql_are_told_apart(core: Core, world: World) -> None:
    offer = world.offer(world.plan(quota=5, limit=2))
    residents = [_id(one) for one in world.residents(3)]
    for gone in ("unique_slot", "unique_ordinal", "fence", "fenced_rebuild"):
        seeds = iter(range(SEQUENCES))
        assert any(books_alike(core, offer, residents, one, without(gone)) for one in seeds), gone
