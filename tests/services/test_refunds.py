"""Refunds: what goes back to whom, and what becomes of the voucher."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.make import World
from tests.services.giving_back import clean, holds, look, offer, owner, refund, spent
from voucher_service.campaigns.model import OfferKind, PartialRefund, RefundRule
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.idempotency import KeyReused
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.money import ZERO, Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import (
    Order,
    OtherDiscount,
    Payer,
    ReversalTooLate,
)
from voucher_service.redemption.refund_words import fate_in_words
from voucher_service.redemption.refunds import (
    Fate,
    ManagerNeeded,
    NothingToRefund,
    RefundExceedsOrder,
    RefundReferenceReused,
)
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status, VoucherNotUsable


def test_a_part_goes_back_and_the_voucher_stays_used(world: World) -> None:
    till = world.cashier()
    voucher, done = spent(world, till)
    made = refund(world, till, done, 6_400).value
    assert (made.parts.subsidy, made.parts.cash) == (Money(1_000), Money(5_400))
    assert (made.fate, made.reusable, made.voucher_status) == (
        Fate.PARTIAL,
        False,
        Status.REDEEMED,
    )
    after = redemption.get(world.core, actor=till, redemption=done.id)
    assert (after.refunded, after.refunded_discount) == (Money(6_400), Money(1_000))
    assert after.net_paid == Money(5_400)
    assert holds(world, voucher.offer)["reserved"] == 9 * 2_000 + 1_000
    assert clean(world.core) == []


def test_the_whole_order_brings_the_voucher_back_for_another_order(world: World) -> None:
    till = world.cashier()
    voucher, done = spent(world, till)
    made = refund(world, till, done).value
    assert (made.parts.subsidy, made.parts.cash) == (Money(2_000), Money(10_800))
    assert (made.fate, made.reusable, made.voucher_status) == (Fate.LIVES, True, Status.CLAIMED)
    assert made.valid_until == voucher.valid_until
    assert look(world, voucher).status is Status.CLAIMED
    assert clean(world.core) == []
    again = world.redeem(voucher, till).value
    assert (again.discount, look(world, voucher).status) == (Money(2_000), Status.REDEEMED)
    assert clean(world.core) == []


def test_two_halves_bring_the_voucher_back_as_the_whole_does(world: World) -> None:
    till = world.cashier()
    voucher, done = spent(world, till)
    refund(world, till, done, 6_399)
    made = refund(world, till, done, 6_401).value
    assert made.fate is Fate.LIVES
    assert look(world, voucher).spent == ZERO
    assert holds(world, voucher.offer) == {
        "reserved": 9 * 2_000,
        "outstanding": 2_000,
        "committed": 0,
    }
    assert clean(world.core) == []


@pytest.mark.parametrize(
    ("terms", "bill", "discount"),
    [
        ({"kind": OfferKind.PERCENT_CAPPED, "rate_bps": 1_000}, 12_800, 1_280),
        ({"kind": OfferKind.FIXED}, 12_800, 2_000),
        ({"kind": OfferKind.PACK, "pieces": 3}, 12_800, 2_000),
        ({"kind": OfferKind.BALANCE, "threshold": Money(1)}, 1_500, 1_500),
    ],
)
def test_a_refund_brings_back_every_kind(
    world: World, terms: dict[str, Any], bill: int, discount: int
) -> None:
    till = world.cashier()
    voucher = world.claim(offer(world, **terms))
    done = world.redeem(voucher, till, order_fen=bill).value
    assert done.discount == Money(discount)
    half = refund(world, till, done, bill // 2).value
    if voucher.offer.kind is OfferKind.BALANCE:
        assert (half.fate, half.value_back) == (Fate.LIVES, half.parts.subsidy)
    else:
        assert (half.fate, half.value_back) == (Fate.PARTIAL, ZERO)
    assert look(world, voucher).spent == Money(discount) - half.value_back
    assert clean(world.core) == []
    rest = refund(world, till, done, bill - bill // 2).value
    assert (rest.fate, look(world, voucher).spent) == (Fate.LIVES, ZERO)
    assert clean(world.core) == []
    assert world.redeem(voucher, till, order_fen=bill).value.discount == Money(discount)
    assert clean(world.core) == []


def test_half_an_order_puts_half_back_on_the_balance_at_once(world: World) -> None:
    till = world.cashier()
    voucher = world.claim(offer(world, kind=OfferKind.BALANCE, threshold=Money(1)))
    done = world.redeem(voucher, till, order_fen=2_000).value
    assert look(world, voucher).status is Status.REDEEMED
    made = refund(world, till, done, 1_000).value
    assert (made.fate, made.reusable, made.voucher_status) == (Fate.LIVES, True, Status.CLAIMED)
    assert look(world, voucher).spent == Money(1_000)
    after = redemption.get(world.core, actor=till, redemption=done.id)
    assert (after.discount, after.refunded_discount) == (Money(2_000), Money(1_000))
    assert holds(world, voucher.offer) == {
        "reserved": 9 * 2_000,
        "outstanding": 1_000,
        "committed": 0,
    }
    assert clean(world.core) == []
    assert world.redeem(voucher, till, order_fen=5_000).value.discount == Money(1_000)
    rest = refund(world, till, done, 1_000).value
    assert (rest.fate, look(world, voucher).spent) == (Fate.LIVES, Money(1_000))
    assert clean(world.core) == []


def test_a_balance_that_is_restored_goes_back_with_the_last_part(world: World) -> None:
    till = world.cashier()
    terms = {"kind": OfferKind.BALANCE, "threshold": Money(1), "refund_rule": RefundRule.RESTORED}
    voucher = world.claim(offer(world, **terms))
    done = world.redeem(voucher, till, order_fen=2_000).value
    assert refund(world, till, done, 500).value.fate is Fate.LIVES
    assert refund(world, till, done, 1_500).value.fate is Fate.RETURNED
    assert holds(world, voucher.offer)["reserved"] == 10 * 2_000
    assert clean(world.core) == []


def test_a_part_of_a_piece_leaves_the_other_pieces_usable(world: World) -> None:
    till = world.cashier()
    voucher = world.claim(offer(world, kind=OfferKind.PACK, pieces=3))
    made = refund(world, till, world.redeem(voucher, till).value, 6_400).value
    assert (made.fate, made.reusable, made.voucher_status) == (Fate.PARTIAL, True, Status.CLAIMED)
    words = fate_in_words(
        made.fate,
        made.voucher_status,
        made.valid_from,
        made.valid_until,
        "zh",
        day_of(world.now()),
    )
    assert "不再可用" not in words and "剩下的还能用" in words


def test_never_means_that_the_voucher_stays_used(world: World) -> None:
    till = world.cashier()
    voucher, done = spent(world, till, refund_rule=RefundRule.NEVER)
    made = refund(world, till, done).value
    assert (made.fate, made.parts.cash) == (Fate.BY_RULE, Money(10_800))
    assert look(world, voucher).status is Status.REDEEMED
    assert clean(world.core) == []


def test_the_next_day_it_can_be_used_from_the_day_after(core: Core, clock: Clock) -> None:
    world = World(with_clock(core, clock))
    till = world.cashier()
    voucher, done = spent(world, till, refund_rule=RefundRule.NEXT_DAY)
    _, done_too = spent(world, till, refund_rule=RefundRule.NEXT_DAY)
    assert refund(world, till, done_too).value.fate is Fate.LIVES
    clock.set(world.now() + timedelta(days=1))
    made = refund(world, till, done).value
    assert (made.fate, made.reusable) == (Fate.LIVES_TOMORROW, True)
    assert day_of(made.valid_from) == day_of(world.now()) + timedelta(days=1)
    with pytest.raises(VoucherNotUsable):
        world.redeem(voucher, till)
    clock.set(world.now() + timedelta(days=1))
    assert world.redeem(voucher, till).value.discount == Money(2_000)


def test_a_late_refund_leaves_the_voucher_used(core: Core, clock: Clock) -> None:
    world = World(with_clock(core, clock))
    till = world.cashier()
    voucher, done = spent(world, till)
    clock.set(world.now() + timedelta(days=8))
    made = refund(world, till, done).value
    assert (made.fate, look(world, voucher).status) == (Fate.EXPIRED, Status.REDEEMED)


def test_a_restored_right_can_be_claimed_anew(world: World) -> None:
    till, resident = world.cashier(), world.resident()
    plan = replace(world.plan(quota=1), refund_rule=RefundRule.RESTORED)
    of = world.offer(plan)
    voucher = world.claim(of, resident)
    done = world.redeem(voucher, till).value
    made = refund(world, till, done).value
    assert (made.fate, made.voucher_status) == (Fate.RETURNED, Status.RETURNED)
    assert holds(world, of) == {"reserved": 2_000, "outstanding": 0, "committed": 0}
    vouchers.prepare_gate(world.core, offer=of.id, refill=True)
    again = world.claim(of, resident)
    assert again.id != voucher.id
    assert clean(world.core) == []


def test_what_bank_and_platform_gave_goes_back_to_them(world: World) -> None:
    till = world.cashier()
    voucher = world.claim(offer(world))
    others = (
        OtherDiscount(Payer.MERCHANT, Money(999)),
        OtherDiscount(Payer.BANK, Money(500)),
        OtherDiscount(Payer.PLATFORM, Money(301)),
    )
    done = redemption.redeem(
        world.core,
        actor=till,
        code=world.code(voucher),
        order=Order(Money(12_800), uuid4().hex, discounts=others),
        key=uuid4().hex,
    ).value
    assert done.paid == Money(12_800 - 2_000 - 801)
    steps = [refund(world, till, done, fen).value.parts for fen in (1, 4_266, 3_333, 5_200)]
    assert Money.total(one.cash for one in steps) == done.paid
    assert [Money.total(one.others[i].amount for one in steps) for i in (0, 1)] == [
        Money(500),
        Money(301),
    ]
    assert clean(world.core) == []


def test_nobody_gets_more_than_the_order(world: World) -> None:
    till = world.cashier()
    _, done = spent(world, till)
    refund(world, till, done, 12_000)
    with pytest.raises(RefundExceedsOrder) as refusal:
        refund(world, till, done, 801)
    assert refusal.value.extra == {"left_fen": 800}


def test_twenty_refunds_at_once_give_back_the_order_and_no_more(world: World) -> None:
    till = world.cashier()
    _, done = spent(world, till)

    def one(_: int) -> Money:
        try:
            return refund(world, till, done, 1_000).value.parts.amount
        except RefundExceedsOrder:
            return ZERO

    with ThreadPoolExecutor(10) as pool_:
        given = Money.total(pool_.map(one, range(20)))
    assert given == Money(12_000)
    assert redemption.get(world.core, actor=till, redemption=done.id).refunded == given
    assert clean(world.core) == []


def test_the_same_request_gives_the_first_refund_again(world: World) -> None:
    till = world.cashier()
    _, done = spent(world, till)
    first = refund(world, till, done, 5_000, key="k", reference="r-1")
    by_key = refund(world, till, done, 5_000, key="k", reference="r-1")
    by_reference = refund(world, till, done, 5_000, key="k-2", reference="r-1")
    assert (first.replayed, by_key.replayed, by_reference.replayed) == (False, True, True)
    assert first.value == by_key.value == by_reference.value
    with pytest.raises(KeyReused):
        refund(world, till, done, 5_001, key="k", reference="r-1")
    with pytest.raises(RefundReferenceReused):
        refund(world, till, done, 5_001, key="k-3", reference="r-1")


def test_another_shop_knows_nothing_of_the_redemption(world: World) -> None:
    till = world.cashier()
    _, done = spent(world, till)
    made = refund(world, till, done, 1).value
    other = world.cashier()
    with pytest.raises(NoSuchThing):
        refund(world, other, done)
    with pytest.raises(NoSuchThing):
        redemption.get_refund(world.core, actor=other, refund=made.id)
    with pytest.raises(NoSuchThing):
        redemption.propose_refund(world.core, actor=other, redemption=done.id, amount=None)


def test_what_was_undone_is_not_refunded(world: World) -> None:
    till = world.cashier()
    _, done = spent(world, till)
    redemption.reverse(
        world.core, actor=till, reference=done.order_reference, reason="错单", key=uuid4().hex
    )
    with pytest.raises(NothingToRefund):
        refund(world, till, done)
    assert clean(world.core) == []


def test_what_was_refunded_is_not_undone(world: World) -> None:
    till = world.cashier()
    _, done = spent(world, till)
    refund(world, till, done, 1)
    with pytest.raises(ReversalTooLate):
        redemption.reverse(
            world.core, actor=till, reference=done.order_reference, reason="错单", key=uuid4().hex
        )


def test_large_refunds_may_be_left_to_the_manager(world: World) -> None:
    settings = replace(
        world.core.settings, till=replace(world.core.settings.till, refund_manager_fen=5_000)
    )
    till = world.cashier()
    _, done = spent(world, till)
    with closing(replace(world.core, settings=settings)) as strict:
        refund(world, till, done, 5_000, core=strict)
        with pytest.raises(ManagerNeeded):
            refund(world, till, done, 5_001, core=strict)
        boss = replace(till, roles=frozenset({Role.MANAGER}))
        refund(world, boss, done, 5_001, core=strict)


def test_a_proposal_promises_what_the_refund_does(world: World) -> None:
    till = world.cashier()
    voucher, done = spent(world, till, partial_refund=PartialRefund.THRESHOLD_KEPT)
    shown = redemption.propose_refund(
        world.core, actor=till, redemption=done.id, amount=Money(4_300)
    )
    made = refund(world, till, done, 4_300).value
    assert (shown.parts, shown.fate) == (made.parts, made.fate)
    assert (made.parts.subsidy, made.parts.cash) == (Money(1_500), Money(2_800))
    mine = redemption.refunds_of_voucher(world.core, actor=owner(voucher), voucher=voucher.id)
    page = redemption.refunds_of(world.core, actor=till, redemption=done.id, cursor=None, limit=10)
    assert mine == page.items == [made]
