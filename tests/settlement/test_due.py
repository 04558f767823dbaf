"""What the schedule drafts by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.car_applicants import proposed
from tests.settlement.offices import Office, yuan
from voucher_service.kernel.actor import SYSTEM
from voucher_service.settlement import service as settlement
from voucher_service.settlement.bank_file import BOUNCED
from voucher_service.settlement.lifecycles import BatchStatus, PaymentStatus
from voucher_service.settlement.model import HoldReason
from voucher_service.settlement.service import drafting
from voucher_service.settlement.standing import NothingDue


def _count(office: Office) -> int:
    core = office.world.core
    return len(settlement.batches(core, actor=office.payer, cursor=None, limit=20).items)


def test_a_bounced_payment_makes_no_batch_before_it_may_be_tried_again(office: Office) -> None:
    core = office.world.core
    office.spend(office.till())
    office.next_day()
    paid = office.settle(lambda _: BOUNCED)
    office.next_day()
    assert settlement.settle_due(core) == 0 and _count(office) == 1
    bounced = settlement.payments(
        core,
        actor=office.payer,
        batch=paid.id,
        status=PaymentStatus.BOUNCED,
        cursor=None,
        limit=1,
    )
    settlement.retry(core, actor=office.payer, payment=bounced.items[0].id)
    assert settlement.settle_due(core) == 1 and _count(office) == 2


def test_a_payout_under_notice_hides_none_that_can_be_paid(office: Office) -> None:
    world = office.world
    (_, slow), (_, quick) = proposed(world), proposed(world)
    world.approve(quick)
    for _ in range(5):
        office.next_day()
    world.approve(slow)
    office.next_day()
    assert settlement.settle_due(world.core) == 1
    (batch,) = settlement.batches(world.core, actor=office.payer, cursor=None, limit=9).items
    assert batch.lines == 1


def test_an_advance_waits_until_its_merchant_has_an_account(office: Office) -> None:
    core, till = office.world.core, office.world.cashier()
    asked = settlement.propose_advance(
        core,
        actor=office.reviewer,
        merchant=office.merchant(till),
        amount=yuan(50),
        reason="备货",
    )
    office.world.approve(asked)
    assert settlement.settle_due(core) == 0 and _count(office) == 0
    office.account(till, "4417000012345678")
    office.next_day()
    assert settlement.settle_due(core) == 1
    assert settlement.batches(core, actor=office.payer, cursor=None, limit=1).items[0].lines == 1


def test_what_cannot_be_paid_makes_no_batch_and_the_day_stays_free(office: Office) -> None:
    core, till, homeless = office.world.core, office.till(), office.world.cashier()
    (held,) = office.spend(till)
    office.spend(homeless, 2)
    with core.transaction() as session:
        hold: dict[str, Any] = {"redemption": held.id, "reason": HoldReason.RISK, "by": SYSTEM}
        settlement.hold(session, **hold, now=core.now(session))
    assert office.nothing_due() == ["nothing"], "the day before, nothing was redeemed"
    office.next_day()
    assert settlement.settle_due(core) == 0 and _count(office) == 0
    assert office.nothing_due() == ["no_account", "risk"]
    with pytest.raises(NothingDue) as refused:
        office.draft()
    assert refused.value.params == {"amount": yuan(60)}
    assert refused.value.extra["waiting"] == [
        {"reason": "no_account", "count": 2, "amount_fen": 4_000},
        {"reason": "risk", "count": 1, "amount_fen": 2_000},
    ]
    with core.transaction() as session:
        settlement.release_hold(session, **hold, now=core.now(session))
    assert settlement.settle_due(core) == 1 and office.draft().due == yuan(20)


def test_a_draft_that_comes_to_nothing_is_dropped_and_another_one_follows(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, (held,) = office.world.core, office.spend(office.till())
    with core.transaction() as session:
        hold: dict[str, Any] = {"redemption": held.id, "reason": HoldReason.RISK, "by": SYSTEM}
        settlement.hold(session, **hold, now=core.now(session))
    office.next_day()
    with monkeypatch.context() as held_meanwhile:
        held_meanwhile.setattr(drafting, "anything", lambda *_: True)
        empty = office.draft()
    assert (empty.status, empty.lines) == (BatchStatus.DROPPED, 0)
    with core.transaction() as session:
        settlement.release_hold(session, **hold, now=core.now(session))
    assert (office.draft().day, office.draft().lines) == (empty.day, 1)


def test_a_payout_that_a_batch_pays_makes_no_second_batch(office: Office) -> None:
    _, asked = proposed(office.world)
    office.world.approve(asked)
    for _ in range(6):
        office.next_day()
    assert settlement.settle_due(office.world.core) == 1
    office.next_day()
    assert settlement.settle_due(office.world.core) == 0 and _count(office) == 1
