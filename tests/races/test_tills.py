"""Many tills at once: each voucher is paid for once, each freeze ends once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.make import World
from tests.races import ends
from tests.services.test_redemption import _fresh_code
from voucher_service.infra.core import Core, build
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError
from voucher_service.kernel.money import Money
from voucher_service.redemption import service as redemption
from voucher_service.redemption.model import Order, Status
from voucher_service.redemption.service import Ask, Group
from voucher_service.reports import verification
from voucher_service.vouchers import refusals
from voucher_service.vouchers.model import Voucher

TILLS = 16
VOUCHERS = 100


@pytest.fixture(scope="module")
def core(settings) -> Iterator[Core]:
    """A core with a connection for every till."""
    made = build(replace(settings, database=replace(settings.database, pool_size=TILLS + 4)))
    yield made
    refusals.flush(made)
    made.close()


@pytest.fixture(scope="module")
def tills(world: World) -> list[Actor]:
    """Cashiers of as many shops."""
    return [world.cashier() for _ in range(TILLS)]


def claimed(world: World, count: int) -> list[Voucher]:
    """Vouchers of as many residents."""
    offer = world.offer(world.plan(quota=count))
    return [world.claim(offer, one) for one in world.residents(count)]


@pytest.mark.parametrize(("together", "count"), [(False, 24), (True, VOUCHERS)])
def test_every_till_tries_every_voucher_and_each_is_paid_once(
    world: World, core: Core, tills: list[Actor], together: bool, count: int
) -> None:
    vouchers = claimed(world, count)
    group = Group(core)

    def one_till(till: Actor) -> list[str]:
        came = []
        for voucher in vouchers:
            order = Order(Money(12_800), uuid4().hex)
            ask = Ask(till, _fresh_code(world, voucher.code_ref), order, uuid4().hex)
            try:
                if together:
                    group.redeem(ask)
                else:
                    redemption.redeem(core, actor=till, code=ask.code, order=order, key=ask.key)
                came.append("paid")
            except DomainError as refusal:
                came.append(refusal.code)
        return came

    with ThreadPoolExecutor(TILLS) as crowd:
        came = [one for till in crowd.map(one_till, tills) for one in till]
    assert came.count("paid") == count
    assert set(came) == {"paid", "already_redeemed"}
    with core.transaction() as session:
        written = session.execute(
            text("SELECT count(*) FROM redemption WHERE voucher_id = ANY(:ids)"),
            {"ids": [one.id for one in vouchers]},
        ).scalar_one()
    assert written == count


def test_a_batch_answers_each_for_itself(world: World, core: Core, tills: list[Actor]) -> None:
    good, twice, other = claimed(world, 3)
    till = tills[0]

    def ask(voucher: Voucher, fen: int = 12_800, reference: str | None = None) -> Ask:
        order = Order(Money(fen), reference or uuid4().hex)
        return Ask(till, _fresh_code(world, voucher.code_ref), order, uuid4().hex)

    answers = redemption.redeem_many(
        core,
        [
            ask(good),
            ask(twice),
            ask(twice),
            ask(other, fen=100),
            Ask(till, "x", Order(Money(100), "r"), "k"),
        ],
    )
    told = [one.code if isinstance(one, DomainError) else "paid" for one in answers]
    assert told == ["paid", "paid", "already_redeemed", "below_threshold", "code_invalid"]


def test_guesses_of_one_moment_count_for_the_lock(world: World, core: Core) -> None:
    till, most = world.cashier(), core.settings.till.bad_codes_per_minute
    guesses = [
        Ask(till, f"guess {n}", Order(Money(100), f"g-{n}"), f"g-{n}") for n in range(most + 5)
    ]
    told = [
        one.code for one in redemption.redeem_many(core, guesses) if isinstance(one, DomainError)
    ]
    assert told == ["code_invalid"] * most + ["till_locked"] * 5


def test_each_freeze_ends_once_and_everybody_hears_how(world: World) -> None:
    ended = ends.race(world, 120, seed=7)
    assert sum(ended.values()) == 120
    assert set(ended) == {Status.COMMITTED, Status.CANCELLED, Status.LAPSED}


def test_the_books_are_clean_after_all_of_it(core: Core) -> None:
    assert verification.verify(core).breaches == ()
