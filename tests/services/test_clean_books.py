"""Honest work leaves clean books."""

from __future__ import annotations

from tests.make import World
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.reports import verification


def test_honest_books_are_clean_and_say_what_was_checked(world: World, core: Core) -> None:
    offer, till = world.offer(world.plan(quota=5)), world.cashier()
    for voucher in [world.claim(offer) for _ in range(3)][:2]:
        world.redeem(voucher, till)
    proposal = campaigns.close(core, actor=world.planner, campaign=offer.campaign_id)
    approvals.approve(core, actor=world.approver, approval=proposal)
    found = verification.verify(core)
    assert found.breaches == ()
    checked = len(verification.ALL) + 4  # and the seals, the log, the frozen payloads, the draws
    assert f"{checked} invariants hold over 3 vouchers, 2 redemptions" in found.sentence
