"""Without the gate PostgreSQL alone hands out the slots: the same answers, exactly the quota."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.faces.test_admin_books import page
from tests.make import World
from voucher_service.allocation import claiming, degraded, upkeep
from voucher_service.allocation import service as allocation
from voucher_service.allocation.model import (
    Closed,
    GateNotReady,
    LimitReached,
    NotOpenYet,
    SoldOut,
)
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Mode, Offer, ReleasePlan
from voucher_service.infra.core import Core, build, with_clock
from voucher_service.infra.flow import run
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import DomainError, TryAgain, Unavailable
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, move, pool
from voucher_service.reports import verification
from voucher_service.settings import Settings
from voucher_service.vouchers import refusals
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Voucher
from voucher_service.vouchers.service import drift, flow
from voucher_service.vouchers.service.remembered import forget

QUOTA = 20
THREADS = 8
NOBODY_LISTENS = "redis://127.0.0.1:9/0"


def without_gate(settings: Settings, *, after_ms: int) -> Core:
    """A process for which no gate answers."""
    gate = replace(settings.gate, url=NOBODY_LISTENS, timeout_ms=200, degraded_after_ms=after_ms)
    return build(replace(settings, gate=gate))


@pytest.fixture
def away(settings: Settings) -> Iterator[Core]:
    """A process without a gate that gives up on it at once."""
    degraded.answered()
    made = without_gate(settings, after_ms=0)
    yield made
    refusals.flush(made)
    made.close()
    degraded.answered()


def enter(core: Core, offer: Offer) -> Offer:
    """Declare the mode; the offer as it stands then."""
    run(core, allocation.entering(offer=offer))
    forget(offer.id)
    with core.transaction() as session:
        return campaigns.offer(session, offer=offer.id)


def claim(core: Core, offer: Offer, who: Actor, key: str = "k") -> Voucher:
    return vouchers.claim(core, actor=who, offer=offer.id, key=key).value


def rows(core: Core, offer: Offer) -> list[tuple[int, int, int]]:
    """Position of the release, slot and generation of whoever holds one, in order."""
    positions = {one.id: i for i, one in enumerate(offer.releases, 1)}
    with core.transaction() as session:
        found = session.execute(
            text(
                "SELECT release_id, slot, generation FROM voucher"
                " WHERE offer_id = :id AND holds_slot ORDER BY slot"
            ),
            {"id": offer.id},
        ).all()
    return sorted((positions[release], slot, generation) for release, slot, generation in found)


def events(core: Core, offer: Offer) -> list[str]:
    with core.transaction() as session:
        statement = "SELECT action FROM audit.event WHERE object_id = :id AND action LIKE 'gate.%'"
        return list(session.scalars(text(statement + " ORDER BY id"), {"id": str(offer.id)}))


def until_told(core: Core, offer: Offer, who: Actor, key: str) -> str:
    """One resident's claim until there is an answer: "done", or the code of the refusal."""
    for _ in range(2_000):
        try:
            claim(core, offer, who, key)
        except Unavailable:
            time.sleep(0.01)
        except DomainError as refusal:
            return refusal.code
        else:
            return "done"
    return "never"


def test_nothing_is_acknowledged_before_the_mode_is_declared(
    world: World, settings: Settings
) -> None:
    offer = world.offer()
    patient = without_gate(settings, after_ms=60_000)
    for _ in range(3):
        with pytest.raises(TryAgain):
            claim(patient, offer, world.resident())
    patient.close()
    assert (world.reload(offer.id), rows(world.core, offer)) == (offer, [])


def test_the_gate_is_given_up_after_a_silence_that_lasts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, now = without_gate(settings, after_ms=1_500), 100.0
    monkeypatch.setattr("voucher_service.allocation.degraded.time.monotonic", lambda: now)

    def fails(at: float) -> bool:
        nonlocal now
        now = at
        return degraded.lasting(core)

    degraded.answered()
    assert [fails(100.0), fails(101.4), fails(101.5)] == [False, False, True]
    degraded.answered()
    assert [fails(101.6), fails(103.2)] == [False, True]
    assert [fails(110.0), fails(111.0)] == [False, False], "nobody asked for too long to know"
    degraded.answered()


def test_a_claim_that_meets_no_gate_declares_the_mode_and_is_answered_from_postgresql(
    world: World, core: Core, away: Core
) -> None:
    offer = world.offer()
    world.claim(offer)
    before = world.reload(offer.id)
    who = world.resident()
    got = claim(away, offer, who)
    stands = world.reload(offer.id)
    assert (stands.mode, stands.epoch) == (Mode.DEGRADED, before.epoch + 1)
    assert events(core, offer) == ["gate.away"]
    assert claim(away, offer, who).id == got.id, "the same key, the same voucher"
    assert rows(core, offer) == [(1, 1, 1), (1, 2, 1)]
    with core.transaction() as session:
        epochs = session.scalars(text("SELECT epoch FROM voucher WHERE id = :id"), {"id": got.id})
        assert epochs.one() == stands.epoch
    assert verification.verify(core).breaches == ()


