"""The board: what happened today, and whether the count follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.make import World
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.money import Money
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports.board import board


def test_the_board_counts_what_happened_today(clock_core: Core) -> None:
    world = World(clock_core)
    campaign = world.draft()
    offer = world.offer(world.plan(quota=4), campaign=campaign)
    world.redeem(world.claim(offer))
    world.claim(offer)
    reconciliation.run(world.core, programme=campaign.programme.slug)
    found = board(world.core, programme=campaign.programme.slug)
    assert (found.claimed_today, found.redeemed_today) == (2, 1)
    assert len(found.hours) == 24
    assert (found.hours[-1].claimed, found.hours[-1].redeemed) == (2, 1)
    (now,) = found.offers
    assert (now.quota, now.taken, now.remaining, now.opens_at) == (4, 2, 2, None)
    assert (found.unclaimed, found.synthetic) == (Money(4_000), False)


def test_the_board_says_when_the_count_does_not_follow(core: Core) -> None:
    clock = Clock(datetime(2026, 9, 23, 4, 0, tzinfo=UTC))
    world = World(with_clock(core, clock))
    campaign = world.draft()
    offer, slug = world.offer(campaign=campaign), campaign.programme.slug
    reconciliation.run(world.core, programme=slug)
    assert clock.at is not None
    clock.set(clock.at + timedelta(minutes=1))
    world.claim(offer)
    clock.set(clock.at + timedelta(minutes=9))
    assert board(world.core, programme=slug).behind is None, "it may still follow"
    clock.set(clock.at + timedelta(minutes=1))
    assert board(world.core, programme=slug).behind == timedelta(minutes=11)
    reconciliation.run(world.core, programme=slug)
    clock.set(clock.at + timedelta(days=1))
    assert board(world.core, programme=slug).behind is None, "nothing happened since"
