"""Drift: what gate, vouchers and ledger say differently is found, told and repaired."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.make import World
from voucher_service.allocation import drift as slots
from voucher_service.allocation import upkeep
from voucher_service.allocation.drift import Difference, Kind
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, OfferPlan, ReleasePlan
from voucher_service.infra import incarnation
from voucher_service.infra.core import Core
from voucher_service.infra.redis import connect
from voucher_service.kernel.errors import Conflict, TryAgain
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, move, pool
from voucher_service.reports import verification
from voucher_service.reports.repairs import repairs
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.service import drift


def key(offer: Offer, part: str) -> str:
    return f"gate:{{{offer.id.hex}}}:{part}"


def kinds(core: Core, offer: Offer) -> dict[Kind, int]:
    (found,) = drift.examine(core, offers=[offer])
    assert found.look is not None
    return {
        kind: count
        for kind in Kind
        if (count := sum(one.kind is kind for one in found.differences))
    }


@pytest.fixture
def offer(world: World, core: Core, monkeypatch: pytest.MonkeyPatch) -> Iterator[Offer]:
    """Two releases of five and three slots; two vouchers of the first are claimed."""
    monkeypatch.setattr(upkeep, "APART_SECONDS", 0.01)
    opens = world.now() - timedelta(hours=1)
    plan = world.plan(quota=8)
    releases = (ReleasePlan(opens, 5), ReleasePlan(opens + timedelta(minutes=1), 3))
    wanted = {name: getattr(plan, name) for name in OfferPlan.__slots__} | {"releases": releases}
    made = world.offer(OfferPlan(**wanted))
    for _ in range(2):
        world.claim(made)
    yield world.reload(made.id)
    monkeypatch.undo()
    vouchers.prepare_gate(core, offer=made.id, refill=True)


def test_an_honest_gate_has_no_difference(core: Core, offer: Offer) -> None:
    (found,) = drift.examine(core, offers=[offer])
    assert found.clean
    assert found.look is not None
    assert (found.look.free_in_gate, found.look.free_in_books, found.look.suspects) == (
        6,
        6,
        frozenset(),
    )


def test_a_slot_that_nobody_offers_is_missing(core: Core, offer: Offer) -> None:
    slot = core.gate.lpop(key(offer, "free:2"))
    (found,) = drift.examine(core, offers=[offer])
    assert found.differences == {Difference(Kind.MISSING, 2, int(str(slot)))}


def test_a_held_slot_that_is_offered_again_is_taken(core: Core, offer: Offer) -> None:
    core.gate.lpush(key(offer, "free:1"), 1)
    assert kinds(core, offer) == {Kind.TAKEN: 1}


def test_a_free_slot_that_is_offered_twice_or_lies_above_the_quota_is_taken(
    core: Core, offer: Offer
) -> None:
    core.gate.rpush(key(offer, "free:1"), 5)
    core.gate.rpush(key(offer, "free:2"), 4)
    assert kinds(core, offer) == {Kind.TAKEN: 2}


def test_a_holder_whom_the_gate_forgot_or_confuses_is_unknown(core: Core, offer: Offer) -> None:
    who = key(offer, "who")
    one, other = sorted(str(name) for name in core.gate.hkeys(who))
    mine, yours = core.gate.hmget(who, [one, other])
    core.gate.hset(who, mapping={one: str(yours), other: str(mine)})
    assert kinds(core, offer) == {Kind.UNKNOWN: 2}
    core.gate.hdel(who, one)
    assert kinds(core, offer) == {Kind.UNKNOWN: 2}


def test_a_holder_of_the_gate_alone_is_unknown(core: Core, offer: Offer) -> None:
    slot = core.gate.lpop(key(offer, "free:1"))
    core.gate.hset(key(offer, "who"), f"{'A' * 22}1", f"{'k' * 12}1.{slot}.1")
    assert kinds(core, offer) == {Kind.UNKNOWN: 1, Kind.MISSING: 1}


def test_a_seat_is_no_drift_until_it_is_pending_for_too_long(core: Core, offer: Offer) -> None:
    slot = core.gate.lpop(key(offer, "free:1"))

    def set_aside(seconds_ago: int) -> None:
        stamp = int((time.time() - seconds_ago) * 1000)
        core.gate.hset(key(offer, "pending"), f"{'A' * 22}1", f"{stamp}{'k' * 12}1.{slot}.1")

    set_aside(5)
    assert kinds(core, offer) == {}
    set_aside(20)
    assert kinds(core, offer) == {Kind.STUCK: 1}


def test_a_returned_claim_that_the_gate_forgot_is_unknown(core: Core, offer: Offer) -> None:
    with core.transaction() as session:
        session.execute(
            text("UPDATE voucher SET holds_slot = false WHERE offer_id = :id AND slot = 1"),
            {"id": offer.id},
        )
    assert kinds(core, offer)[Kind.UNKNOWN] == 2
    assert upkeep.Watch(vouchers.GATED)(core) == 0
    vouchers.prepare_gate(core, offer=offer.id, refill=True)
    with core.transaction() as session:
        again = campaigns.offer(session, offer=offer.id)
    assert kinds(core, again) == {}


def test_what_one_look_alone_saw_is_no_drift(
    core: Core, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = str(core.gate.lpop(key(offer, "free:1")))

    def settle(_: float) -> None:
        core.gate.lpush(key(offer, "free:1"), slot)

    monkeypatch.setattr(drift.time, "sleep", settle)
    assert kinds(core, offer) == {}


def test_money_that_vouchers_do_not_explain_is_named(core: Core, offer: Offer) -> None:
    with core.transaction() as session:
        ledger.post(
            session,
            code=Code.CLAIMED,
            key=f"crooked-{offer.id}",
            legs=move(
                Money(700), pool(offer.id, Stage.RESERVED), pool(offer.id, Stage.OUTSTANDING)
            ),
            now=core.now(session),
        )
    (found,) = drift.examine(core, offers=[offer])
    assert (found.differences, found.ledger_off) == (frozenset(), Money(1_400))
    assert not found.clean
    with core.transaction() as session:
        ledger.post(
            session,
            code=Code.CLAIM_UNDONE,
            key=f"crooked-{offer.id}",
            legs=move(
                Money(700), pool(offer.id, Stage.OUTSTANDING), pool(offer.id, Stage.RESERVED)
            ),
            now=core.now(session),
        )


def test_the_watch_repairs_at_its_second_look_and_records_what_was_different(
    world: World, core: Core, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_BUDGET_SECONDS", 60.0)  # a slow machine reaches this offer too
    core.gate.delete(key(offer, "free:1"))
    watch = upkeep.Watch(vouchers.GATED)
    assert watch(core) == 0
    assert watch(core) == 1
    mended = world.reload(offer.id)
    assert mended.epoch == offer.epoch + 1
    assert kinds(core, mended) == {}
    (record,) = repairs(core, offers=[offer.id])
    assert record.counts == {"missing": 3}
    assert watch(core) == 0
    for _ in range(6):
        world.claim(mended)
    with pytest.raises(Conflict, match="sold_out"):
        world.claim(mended)


def test_verify_names_the_slots_and_says_what_it_compared(core: Core, offer: Offer) -> None:
    assert re.search(r"gate: \d+ of \d+ open offers compared", verification.verify(core).gate)
    core.gate.lpush(key(offer, "free:1"), 1)
    found = [one for one in verification.verify(core).breaches if one.invariant.startswith("G1")]
    assert [one.detail for one in found] == [f"offer {offer.id}: taken 1/1"]


def test_a_gate_that_is_away_is_said_and_is_no_breach(
    core: Core, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(core.__dict__, "gate", connect("redis://127.0.0.1:1/0", 0.2))
    found = verification.verify(core)
    assert "gate: away" in found.gate
    assert not [one for one in found.breaches if one.invariant.startswith("G")]
    with pytest.raises(TryAgain):
        upkeep.refill_stale(core, vouchers.GATED)


def test_a_gate_at_another_epoch_is_not_compared(core: Core, offer: Offer) -> None:
    core.gate.hset(key(offer, "meta"), "epoch", 0)
    (found,) = drift.examine(core, offers=[offer])
    assert (found.look, found.differences) == (None, frozenset())
    assert offer.id in slots.stale(core, offers=[offer])


def test_a_gate_filled_under_another_incarnation_is_filled_again(
    world: World, core: Core, offer: Offer
) -> None:
    upkeep.refill_stale(core, vouchers.GATED)
    assert upkeep.refill_stale(core, vouchers.GATED) == 0
    with core.transaction() as session:
        campaigns.set_run_id(session, offer.id, run_id="f" * 40)
    before = world.reload(offer.id)
    assert slots.stale(core, offers=[before]) == [offer.id]
    assert upkeep.refill_stale(core, vouchers.GATED) == 1
    assert world.reload(offer.id).epoch == before.epoch + 1
    assert repairs(core, offers=[offer.id])[0].counts == {}


def test_a_first_filling_is_no_repair(world: World, core: Core) -> None:
    fresh = world.offer()
    assert fresh.epoch == 0
    assert upkeep.refill_stale(core, vouchers.GATED) >= 1
    assert world.reload(fresh.id).epoch == 1
    assert repairs(core, offers=[fresh.id]) == []


def test_a_new_connection_learns_which_incarnation_answers(core: Core) -> None:
    options = core.gate.connection_pool.connection_kwargs
    url = f"redis://:{options['password']}@{options['host']}:{options['port']}/0"
    client = connect(url, 1)
    client.connection_pool.connection_kwargs["redis_connect_func"] = incarnation.remember
    assert client.ping()
    met = incarnation.current(client)
    assert met.count(":") == 1
    run_id = met.split(":")[0]
    assert not incarnation.differs(client, met)
    assert not incarnation.differs(client, run_id), "a gate that was named by its run alone"
    assert not incarnation.differs(client, ""), "nothing was filled yet"
    assert incarnation.differs(client, f"{run_id}:{'0' * 40}"), "promoted since"
    assert incarnation.differs(client, "0" * 40)
    client.close()
