"""The typed and the printed code at a till: used once, for their holder, guesses counted."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from tests.codes.test_codes import number_of, printed_offer
from tests.make import World
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import CodeUsed, Order, Redemption, Status, TillLocked
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeExpired, CodeInvalid
from voucher_service.vouchers.model import (
    AlreadyRedeemed,
    IdLastFourNeeded,
    IdLastFourWrong,
    Voucher,
)


def pay(world: World, till: Actor, code: str, last_four: str | None = None) -> Redemption:
    """An order of 128 yuan with a code."""
    order = replace(Order(Money(12_800), uuid4().hex), id_last_four=last_four)
    return redemption.redeem(world.core, actor=till, code=code, order=order, key=uuid4().hex).value


def typed(world: World, voucher: Voucher) -> str:
    """The code to type of this moment."""
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    _, _, (shown,) = vouchers.codes(world.core, actor=owner, voucher=voucher.id)
    return shown.short


def on_paper(world: World, voucher: Voucher) -> str:
    """What a new print carries."""
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    return vouchers.print_voucher(world.core, actor=owner, voucher=voucher.id).text


def test_a_typed_code_pays_once(world: World) -> None:
    voucher = world.claim(world.offer())
    code = typed(world, voucher)
    assert pay(world, world.cashier(), code).status is Status.COMMITTED
    with pytest.raises(CodeUsed):
        pay(world, world.cashier(), code)


def test_a_typed_code_that_was_used_is_used_for_a_voucher_with_more_in_it(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    code = typed(world, voucher)
    done = pay(world, till, code)
    redemption.reverse(
        world.core,
        actor=till,
        reference=done.order_reference,
        reason="mistyped",
        key=uuid4().hex,
    )
    with pytest.raises(CodeUsed):
        pay(world, till, code)


def test_paper_pays_once_and_only_for_who_knows_the_holders_number(world: World) -> None:
    voucher, till = printed_offer(world), world.cashier()
    code, right = on_paper(world, voucher), number_of(world.core, voucher)[-4:]
    with pytest.raises(IdLastFourNeeded):
        pay(world, till, code)
    with pytest.raises(IdLastFourWrong):
        pay(world, till, code, "0000" if right != "0000" else "1111")
    assert pay(world, till, code, right).discount == Money(2_000)
    with pytest.raises(AlreadyRedeemed):
        pay(world, world.cashier(), code, right)


def test_paper_is_good_again_after_its_order_was_reversed(world: World) -> None:
    voucher, till = printed_offer(world), world.cashier()
    code, right = on_paper(world, voucher), number_of(world.core, voucher)[-4:]
    done = pay(world, till, code, right)
    redemption.reverse(
        world.core,
        actor=till,
        reference=done.order_reference,
        reason="mistyped",
        key=uuid4().hex,
    )
    assert pay(world, till, code, right).status is Status.COMMITTED


def test_void_paper_is_refused_as_out_of_time(world: World) -> None:
    voucher = printed_offer(world)
    first, second = on_paper(world, voucher), on_paper(world, voucher)
    right = number_of(world.core, voucher)[-4:]
    with pytest.raises(CodeExpired):
        pay(world, world.cashier(), first, right)
    assert pay(world, world.cashier(), second, right).status is Status.COMMITTED


def test_guesses_of_the_typed_code_and_of_the_number_lock_the_till(world: World) -> None:
    voucher, till = printed_offer(world), world.cashier()
    code, right = on_paper(world, voucher), number_of(world.core, voucher)[-4:]
    wrong = "0000" if right != "0000" else "1111"
    most = world.core.settings.till.bad_codes_per_minute
    for turn in range(most):
        with pytest.raises(IdLastFourWrong if turn % 2 else CodeInvalid):
            pay(world, till, code, wrong) if turn % 2 else pay(world, till, "2345678923")
    with pytest.raises(TillLocked):
        pay(world, till, code, right)
