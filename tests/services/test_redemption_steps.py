"""Two steps at the till, reversal and tombstone: each end once, and the books as if it were so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tests.make import World
from voucher_service.campaigns.model import OfferKind, OfferPlan
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.idempotency import KeyReused, Outcome
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import (
    AlreadyCommitted,
    FreezeLapsed,
    Order,
    OrderReferenceReused,
    OrderRefused,
    Redemption,
    RedemptionOver,
    ReversalTooLate,
    SpendNotPossible,
    StackLimitReached,
    Status,
    Tombstone,
    VoucherFrozen,
)
from voucher_service.reports import verification
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status as VoucherStatus
from voucher_service.vouchers.model import Voucher


def later(world: World, **step: float) -> World:
    """The same city, so much later on a clock of its own."""
    other = World.__new__(World)
    other.__dict__.update(world.__dict__)
    other.core = with_clock(world.core, Clock(world.now() + timedelta(**step)))
    return other


def freeze(
    world: World, voucher: Voucher, till: Actor, *, fen: int = 12_800, **order: object
) -> Outcome[Redemption]:
    """A voucher set aside for an order."""
    made = Order(Money(fen), str(order.pop("reference", uuid4().hex)))
    return redemption.freeze(
        world.core,
        actor=till,
        code=str(order.pop("code", None) or world.code(voucher)),
        order=replace(made, **order),  # type: ignore[arg-type]
        key=uuid4().hex,
    )


def commit(world: World, till: Actor, id: UUID, key: str | None = None) -> Outcome[Redemption]:
    """The second step."""
    return redemption.commit(
        world.core, actor=till, redemption=RedemptionId(id), key=key or uuid4().hex
    )


def cancel(world: World, till: Actor, id: UUID) -> Outcome[Redemption]:
    """The other second step."""
    return redemption.cancel(world.core, actor=till, redemption=RedemptionId(id), key=uuid4().hex)


def reverse(world: World, till: Actor, reference: str) -> Outcome[Redemption | Tombstone]:
    """An order undone."""
    return redemption.reverse(
        world.core, actor=till, reference=reference, reason="no reply", key=uuid4().hex
    )


def status(world: World, voucher: Voucher) -> VoucherStatus:
    """How a voucher stands."""
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    return vouchers.get(world.core, actor=owner, voucher=voucher.id).status


def test_a_frozen_voucher_is_committed_once_and_says_the_same_again(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    held = freeze(world, voucher, till).value
    assert (held.status, held.freeze_expires_at is not None) == (Status.FROZEN, True)
    assert status(world, voucher) is VoucherStatus.FROZEN
    done = commit(world, till, held.id, "k")
    assert (done.value.status, done.replayed) == (Status.COMMITTED, False)
    for key in ("k", "another"):
        again = commit(world, till, held.id, key)
        assert (again.value, again.replayed) == (done.value, True)
    assert status(world, voucher) is VoucherStatus.REDEEMED
    with pytest.raises(AlreadyCommitted):
        cancel(world, till, held.id)
    with pytest.raises(KeyReused):
        commit(world, till, freeze(world, world.claim(world.offer()), till).value.id, "k")


def test_a_cancelled_freeze_lets_the_voucher_go(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    held = freeze(world, voucher, till).value
    assert cancel(world, till, held.id).value.status is Status.CANCELLED
    assert cancel(world, till, held.id).replayed
    with pytest.raises(RedemptionOver):
        commit(world, till, held.id)
    assert world.redeem(voucher, till).value.status is Status.COMMITTED


def test_another_till_is_told_until_when_the_voucher_is_held(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    code = world.code(voucher)
    held = freeze(world, voucher, till, code=code).value
    assert held.freeze_expires_at is not None
    with pytest.raises(VoucherFrozen) as refusal:
        world.redeem(voucher, code=_spare(world, voucher))
    assert refusal.value.extra == {"frozen_until": held.freeze_expires_at.isoformat()}


def _spare(world: World, voucher: Voucher) -> str:
    from tests.services.test_redemption import _fresh_code

    return _fresh_code(world, voucher.code_ref)


def test_a_freeze_ends_by_itself_and_the_next_attempt_gets_the_voucher(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    held = freeze(world, voucher, till).value
    afterwards = later(world, seconds=world.core.settings.till.freeze_seconds + 1)
    other = world.cashier()
    done = afterwards.redeem(voucher, other, code=_spare(afterwards, voucher))
    assert done.value.status is Status.COMMITTED
    assert redemption.get(world.core, actor=till, redemption=held.id).status is Status.LAPSED
    with pytest.raises(FreezeLapsed):
        commit(afterwards, till, held.id)
    assert cancel(afterwards, till, held.id).value.status is Status.LAPSED


def test_a_commit_that_comes_too_late_is_told_so_and_ends_the_freeze(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    held = freeze(world, voucher, till).value
    seconds = world.core.settings.till.freeze_seconds
    with pytest.raises(FreezeLapsed):
        commit(later(world, seconds=seconds + 1), till, held.id)
    assert status(world, voucher) is VoucherStatus.CLAIMED


def test_the_sweep_ends_freezes_that_nobody_committed(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    freeze(world, voucher, till)
    assert redemption.lapse_due(world.core) == 0
    afterwards = later(world, seconds=world.core.settings.till.freeze_seconds + 1)
    assert redemption.lapse_due(afterwards.core) >= 1
    assert status(world, voucher) is VoucherStatus.CLAIMED


def test_a_voucher_that_expires_while_it_is_frozen_still_counts(world: World) -> None:
    voucher, till = world.claim(world.offer(world.plan(valid_days=1))), world.cashier()
    last = voucher.valid_until - world.now() - timedelta(seconds=30)
    evening = later(world, seconds=last.total_seconds())
    held = freeze(evening, voucher, till, code=_spare(evening, voucher)).value
    midnight = later(evening, seconds=60)
    assert vouchers.expire_due(midnight.core) == 0
    assert commit(midnight, till, held.id).value.status is Status.COMMITTED


def test_the_holder_sees_the_freeze_and_can_end_it(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    assert redemption.on_screen(world.core, actor=owner, voucher=voucher.id) is None
    held = freeze(world, voucher, till).value
    assert redemption.on_screen(world.core, actor=owner, voucher=voucher.id) == held
    with pytest.raises(NoSuchThing):
        redemption.release(world.core, actor=world.resident(), redemption=held.id)
    ended = redemption.release(world.core, actor=owner, redemption=held.id)
    assert (ended.status, ended.reason) == (Status.CANCELLED, "resident")
    with pytest.raises(RedemptionOver):
        commit(world, till, held.id)


def test_the_same_freeze_again_is_the_first_answer_and_one_step_is_another_order(
    world: World,
) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    first = freeze(world, voucher, till, reference="f-1")
    again = freeze(world, voucher, till, reference="f-1", code=_spare(world, voucher))
    assert (again.value, again.replayed) == (first.value, True)
    with pytest.raises(OrderReferenceReused):
        world.redeem(voucher, till, reference="f-1", code=_spare(world, voucher))


def test_a_reversal_undoes_everything_and_says_the_same_again(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    world.redeem(voucher, till, reference="r-1")
    first = reverse(world, till, "r-1")
    assert first.value.status is Status.REVERSED
    assert reverse(world, till, "r-1").value == first.value
    assert status(world, voucher) is VoucherStatus.CLAIMED
    assert world.redeem(voucher, till).value.status is Status.COMMITTED
    held = freeze(world, world.claim(world.offer()), till, reference="r-2").value
    assert reverse(world, till, "r-2").value.status is Status.CANCELLED
    assert redemption.get(world.core, actor=till, redemption=held.id).reason == "no reply"


def test_an_order_that_is_reversed_before_it_comes_stays_refused(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    buried = reverse(world, till, "late").value
    assert isinstance(buried, Tombstone) and buried.status is Status.REFUSED
    assert reverse(world, till, "late").value == buried
    assert redemption.order_state(world.core, actor=till, reference="late") == [buried]
    with pytest.raises(OrderRefused):
        world.redeem(voucher, till, reference="late")
    with pytest.raises(OrderRefused):
        freeze(world, voucher, till, reference="late")
    assert world.redeem(voucher, world.cashier(), reference="late").value


def test_after_a_quarter_of_an_hour_there_are_refunds_only(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    world.redeem(voucher, till, reference="old")
    minutes = world.core.settings.till.reversal_minutes
    with pytest.raises(ReversalTooLate):
        reverse(later(world, minutes=minutes, seconds=2), till, "old")
    assert status(world, voucher) is VoucherStatus.REDEEMED


def in_kind(world: World, kind: OfferKind, **terms: object) -> OfferPlan:
    """A plan of another kind; ¥20, from ¥50."""
    return replace(world.plan(threshold=50), kind=kind, **terms)  # type: ignore[arg-type]


def test_a_pack_is_spent_piece_by_piece(world: World) -> None:
    voucher = world.claim(world.offer(in_kind(world, OfferKind.PACK, pieces=3)))
    till = world.cashier()
    parts = [world.redeem(voucher, till, code=_spare(world, voucher)).value for _ in range(2)]
    assert [(one.part, one.discount.fen) for one in parts] == [(1, 2_000), (2, 2_000)]
    assert status(world, voucher) is VoucherStatus.CLAIMED
    held = freeze(world, voucher, till, code=_spare(world, voucher)).value
    assert commit(world, till, held.id).value.part == 3
    assert status(world, voucher) is VoucherStatus.REDEEMED
    reverse(world, till, parts[0].order_reference)
    assert status(world, voucher) is VoucherStatus.CLAIMED
    assert world.redeem(voucher, till).value.part == 4


def test_a_balance_is_spent_bit_by_bit(world: World) -> None:
    plan = in_kind(world, OfferKind.BALANCE, threshold=Money(1))
    voucher, till = world.claim(world.offer(plan)), world.cashier()
    code = _spare(world, voucher)
    some = redemption.redeem(
        world.core,
        actor=till,
        code=code,
        order=Order(Money(12_000), "b-1", spend=Money(500)),
        key="b-1",
    ).value
    assert some.discount == Money(500)
    with pytest.raises(SpendNotPossible) as refusal:
        freeze(world, voucher, till, code=_spare(world, voucher), spend=Money(1_501))
    assert refusal.value.extra == {"most_fen": 1_500}
    rest = world.redeem(voucher, till, code=_spare(world, voucher)).value
    assert (rest.discount, status(world, voucher)) == (Money(1_500), VoucherStatus.REDEEMED)


def test_what_a_rate_leaves_over_is_reserved_again_and_comes_back_with_a_reversal(
    world: World,
) -> None:
    plan = in_kind(world, OfferKind.PERCENT_CAPPED, rate_bps=1_000)
    offer, till = world.offer(plan), world.cashier()
    one, two = world.claim(offer), world.claim(offer)
    done = world.redeem(one, till, order_fen=10_055, reference="p-1").value
    assert done.discount == Money(1_005)
    held = freeze(world, two, till, fen=10_055).value
    assert commit(world, till, held.id).value.discount == Money(1_005)
    reverse(world, till, "p-1")
    assert status(world, one) is VoucherStatus.CLAIMED


def test_one_receipt_takes_as_many_vouchers_as_their_offers_allow(world: World) -> None:
    offer = world.offer(replace(world.plan(limit=3), stack_limit=2))
    till = world.cashier()
    first, second, third = (world.claim(offer) for _ in range(3))
    for one in (first, second):
        held = freeze(world, one, till, ticket_reference="t-1").value
        commit(world, till, held.id)
    with pytest.raises(StackLimitReached):
        freeze(world, third, till, ticket_reference="t-1")
    assert freeze(world, third, till, ticket_reference="t-2").value


def test_what_a_freeze_holds_is_in_the_record(world: World, core: Core) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    held = freeze(world, voucher, till).value
    commit(world, till, held.id)
    with core.transaction() as session:
        acts = session.execute(
            text("SELECT action FROM audit.event WHERE object_id = :id ORDER BY id"),
            {"id": str(held.id)},
        ).scalars()
        assert list(acts) == ["redemption.frozen", "redemption.committed"]


def test_the_books_are_clean_after_all_of_it(world: World, core: Core) -> None:
    for one in verification.verify(core).breaches:
        assert one.invariant.startswith("T1"), one  # some of it happened on another clock
