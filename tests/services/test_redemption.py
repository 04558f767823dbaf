"""The till: what a voucher takes off, refusals in order, the same answer after a lost reply."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.make import JIANGCHENG, World
from tests.people import newcomer
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.idempotency import KeyReused
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.money import Money
from voucher_service.merchants import service as merchants
from voucher_service.merchants.model import MerchantSuspended, Trade
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import (
    BelowThreshold,
    CodeUsed,
    OrderAmountInvalid,
    OrderReferenceReused,
    OwnVoucher,
    ShopNotInScope,
    TillLocked,
)
from voucher_service.vouchers import code as codes
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.code import CodeExpired, CodeInvalid
from voucher_service.vouchers.model import AlreadyRedeemed, Status, VoucherExpired


def test_the_bill_and_every_part_of_it_is_kept(world: World) -> None:
    voucher = world.claim(world.offer())
    done = world.redeem(voucher, order_fen=12_345, payment_reference="wx-1").value
    assert (done.order_amount, done.discount, done.payable, done.net_paid) == (
        Money(12_345),
        Money(2_000),
        Money(10_345),
        Money(10_345),
    )
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    (receipt,) = redemption.receipt(world.core, actor=owner, voucher=voucher.id)
    assert receipt == done
    assert vouchers.get(world.core, actor=owner, voucher=voucher.id).status is Status.REDEEMED


def test_second_till_is_told_who_spent_it(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    done = world.redeem(voucher, till).value
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    with pytest.raises(AlreadyRedeemed):
        vouchers.codes(world.core, actor=owner, voucher=voucher.id)
    code = _fresh_code(world, voucher.code_ref)
    with pytest.raises(AlreadyRedeemed) as refusal:
        world.redeem(voucher, code=code)
    assert refusal.value.extra["shop"] == done.shop_name


def _fresh_code(world: World, code_ref: int) -> str:
    seconds = world.core.settings.till.code_window_seconds
    window = codes.window_of(world.now(), seconds)
    return codes.make(
        world.core.keyring, code_ref=code_ref, window=window, window_seconds=seconds
    ).text


def test_the_same_request_gives_the_first_answer_again(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    first = world.redeem(voucher, till, reference="o-1", key="k-1")
    again = world.redeem(
        voucher, till, reference="o-1", key="k-1", code=_fresh_code(world, voucher.code_ref)
    )
    assert (first.replayed, again.replayed) == (False, True)
    assert again.value == first.value


def test_the_same_order_with_a_new_key_gives_the_first_answer(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    first = world.redeem(voucher, till, reference="o-2").value
    code = _fresh_code(world, voucher.code_ref)
    assert world.redeem(voucher, till, reference="o-2", code=code).value == first


def test_an_order_reference_is_for_one_order_of_one_shop(world: World) -> None:
    offer, till = world.offer(), world.cashier()
    first, second, third = (world.claim(offer) for _ in range(3))
    world.redeem(first, till, reference="o-3")
    with pytest.raises(OrderReferenceReused):
        world.redeem(second, till, reference="o-3")
    assert world.redeem(second, till, reference="o-4").value.order_reference == "o-4"
    assert world.redeem(third, world.cashier(), reference="o-3").value.order_reference == "o-3"


def test_a_key_is_for_one_request(world: World) -> None:
    offer, till = world.offer(), world.cashier()
    first, second = world.claim(offer), world.claim(offer)
    world.redeem(first, till, key="same")
    with pytest.raises(KeyReused):
        world.redeem(second, till, key="same")


def test_a_refused_attempt_burns_neither_code_nor_order_reference(world: World) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    code = world.code(voucher)
    with pytest.raises(BelowThreshold) as refusal:
        world.redeem(voucher, till, order_fen=8_350, reference="o-5", code=code)
    assert refusal.value.params["missing"] == Money(1_650)
    assert world.redeem(voucher, till, order_fen=10_000, reference="o-5", code=code).value


def test_the_order_of_refusals_is_fixed(world: World, core: Core) -> None:
    scoped = world.offer(world.plan(areas=("441781",), limit=5, quota=20))
    resident = world.resident()
    voucher = world.claim(scoped, resident)
    till = world.cashier()
    small = {"order_fen": 100}
    with pytest.raises(ShopNotInScope):  # before below_threshold
        world.redeem(voucher, till, **small)
    old = _at(world, timedelta(minutes=-5)).code(voucher)
    with pytest.raises(CodeExpired):  # before shop_not_in_scope
        world.redeem(voucher, till, code=old, **small)
    with pytest.raises(CodeInvalid):  # before code_expired
        world.redeem(
            voucher, till, code=old[:-1] + "A" if old[-1] != "A" else old[:-1] + "E", **small
        )
    _suspend(world, till)
    with pytest.raises(MerchantSuspended):  # before everything that the code says
        world.redeem(voucher, till, code="nonsense", **small)


def _at(world: World, step: timedelta) -> World:
    other = World.__new__(World)
    other.__dict__.update(world.__dict__)
    other.core = with_clock(world.core, Clock(world.now() + step))
    return other


def _suspend(world: World, till: Actor) -> None:
    with world.core.transaction() as session:
        merchant = merchants.till(session, cashier=till.id).merchant_id
    from voucher_service.kernel.actor import SYSTEM

    merchants.suspend_merchant(world.core, actor=SYSTEM, merchant=merchant, reason="review")


def test_a_code_works_once(world: World) -> None:
    offer = world.offer()
    voucher, till = world.claim(offer), world.cashier()
    code = world.code(voucher)
    world.redeem(voucher, till, code=code)
    with pytest.raises(CodeUsed):
        world.redeem(voucher, till, code=code)


def test_a_code_lives_in_its_window_and_the_neighbours(world: World, core: Core) -> None:
    voucher = world.claim(world.offer())
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    _, _, ahead = vouchers.codes(core, actor=owner, voucher=voucher.id, count=4)
    assert [one.valid_from for one in ahead[1:]] == [one.valid_until for one in ahead[:-1]]
    with pytest.raises(CodeExpired):
        world.redeem(voucher, code=ahead[3].text)
    late = _at(world, timedelta(seconds=75))
    with pytest.raises(CodeExpired):
        late.redeem(voucher, world.cashier(), code=ahead[0].text)
    assert _at(world, timedelta(seconds=75)).redeem(voucher, world.cashier(), code=ahead[3].text)


@pytest.mark.parametrize(
    "spoil",
    [
        str.lower,
        lambda c: c + "=",
        lambda c: " " + c,
        lambda c: c[:-1],
        lambda c: c[::-1],
        lambda _: "",
    ],
)
def test_only_the_canonical_spelling_of_a_code_is_accepted(world: World, spoil) -> None:
    voucher = world.claim(world.offer())
    with pytest.raises(CodeInvalid):
        world.redeem(voucher, code=spoil(world.code(voucher)) or "x")


def test_a_voucher_ends_with_its_last_day(world: World) -> None:
    voucher = world.claim(world.offer(world.plan(valid_days=1)))
    late = _at(world, voucher.valid_until - world.now() + timedelta(seconds=1))
    with pytest.raises(VoucherExpired):
        late.redeem(voucher, world.cashier(), code=_fresh_code(late, voucher.code_ref))


def test_scope_by_area_and_trade(world: World) -> None:
    offer = world.offer(world.plan(areas=("4417",), trades=("dining",)))
    voucher = world.claim(offer)
    with pytest.raises(ShopNotInScope):
        world.redeem(voucher, world.cashier(trade=Trade.RETAIL))
    assert world.redeem(voucher, world.cashier(area=JIANGCHENG, trade=Trade.DINING)).value


def test_a_cashier_cannot_redeem_their_own_voucher(world: World, core: Core) -> None:
    from voucher_service.identity import service as identity
    from voucher_service.kernel.actor import SYSTEM, Role

    me = newcomer()
    (resident,) = identity.register_synthetic(core, people=[me], now=world.now())
    voucher = world.claim(world.offer(), Actor(ActorKind.RESIDENT, resident))
    with core.transaction() as session:
        shop = merchants.till(session, cashier=world.cashier().id).shop_id
    own = merchants.create_cashier(
        core,
        actor=SYSTEM,
        shop=shop,
        username=f"own-{uuid4().hex[:8]}",
        password="a long enough password",
        display_name="own",
        id_number=me.id_number,
    )
    with pytest.raises(OwnVoucher):
        world.redeem(voucher, Actor(ActorKind.CASHIER, own.id, frozenset({Role.CASHIER})))


def test_guessing_locks_the_till_and_ends_by_itself(world: World, core: Core) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    for _ in range(core.settings.till.bad_codes_per_minute):
        with pytest.raises(CodeInvalid):
            world.redeem(voucher, till, code="A" * 61)
    code = world.code(voucher)
    with pytest.raises(TillLocked) as refusal:
        world.redeem(voucher, till, code=code)
    assert 0 < (refusal.value.retry_after_seconds or 0) <= 60
    later = _at(world, timedelta(seconds=61))
    assert later.redeem(voucher, till, code=_fresh_code(later, voucher.code_ref)).value


@pytest.mark.parametrize("amount", [0, -1, 10**12])
def test_an_amount_that_is_mistyped_is_refused(world: World, amount: int) -> None:
    voucher = world.claim(world.offer())
    with pytest.raises(OrderAmountInvalid):
        world.redeem(voucher, order_fen=amount)


def test_every_refusal_is_kept_with_its_reason(world: World, core: Core) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    with pytest.raises(BelowThreshold):
        world.redeem(voucher, till, order_fen=100, reference="kept")
    with core.transaction() as session:
        kept = session.execute(
            text("SELECT code FROM redemption_refusal WHERE order_reference = 'kept'")
        ).scalar_one()
    assert kept == "below_threshold"


def test_a_shop_sees_its_own_day_and_no_other(world: World) -> None:
    offer, mine, theirs = world.offer(), world.cashier(), world.cashier()
    done = world.redeem(world.claim(offer), mine, reference="mine").value
    world.redeem(world.claim(offer), theirs, reference="theirs")
    day = day_of(world.now())
    page = redemption.lines(world.core, actor=mine, day=day, cursor=None, limit=10)
    assert [one.id for one in page.items] == [done.id]
    assert redemption.summary(world.core, actor=mine, day=day).discount == Money(2_000)
    assert redemption.by_order_reference(world.core, actor=theirs, reference="mine") == []
    with pytest.raises(NoSuchThing):
        redemption.get(world.core, actor=theirs, redemption=done.id)


def test_a_day_is_read_page_by_page(world: World) -> None:
    offer, till = world.offer(world.plan(quota=5)), world.cashier()
    for _ in range(3):
        world.redeem(world.claim(offer), till)
    day = day_of(world.now())
    first = redemption.lines(world.core, actor=till, day=day, cursor=None, limit=2)
    rest = redemption.lines(world.core, actor=till, day=day, cursor=first.next, limit=2)
    assert (len(first.items), len(rest.items), rest.next) == (2, 1, None)
