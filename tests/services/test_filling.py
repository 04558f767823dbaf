"""A gate that is filled from the books has what the books have, in order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.make import World
from voucher_service.allocation.filling import Filling
from voucher_service.allocation.service import pool_of
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferPlan, ReleasePlan
from voucher_service.infra.core import Core
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.service.drift import examine
from voucher_service.vouchers.tables import VoucherRow


def filled(core: Core, offer: Offer, *, twice: bool = False) -> Offer:
    """The offer after its gate was filled."""
    filling = Filling(core, offer.id)
    with core.transaction() as session:
        campaigns.raise_epoch(session, offer.id)
        found = campaigns.offer(session, offer=offer.id)
        for _ in range(2 if twice else 1):
            filling.load(session, pool=pool_of(found), rows=VoucherRow)
    assert filling.activate(pool_of(found))
    assert not filling.activate(pool_of(found)), "a gate at that epoch stands already"
    return found


def free(core: Core, offer: Offer, position: int) -> list[int]:
    listed = core.gate.lrange(f"gate:{{{offer.id.hex}}}:free:{position}", 0, -1)
    return [int(one) for one in listed]


def large(world: World) -> Offer:
    """Two releases, the first of more than one piece."""
    opens = world.now() - timedelta(hours=1)
    plan = world.plan(quota=5_010, face=1, threshold=10)
    releases = (ReleasePlan(opens, 5_002), ReleasePlan(opens + timedelta(minutes=1), 8))
    wanted = {name: getattr(plan, name) for name in OfferPlan.__slots__} | {"releases": releases}
    return world.offer(OfferPlan(**wanted))


def test_free_slots_are_offered_in_order_and_held_ones_are_not(world: World, core: Core) -> None:
    offer = large(world)
    for _ in range(3):
        world.claim(offer)
    with core.transaction() as session:
        session.execute(
            text("UPDATE voucher SET slot = 2500 WHERE offer_id = :id AND slot = 2"),
            {"id": offer.id},
        )
    found = filled(core, offer)
    slots = [one for one in range(1, 5_003) if one not in {1, 3, 2500}]
    assert (free(core, offer, 1), free(core, offer, 2)) == (slots, list(range(1, 9)))
    (looked,) = examine(core, offers=[found])
    assert looked.look is not None
    assert looked.clean


def test_a_piece_that_is_sent_twice_counts_once(world: World, core: Core) -> None:
    offer = large(world)
    world.claim(offer)
    found = filled(core, offer, twice=True)
    assert free(core, offer, 1) == list(range(2, 5_003))
    filling, pool = Filling(core, found.id), pool_of(found)
    who, target, _ = filling._filled(pool)
    for _ in range(2):
        filling._put(who, target, "a1 k1.1.1", "2-4 7-7", 0)
        filling._put(who, target, "", "9-9", 4)
    assert core.gate.lrange(target, 0, -1) == ["2", "3", "4", "7", "9"]
    core.gate.delete(who, target)


def test_who_returned_a_voucher_claims_a_new_generation(world: World, core: Core) -> None:
    offer, resident = world.offer(), world.resident()
    first = world.claim(offer, resident)
    with core.transaction() as session:
        session.execute(
            text("UPDATE voucher SET holds_slot = false, status = 'returned' WHERE id = :id"),
            {"id": first.id},
        )
    found = filled(core, offer)
    again = vouchers.claim(core, actor=resident, offer=found.id, key="again").value
    assert again.id != first.id
    with core.transaction() as session:
        generations = session.scalars(
            text("SELECT generation FROM voucher WHERE offer_id = :id ORDER BY 1"),
            {"id": offer.id},
        ).all()
    assert generations == [1, 2]


@pytest.mark.parametrize("part", ["who", "1"])
def test_a_gate_that_lost_a_piece_of_what_was_loaded_is_not_switched_on(
    world: World, core: Core, part: str
) -> None:
    offer = world.offer()
    world.claim(offer)
    filling = Filling(core, offer.id)
    with core.transaction() as session:
        campaigns.raise_epoch(session, offer.id)
        found = campaigns.offer(session, offer=offer.id)
        filling.load(session, pool=pool_of(found), rows=VoucherRow)
    core.gate.delete(f"gate:{{{offer.id.hex}}}:fill:{found.epoch}:{part}")
    assert not filling.activate(pool_of(found))
    world.claim(found)
    assert world.reload(offer.id).epoch > found.epoch, "filled again by who came next"
