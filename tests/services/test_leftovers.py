"""What lapses in a release flows into the next one, where the offer says so; exactly that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.make import World
from voucher_service.allocation.model import Closed, SoldOut
from voucher_service.campaigns.flowing import flowing
from voucher_service.campaigns.model import Offer, ReleasePlan
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock, day_of, end_of
from voucher_service.kernel.errors import DomainError
from voucher_service.reports import verification
from voucher_service.vouchers import service as vouchers

HOUR = timedelta(hours=1)
Play = Callable[[bool], tuple[World, Offer, Clock]]


def ten_tomorrow(core: Core) -> datetime:
    """Ten in the morning, so that the hours after it are of the same day whenever this runs."""
    return end_of(day_of(World(core).now())) + 10 * HOUR


@pytest.fixture
def play(core: Core) -> Play:
    """Ten vouchers now, five in two days; ten are claimed, six spent, and four lapse tonight."""

    def played(lapse_returns: bool) -> tuple[World, Offer, Clock]:
        start = ten_tomorrow(core)
        clock = Clock(start)
        world = World(with_clock(core, clock))
        plan = replace(
            world.plan(quota=15, valid_days=1, lapse_returns=lapse_returns),
            releases=(
                ReleasePlan(start - HOUR, 10, start + HOUR),
                ReleasePlan(start + 48 * HOUR, 5, start + 50 * HOUR),
            ),
        )
        offer = world.offer(plan)
        claimed = [world.claim(offer) for _ in range(10)]
        for one in claimed[:6]:
            world.redeem(one)
        clock.set(start + 25 * HOUR)
        while vouchers.expire_due(world.core):
            pass
        vouchers.prepare_gate(world.core, offer=offer.id, refill=True)
        return world, offer, clock

    return played


def won(world: World, offer: Offer, crowd: list[Actor]) -> tuple[int, set[str]]:
    """How many got one, and what the others were told."""
    count, told = 0, set()
    for one in crowd:
        try:
            world.claim(offer, one)
            count += 1
        except DomainError as refusal:
            told.add(refusal.code)
    return count, told


def test_four_that_lapsed_are_claimed_with_the_five_of_the_next_release(play: Play) -> None:
    world, offer, clock = play(True)
    crowd = world.residents(14)
    assert won(world, offer, crowd[:1])[0] == 0  # not between the releases
    clock.set(offer.releases[1].opens_at)
    (shown,) = (one for one in vouchers.board(world.core) if one.offer.id == offer.id)
    assert (shown.remaining, shown.quota) == (9, 9)
    assert won(world, offer, crowd) == (9, {SoldOut.code})
    clock.set(offer.releases[1].closes_at + 2 * timedelta(minutes=1))
    assert won(world, offer, crowd[-1:]) == (0, {Closed.code})
    found = verification.verify(world.core).breaches
    assert {one.invariant[:2] for one in found} <= {"T1"}  # this clock is not the servers'


def test_an_offer_that_says_no_gives_what_was_published_and_no_more(play: Play) -> None:
    world, offer, clock = play(False)
    clock.set(offer.releases[1].opens_at)
    assert won(world, offer, world.residents(7)) == (5, {SoldOut.code})


def test_what_lapses_while_the_next_release_is_open_can_be_claimed_there(core: Core) -> None:
    start = ten_tomorrow(core)
    clock = Clock(start)
    world = World(with_clock(core, clock))
    plan = replace(
        world.plan(quota=3, valid_days=1),
        releases=(
            ReleasePlan(start - HOUR, 2, start + HOUR),
            ReleasePlan(start + 2 * HOUR, 1, start + 50 * HOUR),
        ),
    )
    offer = world.offer(plan)
    lapsing = [world.claim(offer) for _ in range(2)]
    clock.set(start + 3 * HOUR)
    assert won(world, offer, world.residents(2)) == (1, {SoldOut.code})
    clock.set(lapsing[0].valid_until + timedelta(seconds=1))
    while vouchers.expire_due(world.core):
        pass
    vouchers.prepare_gate(world.core, offer=offer.id, refill=True)
    again = Actor(world.resident().kind, lapsing[0].resident_id)
    # All three lapsed: two slots of the first release and the one of the second.
    assert won(world, offer, [again, *world.residents(4)]) == (3, {SoldOut.code})


def test_a_release_that_closed_a_moment_ago_keeps_its_window_since_clocks_differ(
    world: World,
) -> None:
    now = world.now()
    offer = world.offer()
    first = replace(offer.releases[0], closes_at=now - timedelta(seconds=30))
    second = replace(offer.releases[0], opens_at=now - timedelta(seconds=30))
    both = replace(offer, releases=(first, second))
    assert flowing(both, now) == both
    later = flowing(both, now + timedelta(minutes=1))
    assert later.releases == (replace(second), second)
    assert [one.quota for one in later.releases] == [first.quota, second.quota]
