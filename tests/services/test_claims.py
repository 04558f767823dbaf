"""Claims: who may, when, how many, and what the same key gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from tests.make import World
from voucher_service.allocation import service as allocation
from voucher_service.allocation.gate import Gate
from voucher_service.allocation.model import Closed, LimitReached, NotOpenYet, SoldOut
from voucher_service.allocation.service import pool_of
from voucher_service.approvals import service as approvals
from voucher_service.campaigns import service as campaigns
from voucher_service.identity import service as identity
from voucher_service.identity.model import IdentityRequired
from voucher_service.infra.core import Core, with_clock
from voucher_service.infra.idempotency import KeyReused
from voucher_service.kernel.actor import Actor, ActorKind, Evidence
from voucher_service.kernel.clock import Clock, day_of, end_of
from voucher_service.kernel.errors import NoSuchThing, TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers import store
from voucher_service.vouchers.model import Status
from voucher_service.vouchers.service import drift
from voucher_service.vouchers.tables import VoucherRow


def test_a_voucher_says_until_when_it_is_valid(world: World) -> None:
    offer = world.offer(world.plan(valid_days=7))
    voucher = world.claim(offer)
    assert voucher.valid_until == end_of(day_of(voucher.claimed_at) + timedelta(days=6))


def test_nobody_claims_before_the_opening(world: World) -> None:
    offer = world.offer(world.plan(opens_at=world.now() + timedelta(hours=2)))
    with pytest.raises(NotOpenYet):
        world.claim(offer)


def test_nobody_claims_a_minute_after_the_close(world: World) -> None:
    offer = world.offer()
    later = with_clock(world.core, Clock(offer.window()[1] + timedelta(minutes=1)))
    with pytest.raises(Closed):
        vouchers.claim(later, actor=world.resident(), offer=offer.id, key="late")


def test_a_draft_is_nowhere_to_be_found(world: World) -> None:
    draft = world.draft()
    planned = campaigns.create_offer(
        world.core, actor=world.planner, campaign=draft.id, plan=world.plan()
    ).value
    with pytest.raises(NoSuchThing):
        world.claim(planned)


def test_a_resident_without_a_verified_name_is_asked_for_it(world: World, core: Core) -> None:
    offer = world.offer()
    identity.request_code(core, mobile="13812345678")
    code = _last_code(core)
    stranger = identity.sign_in(core, mobile="13812345678", code=code, evidence=Evidence())
    with pytest.raises(IdentityRequired):
        world.claim(offer, Actor(ActorKind.RESIDENT, ResidentId(stranger.id)))


def _last_code(core: Core) -> str:
    import json
    from pathlib import Path

    return str(
        json.loads(Path(core.settings.sms.outbox).read_text("utf-8").splitlines()[-1])["code"]
    )


def test_the_limit_counts_over_all_releases_and_each_key_takes_the_next_ordinal(
    world: World,
) -> None:
    offer = world.offer(world.plan(quota=9, limit=2))
    resident = world.resident()
    first, second = world.claim(offer, resident, "a"), world.claim(offer, resident, "b")
    assert first.id != second.id
    with pytest.raises(LimitReached) as refusal:
        world.claim(offer, resident, "c")
    assert set(refusal.value.extra["voucher_ids"]) == {str(first.id), str(second.id)}


def test_a_replayed_answer_says_so(world: World) -> None:
    offer, resident = world.offer(), world.resident()
    first = vouchers.claim(world.core, actor=resident, offer=offer.id, key="k")
    again = vouchers.claim(world.core, actor=resident, offer=offer.id, key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.value.id == first.value.id


def test_a_key_is_for_one_offer(world: World) -> None:
    first, second, resident = world.offer(), world.offer(), world.resident()
    world.claim(first, resident, "same")
    with pytest.raises(KeyReused):
        world.claim(second, resident, "same")
    assert world.claim(second, resident, "other").status is Status.CLAIMED


def test_a_paused_campaign_gives_nothing_and_goes_on_with_a_second_person(world: World) -> None:
    offer = world.offer()
    kept = world.claim(offer)
    campaigns.pause(world.core, actor=world.planner, campaign=offer.campaign_id)
    with pytest.raises(Closed):
        world.claim(offer)
    proposal = campaigns.resume(world.core, actor=world.planner, campaign=offer.campaign_id)
    with pytest.raises(Closed):
        world.claim(offer)
    approvals.approve(world.core, actor=world.approver, approval=proposal)
    assert world.claim(offer).id != kept.id


def test_an_emptied_gate_is_filled_again_and_forgets_nobody(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=3))
    resident = world.resident()
    first = world.claim(offer, resident)
    core.gate.flushall()
    with pytest.raises(LimitReached) as refusal:
        world.claim(offer, resident)
    assert refusal.value.extra["voucher_ids"] == [str(first.id)]
    assert {world.claim(offer).status for _ in range(2)} == {Status.CLAIMED}
    with pytest.raises(SoldOut):
        world.claim(offer)


def test_a_gate_with_slots_that_are_taken_is_found_out_by_postgresql(
    world: World, core: Core
) -> None:
    offer = world.offer(world.plan(quota=3))
    for _ in range(3):
        world.claim(offer)
    now = world.reload(offer.id)
    core.gate.rpush(f"gate:{{{now.id.hex}}}:free:1", 1, 2)  # a stale copy came back
    with pytest.raises(SoldOut):
        world.claim(offer)


def test_a_gate_that_is_away_acknowledges_nothing(world: World, core: Core) -> None:
    offer, resident = world.offer(), world.resident()
    away = _elsewhere(core)
    with pytest.raises(TryAgain):
        vouchers.claim(away, actor=resident, offer=offer.id, key="k")
    assert vouchers.claim(core, actor=resident, offer=offer.id, key="k").replayed is False


def _elsewhere(core: Core) -> Core:
    from dataclasses import replace

    away = Core(
        replace(
            core.settings,
            gate=replace(core.settings.gate, url="redis://127.0.0.1:9/0", timeout_ms=200),
        ),
        core.clock,
    )
    away.__dict__["engine"] = core.engine
    return away


def test_a_seat_that_nobody_wrote_is_given_to_the_same_key_again(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=1))
    world.claim(world.offer(), world.resident())
    resident = world.resident()
    found = world.reload(offer.id)
    vouchers.prepare_gate(core, offer=offer.id, refill=True)
    found = world.reload(offer.id)
    from voucher_service.allocation.service import pool_of

    request = vouchers.Request(resident, "k")
    (seat,) = Gate(core, offer.id).admit(pool_of(found), [request.ask], world.now())
    assert seat.seat is not None  # and then this process died
    assert world.claim(found, resident, "k").status is Status.CLAIMED


def test_who_claims_by_another_key_after_a_try_that_died_hears_of_it_by_that_key(
    world: World, core: Core
) -> None:
    offer, resident = world.offer(world.plan(quota=1)), world.resident()
    vouchers.prepare_gate(core, offer=offer.id, refill=True)
    died = vouchers.Request(resident, "died").ask
    Gate(core, offer.id).admit(pool_of(world.reload(offer.id)), [died], world.now())
    mine = world.claim(offer, resident, "next")
    assert world.claim(offer, resident, "next").id == mine.id
    with pytest.raises(LimitReached) as told:
        world.claim(offer, resident, "died")
    assert told.value.extra["voucher_ids"] == [str(mine.id)]
    (found,) = drift.examine(core, offers=[world.reload(offer.id)])
    assert found.clean


def test_a_seat_whose_claim_died_is_free_again_after_a_while(world: World, core: Core) -> None:
    from voucher_service.allocation.service import pool_of

    offer = world.offer(world.plan(quota=1))
    vouchers.prepare_gate(core, offer=offer.id, refill=True)
    found = world.reload(offer.id)
    lost = vouchers.Request(world.resident(), "lost")
    Gate(core, offer.id).admit(pool_of(found), [lost.ask], world.now())
    with pytest.raises(SoldOut):
        world.claim(found)
    later = with_clock(core, Clock(world.now() + timedelta(seconds=20)))
    assert allocation.settle_pending(later, offer=found, rows=VoucherRow) == 1
    assert world.claim(found).status is Status.CLAIMED


def test_what_a_claim_leaves_behind_names_no_person(world: World, core: Core) -> None:
    from sqlalchemy import text

    offer = world.offer()
    voucher = world.claim(offer)
    with core.transaction() as session:
        detail = session.execute(
            text("SELECT detail FROM audit.event WHERE object_id = :id"), {"id": str(voucher.id)}
        ).scalar_one()
    assert detail["ids"] == [str(voucher.id)]
    assert set(detail) == {"offer", "ids", "sha256"}


def test_a_gate_that_cannot_tell_is_counted_in_postgresql(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=3))
    world.claim(offer)
    core.gate.flushall()
    with core.transaction() as session:
        left = vouchers.remaining(core, session, offers=[world.reload(offer.id)], now=world.now())
    assert left == {offer.id: 2}


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIiwiYiJd", "WzEsMl0"])
def test_a_forged_cursor_is_refused(world: World, core: Core, cursor: str) -> None:
    from voucher_service.kernel.page import CursorInvalid

    with pytest.raises(CursorInvalid):
        vouchers.wallet(core, actor=world.resident(), cursor=cursor, limit=10)


def test_two_keys_of_one_resident_in_one_batch_are_one_voucher(world: World, core: Core) -> None:
    offer, resident = world.offer(), world.resident()
    requests = [vouchers.Request(resident, key) for key in ("a", "b", "a")]
    answers = vouchers.claim_many(core, offer=offer.id, requests=requests)
    refused = [answer for answer in answers if isinstance(answer, LimitReached)]
    given = {answer.value.id for answer in answers if not isinstance(answer, Exception)}
    assert len(given) == 1
    assert [one.extra["voucher_ids"] for one in refused] == [[str(one)] for one in given]


def test_a_closed_offer_repeats_its_first_answers(world: World, core: Core) -> None:
    offer, resident = world.offer(), world.resident()
    first = world.claim(offer, resident, "kept")
    campaigns.pause(core, actor=world.planner, campaign=offer.campaign_id)
    assert world.claim(offer, resident, "kept").id == first.id
    core.gate.flushall()
    assert world.claim(offer, resident, "kept").id == first.id


def test_claims_at_the_same_moment_share_a_commit(world: World, core: Core) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from sqlalchemy import text

    offer = world.offer(world.plan(quota=60))
    group, crowd = vouchers.Group(core), world.residents(50)
    with ThreadPoolExecutor(50) as pool:
        won = list(
            pool.map(lambda one: group.claim(actor=one, offer=offer.id, key="k").value.id, crowd)
        )
    with core.transaction() as session:
        batches = session.execute(
            text("SELECT count(*) FROM audit.event WHERE detail ->> 'offer' = :offer"),
            {"offer": str(offer.id)},
        ).scalar_one()
    assert len(set(won)) == 50
    assert batches < 25


def test_one_bad_row_costs_the_others_nothing(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from voucher_service.vouchers.service import group as groups

    offer, crowd = world.offer(world.plan(quota=20)), world.residents(8)
    poison = crowd[3].id

    def sour(core: Core, *, offer: OfferId, requests: list[vouchers.Request]) -> list[Any]:
        if any(one.resident == poison for one in requests):
            raise RuntimeError("a bad row")
        return vouchers.claim_many(core, offer=offer, requests=requests)

    monkeypatch.setattr(groups, "claim_many", sour)
    group = vouchers.Group(core)

    def one(actor: Actor) -> bool:
        try:
            return bool(group.claim(actor=actor, offer=offer.id, key="k").value)
        except RuntimeError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, crowd)) == [actor.id != poison for actor in crowd]


def test_a_claim_that_was_taken_for_dead_leaves_no_wrong_slot_at_the_gate(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = world.offer(world.plan(quota=2))
    world.claim(offer)
    gate, insert = Gate(core, offer.id), store.insert

    def slowly(session: Session, values: dict[str, Any]) -> set[UUID]:
        pool = pool_of(world.reload(offer.id))
        seats = gate.pending(pool, world.now() + timedelta(hours=1))
        assert gate.settle(pool, [(one, None) for one in seats])  # as the reaper does
        return insert(session, values)

    monkeypatch.setattr(store, "insert", slowly)
    world.claim(offer)
    monkeypatch.undo()
    assert gate.free(pool_of(world.reload(offer.id))) == [0]


def test_offers_are_written_side_by_side_and_each_in_turn(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One batch of an offer at a time, so that the next one grows; other offers do not wait."""
    from threading import Event, Thread
    from time import sleep

    from voucher_service.vouchers.service import group as groups

    slow, quick = (world.offer(world.plan(quota=20)) for _ in range(2))
    begun, go_on, sizes = Event(), Event(), []

    def held_up(core: Core, *, offer: OfferId, requests: list[vouchers.Request]) -> list[Any]:
        sizes.append((offer, len(requests)))
        if offer == slow.id and not go_on.is_set():
            begun.set()
            assert go_on.wait(20)
        return vouchers.claim_many(core, offer=offer, requests=requests)

    monkeypatch.setattr(groups, "claim_many", held_up)
    group, crowd = vouchers.Group(core), world.residents(7)

    def claim(who: Actor, offer: OfferId) -> Thread:
        thread = Thread(target=lambda: group.claim(actor=who, offer=offer, key=f"{who.id}"))
        thread.start()
        return thread

    first = claim(crowd[0], slow.id)
    assert begun.wait(20)
    waiting = [claim(one, slow.id) for one in crowd[1:6]]
    claim(crowd[6], quick.id).join(20)
    assert sizes == [(slow.id, 1), (quick.id, 1)]
    while group._waiting < 5:
        sleep(0.01)
    go_on.set()
    for thread in (first, *waiting):
        thread.join(20)
    assert sizes[2:] == [(slow.id, 5)]