def test_an_offer_whose_gate_was_never_filled_can_be_claimed(world: World, away: Core) -> None:
    offer = world.offer()
    assert offer.epoch == 0
    claim(away, offer, world.resident())
    assert world.reload(offer.id).epoch == 1


@pytest.mark.parametrize("asking", [QUOTA - 1, QUOTA, QUOTA + 1, QUOTA * 2])
def test_two_processes_issue_exactly_the_quota(
    world: World, core: Core, settings: Settings, away: Core, asking: int
) -> None:
    offer, crowd = world.offer(world.plan(quota=QUOTA)), world.residents(asking)
    other = without_gate(settings, after_ms=0)
    groups = [vouchers.Group(one) for one in (away, other)]

    def one(number: int) -> str:
        for _ in range(2_000):
            try:
                groups[number % 2].claim(actor=crowd[number], offer=offer.id, key="k")
            except Unavailable:
                time.sleep(0.01)
            except DomainError as refusal:
                return refusal.code
            else:
                return "done"
        return "never"

    with ThreadPoolExecutor(THREADS) as crew:
        came = Counter(crew.map(one, range(asking)))
    got = min(asking, QUOTA)
    assert came == Counter({"done": got, "sold_out": asking - got}) + Counter()
    assert rows(core, offer) == [(1, slot, 1) for slot in range(1, got + 1)]
    assert events(core, offer) == ["gate.away"]
    assert verification.verify(core).breaches == ()
    refusals.flush(other)
    other.close()


def test_the_limit_counts_what_the_gate_gave_and_each_key_gets_one(
    world: World, core: Core, away: Core
) -> None:
    opens = world.now() - timedelta(hours=1)
    plan = world.plan(quota=8, limit=3)
    releases = (ReleasePlan(opens, 2), ReleasePlan(opens + timedelta(minutes=1), 6))
    offer, who = world.offer(replace(plan, releases=releases)), world.resident()
    by_gate = claim(core, offer, who, "a")
    enter(core, offer=world.reload(offer.id))
    others = [claim(away, offer, who, key) for key in "bc"]
    mine = [one.id for one in (by_gate, *others)]
    assert [claim(away, offer, who, key).id for key in "abc"] == mine
    with pytest.raises(LimitReached) as told:
        claim(away, offer, who, "d")
    assert set(told.value.extra["voucher_ids"]) == set(map(str, mine))
    assert rows(core, offer) == [(1, 1, 1), (1, 2, 1), (2, 1, 1)]


def test_two_keys_of_one_resident_in_one_batch_get_no_more_than_the_limit(
    world: World, core: Core, away: Core
) -> None:
    offer, who = world.offer(world.plan(quota=5)), world.resident()
    answers = vouchers.claim_many(
        away, offer=offer.id, requests=[vouchers.Request(who, key) for key in "aba"]
    )
    codes = [one.code if isinstance(one, DomainError) else str(one.value.id) for one in answers]
    assert codes[0] == codes[2] != codes[1] == "limit_reached"
    assert len(rows(core, offer)) == 1


