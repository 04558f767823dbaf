"""The sandbox: every kind of code is answered as it says, and none of it counts elsewhere."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from tests.make import World
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import DomainError, NoSuchThing, NotAllowed
from voucher_service.kernel.money import Money
from voucher_service.merchants.service import listing
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, ShopNotInScope
from voucher_service.sandbox import loading
from voucher_service.sandbox import service as sandbox
from voucher_service.sandbox.model import EXPECTED, SLUG, TestCode, Want
from voucher_service.vouchers import service as vouchers
from voucher_service.web.errors import status_of


@pytest.fixture(scope="module")
def manager(core: Core, world: World) -> Actor:
    """The manager of the sandbox's shop."""
    approvers = [world.staff(Role.APPROVER) for _ in range(2)]
    made = loading.load(core, planner=world.planner, approvers=approvers)
    assert loading.load(core, planner=world.planner, approvers=approvers) == made
    return made


def send(core: Core, actor: Actor, code: TestCode) -> tuple[int, str | None]:
    """What a redemption with the code is answered with."""
    order = Order(code.order_amount, uuid4().hex)
    try:
        redemption.redeem(core, actor=actor, code=code.code, order=order, key=uuid4().hex)
    except DomainError as refusal:
        return status_of(refusal), refusal.code
    return 201, None


@pytest.mark.parametrize("want", Want)
def test_each_code_is_answered_as_it_says(core: Core, manager: Actor, want: Want) -> None:
    made = sandbox.test_code(core, actor=manager, want=want)
    expected = EXPECTED[want]
    assert made.expect == expected
    assert send(core, manager, made) == (expected.status, expected.code)


def test_codes_are_for_the_sandboxs_shop_and_spent_nowhere_else(
    core: Core, world: World, manager: Actor
) -> None:
    stranger = world.cashier()
    with pytest.raises(NoSuchThing):
        sandbox.test_code(core, actor=stranger, want=Want.FRESH)
    made = sandbox.test_code(core, actor=manager, want=Want.FRESH)
    assert send(core, stranger, made) == (422, ShopNotInScope.code)


def test_all_of_it_stands_in_a_programme_of_its_own(core: Core, manager: Actor) -> None:
    with core.transaction() as session:
        ids = campaigns.offer_ids(session, programme=SLUG)
        offers = campaigns.terms(session, offers=ids).values()
    assert {one.slug for one in offers} == {"sandbox", "sandbox-elsewhere"}
    assert all(one.shops for one in offers)


def test_there_is_none_in_production(core: Core, world: World) -> None:
    there = replace(core, settings=replace(core.settings, env="production"))
    with pytest.raises(NotAllowed):
        loading.load(there, planner=world.planner, approvers=[])


def test_its_tills_refuse_real_vouchers(core: Core, world: World, manager: Actor) -> None:
    voucher = world.claim(world.offer(world.plan(quota=1)))
    order = Order(Money.of_yuan(200), uuid4().hex)
    with pytest.raises(ShopNotInScope):
        redemption.redeem(
            core, actor=manager, code=world.code(voucher), order=order, key=uuid4().hex
        )


def test_nobody_is_offered_it_and_no_public_list_holds_its_shops(
    core: Core, world: World, manager: Actor
) -> None:
    assert sandbox.test_code(core, actor=manager, want=Want.FRESH)
    for reader in (None, world.resident()):
        assert not any(one.offer.sandbox for one in vouchers.board(core, actor=reader))
    asked = {"area": "", "trade": None, "text": "沙箱", "cursor": None, "limit": 20}
    assert listing.public_shops(core, **asked).items == []  # type: ignore[arg-type]
