"""An order that a difference holds, let go in the second in which its batch is frozen."""

from __future__ import annotations

import io
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from tests.reconciliation.samples import written
from tests.settlement.offices import Office, yuan
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.money import Money
from voucher_service.reconciliation.differences import service
from voucher_service.reconciliation.differences.layout import LineKind, Told
from voucher_service.reconciliation.differences.model import Status
from voucher_service.settlement.service import leaving

MISSING, KNOWN = (f"42000{number:023}" for number in (1, 2))


@pytest.mark.parametrize(("given_back", "later"), [(None, 20), (Money(12_800), 0)])
def test_what_is_let_go_while_its_batch_is_frozen_is_paid_once_or_not_at_all(
    office: Office, monkeypatch: pytest.MonkeyPatch, given_back: Money | None, later: int
) -> None:
    world, till = office.world, office.till()
    core, offer = world.core, world.offer(world.plan(quota=2, limit=1))
    for reference in (MISSING, KNOWN):
        world.redeem(world.claim(offer), till, payment_reference=reference)
    at = world.now()
    office.next_day()
    batch = office.draft()
    line = Told(0, LineKind.PAYMENT, KNOWN, at, day_of(at), None, None, 10_800)
    made = service.take(
        core,
        actor=office.payer,
        format="wechat",
        file_name="bill.csv",
        source=io.BytesIO(written("wechat", [line])),
    )
    (found,) = service.differences(
        core,
        actor=office.payer,
        status=Status.OPEN,
        finding=None,
        file=made.id,
        cursor=None,
        limit=2,
    ).items
    proposal = service.propose(
        core, actor=office.payer, difference=found.id, amount=given_back, reason="核对过"
    )
    take_out, begun = leaving.take_out_held, []

    def sign() -> None:
        """As a person does: once more when the review took too long."""
        for _ in range(5):
            with suppress(TryAgain):
                world.approve(proposal)
                return

    with ThreadPoolExecutor(1) as other:

        def and_let_go(*given: Any) -> None:
            take_out(*given)
            begun.append(other.submit(sign))
            with suppress(TimeoutError):
                begun[0].exception(0.3)

        monkeypatch.setattr(leaving, "take_out_held", and_let_go)
        frozen = office.approve(batch)
        closed: Future[Any] = begun[0]
        assert closed.exception(60) is None
    assert (frozen.items, frozen.total) == (1, yuan(20))
    office.answer(office.send(frozen))
    office.next_day()
    assert office.draft().due == yuan(later) if later else office.nothing_due() == ["nothing"]
    assert office.clean() == []