def test_a_slot_that_came_back_is_given_again_as_a_new_generation(
    world: World, core: Core, away: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(degraded, "_AGAIN_SECONDS", 0.0)
    offer = world.offer(world.plan(quota=3))
    crowd = world.residents(4)
    first = [claim(away, offer, one) for one in crowd[:3]]
    with pytest.raises(SoldOut):
        claim(away, offer, crowd[3])
    with core.transaction() as session:
        session.execute(
            text("UPDATE voucher SET holds_slot = false, status = 'returned' WHERE id = :id"),
            {"id": first[1].id},
        )
        ledger.post(
            session,
            code=Code.CLAIM_UNDONE,
            key=str(first[1].id),
            legs=move(
                offer.face_value, pool(offer.id, Stage.OUTSTANDING), pool(offer.id, Stage.RESERVED)
            ),
            now=world.now(),
        )
    again = claim(away, offer, crowd[1], "again")
    assert again.id != first[1].id
    assert rows(core, offer) == [(1, 1, 1), (1, 2, 2), (1, 3, 1)]
    with pytest.raises(SoldOut):
        claim(away, offer, crowd[3])


def test_whoever_is_too_early_too_late_or_finds_it_paused_is_told_so(
    world: World, core: Core, away: Core
) -> None:
    early = world.offer(world.plan(opens_at=world.now() + timedelta(hours=2)))
    with pytest.raises(NotOpenYet) as told:
        claim(away, early, world.resident())
    assert told.value.params["opens_at"] == early.releases[0].opens_at
    over = world.offer()
    enter(core, over)
    late = with_clock(core, Clock(over.window()[1] + timedelta(minutes=2)))
    with pytest.raises(Closed):
        claim(late, over, world.resident())
    paused, who = world.offer(), world.resident()
    held = claim(away, paused, who)
    campaigns.pause(core, actor=world.planner, campaign=paused.campaign_id)
    assert world.reload(paused.id).mode is Mode.DEGRADED
    forget(paused.id)
    assert claim(away, paused, who).id == held.id
    with pytest.raises(Closed):
        claim(away, paused, world.resident())


def test_a_seat_of_the_gate_is_refused_once_the_mode_is_declared(world: World, core: Core) -> None:
    offer, who = world.offer(), world.resident()
    world.claim(offer)
    before = world.reload(offer.id)
    request = vouchers.Request(who, "stale")
    answered = allocation.ask(core, offer=before, asks=[request.ask], now=world.now())
    assert answered is not None
    pool, (admitted,) = answered
    assert admitted.seat
    enter(core, before)
    issue = flow.Vouchers(before.id)
    with pytest.raises(GateNotReady):
        run(core, claiming._written(issue, before, pool, {0: (request, admitted.seat)}, None))
    assert len(rows(core, offer)) == 1
    claim(core, offer, who, "stale")
    assert rows(core, offer) == [(1, 1, 1), (1, 2, 1)]


def test_the_declaration_waits_for_a_batch_that_is_being_written(world: World, core: Core) -> None:
    offer = world.reload(world.offer().id)
    done = threading.Event()

    def declare() -> None:
        enter(core, offer)
        done.set()

    with core.transaction() as session:
        campaigns.fence(session, offer=offer.id)
        thread = threading.Thread(target=declare)
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert done.is_set()


def test_many_processes_that_declare_at_once_raise_the_epoch_once(world: World, core: Core) -> None:
    offer = world.offer()

    def declare(_: int) -> str:
        try:
            run(core, allocation.entering(offer=offer))
        except GateNotReady:
            return "another is at it"
        return "done"

    with ThreadPoolExecutor(4) as crew:
        list(crew.map(declare, range(8)))
    assert world.reload(offer.id).epoch == offer.epoch + 1
    assert events(core, offer) == ["gate.away"]


def test_the_way_back_to_the_gate_loses_nothing_while_claims_go_on(
    world: World, core: Core, settings: Settings
) -> None:
    offer, crowd = world.offer(world.plan(quota=QUOTA * 3)), world.residents(QUOTA * 3 + 2)
    standing = enter(core, offer)
    impatient = with_clock(core, core.clock)
    impatient.__dict__["settings"] = replace(settings, gate=replace(settings.gate, steady_ms=0))
    back = upkeep.Return(vouchers.GATED)
    with ThreadPoolExecutor(THREADS) as crew:
        acts = [crew.submit(until_told, core, offer, who, "k") for who in crowd]
        while back(impatient) == 0:
            time.sleep(0.01)
        came = Counter(act.result() for act in acts)
    assert came == {"done": QUOTA * 3, "sold_out": 2}
    after = world.reload(offer.id)
    assert (after.mode, after.epoch) == (Mode.GATE, standing.epoch + 1)
    assert len(rows(core, offer)) == QUOTA * 3
    assert events(core, offer)[:2] == ["gate.away", "gate.back"]
    assert verification.verify(core).breaches == ()


def test_the_way_back_waits_until_the_gate_is_steady_and_longer_each_time(
    world: World, core: Core, settings: Settings, away: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr("voucher_service.allocation.upkeep.time.monotonic", lambda: now)
    steady_s = settings.gate.steady_ms / 1000
    offer, back = world.offer(), upkeep.Return(vouchers.GATED)
    for waits in (steady_s, 2 * steady_s):
        enter(core, world.reload(offer.id))
        assert back(core) == 0
        now += waits - 0.1
        assert back(away) == 0, "it was lost: the wait begins anew"
        assert back(core) == 0
        now += waits - 0.1
        assert back(core) == 0
        now += 0.2
        assert back(core) == 1
        assert world.reload(offer.id).mode is Mode.GATE
    assert back(core) == 0


def test_boards_and_verify_read_the_books_and_name_the_mode(
    world: World, core: Core, away: Core
) -> None:
    offer = world.offer(world.plan(quota=5))
    enter(core, offer)
    claim(away, offer, world.resident())
    (shown,) = (one for one in vouchers.board(core) if one.offer.id == offer.id)
    assert (shown.remaining, shown.offer.mode) == (4, Mode.DEGRADED)
    (found,) = drift.examine(away, offers=[world.reload(offer.id)])
    assert (found.look, found.clean) == (None, True)
    upkeep.refill_stale(core, vouchers.GATED)
    assert world.reload(offer.id).mode is Mode.DEGRADED, "not before the gate is steady"
    told = verification.verify(core)
    assert told.breaches == ()
    assert "from PostgreSQL alone" in told.gate
    assert "闸口不在，由账本直接发" in page(world)
    assert "gate away, given out from the books" in page(world, "en")
