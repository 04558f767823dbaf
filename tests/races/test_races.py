"""Many at once: exactly the quota, and exactly one voucher, redemption and execution."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.make import World
from voucher_service.allocation.model import Closed
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import Core, build
from voucher_service.infra.idempotency import Outcome
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import DomainError, TryAgain, Unavailable
from voucher_service.redemption.model import Redemption
from voucher_service.redemption.service import asking
from voucher_service.reports import verification
from voucher_service.vouchers import refusals
from voucher_service.vouchers import service as vouchers

CROWD = 12
QUOTA = 20


@pytest.fixture(scope="module")
def core(settings) -> Iterator[Core]:
    """A core with a connection for everyone in the crowd."""
    database = replace(settings.database, pool_size=CROWD * 2 + 2)
    made = build(replace(settings, database=database))
    yield made
    refusals.flush(made)
    made.close()


def at_once(acts: list[Callable[[], object]]) -> Counter[str]:
    """Run all at the same moment; what came of each: "done", or the code of its refusal."""
    barrier = threading.Barrier(min(len(acts), CROWD))
    # The last ones of a crowd that does not divide wait for nobody.
    together = len(acts) - len(acts) % barrier.parties

    def one(number: int) -> str:
        if number < together:
            barrier.wait(timeout=30)
        for _ in range(1_000):
            try:
                acts[number]()
            except (TryAgain, Unavailable):
                time.sleep(0.01)  # an unknown outcome: the same request again finds out
            except DomainError as refusal:
                if refusal.code != "in_progress":
                    return refusal.code
                time.sleep(0.01)
            else:
                return "done"
        return "never"

    with ThreadPoolExecutor(CROWD) as crowd:
        return Counter(crowd.map(one, range(len(acts))))


@pytest.mark.parametrize("asking", [QUOTA - 1, QUOTA, QUOTA + 1, QUOTA * 3])
def test_exactly_the_quota_is_issued(world: World, asking: int) -> None:
    offer = world.offer(world.plan(quota=QUOTA))
    crowd = world.residents(asking)
    came = at_once([lambda one=one: world.claim(offer, one) for one in crowd])
    assert came["done"] == min(asking, QUOTA)
    assert came["sold_out"] == max(0, asking - QUOTA)


def test_one_resident_clicking_everywhere_gets_one(world: World) -> None:
    offer, resident = world.offer(world.plan(quota=QUOTA)), world.resident()
    same = at_once([lambda: world.claim(offer, resident, "same") for _ in range(CROWD)])
    assert same == {"done": CROWD}
    other = at_once([lambda: world.claim(offer, resident) for _ in range(CROWD)])
    assert other == {"limit_reached": CROWD}


def test_one_resident_with_as_many_keys_as_clicks_gets_the_limit(world: World) -> None:
    offer, resident = world.offer(world.plan(quota=QUOTA, limit=3)), world.resident()
    came = at_once([lambda: world.claim(offer, resident) for _ in range(CROWD)])
    assert came == {"done": 3, "limit_reached": CROWD - 3}


def test_a_gate_that_is_emptied_in_the_rush_loses_nothing(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=QUOTA))
    crowd = world.residents(QUOTA * 2)

    def act(i: int, one: Actor) -> None:
        if i in (5, 15):
            core.gate.flushall()
        world.claim(offer, one, f"rush-{i}")

    came = at_once([lambda i=i, one=one: act(i, one) for i, one in enumerate(crowd)])
    assert came == {"done": QUOTA, "sold_out": QUOTA}
    with core.transaction() as session:
        written = session.execute(
            text("SELECT count(*), count(DISTINCT slot) FROM voucher WHERE offer_id = :id"),
            {"id": offer.id},
        ).one()
    assert tuple(written) == (QUOTA, QUOTA)


def test_a_voucher_is_spent_at_one_till(world: World) -> None:
    voucher = world.claim(world.offer())
    codes = [world.code(voucher) for _ in range(CROWD)]
    tills = [world.cashier() for _ in range(CROWD)]
    came = at_once(
        [
            lambda code=code, till=till: world.redeem(voucher, till, code=code)
            for code, till in zip(codes, tills, strict=True)
        ]
    )
    assert came == {"done": 1, "already_redeemed": CROWD - 1}


def test_a_request_sent_many_times_is_one_redemption(world: World) -> None:
    voucher, till, code = world.claim(world.offer()), world.cashier(), None
    code = world.code(voucher)
    came = at_once(
        [
            lambda: world.redeem(voucher, till, code=code, reference="one", key="one")
            for _ in range(CROWD)
        ]
    )
    assert came == {"done": CROWD}


@pytest.mark.parametrize("early", [True, False])
def test_a_request_that_overtakes_itself_gets_its_own_answer(
    world: World, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    voucher, till = world.claim(world.offer()), world.cashier()
    code, look, first = world.code(voucher), asking._known, []

    def ask() -> Outcome[Redemption]:
        return world.redeem(voucher, till, code=code, reference="one", key="one")

    def overtaken(*args: Any, **named: Any) -> Any:
        """What is known of the voucher before or after the same request spends it."""
        monkeypatch.setattr(asking, "_known", look)
        found = None if early else look(*args, **named)
        first.append(ask().value)
        return found or look(*args, **named)

    monkeypatch.setattr(asking, "_known", overtaken)
    assert ask() == Outcome(first[0], replayed=True)


def test_a_proposal_is_executed_once(world: World) -> None:
    draft = world.draft()
    plan = world.plan()
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, plan.face_value * plan.quota)
    proposal = campaigns.submit(world.core, actor=world.planner, campaign=draft.id)
    signers = [world.staff(Role.APPROVER) for _ in range(4)]
    came = at_once(
        [
            lambda one=one: approvals.approve(world.core, actor=one, approval=proposal)
            for one in signers
        ]
    )
    assert came == {"done": 1, "already_decided": 3}


def test_a_pause_in_the_rush_lets_nothing_through_afterwards(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=1_000))
    crowd = world.residents(CROWD * 4)
    acts = [lambda one=one: world.claim(offer, one) for one in crowd[: CROWD * 2]]

    def pause() -> None:
        campaigns.pause(core, actor=world.planner, campaign=offer.campaign_id)
        # Whoever asks once the pause was answered is refused, while others are still under way.
        for one in crowd[CROWD * 2 :]:
            with pytest.raises(Closed):
                world.claim(offer, one)

    came = at_once([*acts[:CROWD], pause, *acts[CROWD:]])
    assert came["done"] + came["closed"] == len(acts) + 1


def test_batches_and_single_claims_share_one_quota(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=QUOTA))
    groups = [world.residents(QUOTA // 2) for _ in range(4)]

    def batch(group: list[Actor]) -> list[vouchers.Request]:
        requests = [vouchers.Request(one, uuid4().hex) for one in group]
        answers = vouchers.claim_many(core, offer=offer.id, requests=requests)
        return [one for one in answers if not isinstance(one, DomainError)]

    with ThreadPoolExecutor(4) as crowd:
        won = sum(len(answers) for answers in crowd.map(batch, groups))
    assert won == QUOTA


def test_the_books_are_clean_after_all_of_it(world: World, core: Core) -> None:
    assert verification.verify(core).breaches == ()
