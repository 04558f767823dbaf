"""Pushes: who is given, once, within quota and limit, and what is said of each line."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.make import World
from tests.services.lists import (
    approved,
    csv_of,
    given,
    holders,
    people,
    proposed,
    results,
    unverified,
)
from voucher_service.allocation.model import NotOpenYet
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import SamePerson, fingerprint
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignNotDraft
from voucher_service.infra.core import with_clock
from voucher_service.jobs import pushes as job
from voucher_service.jobs import runtime, schedule
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import ResidentId
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.lotteries import service as lotteries
from voucher_service.lotteries.model import Terms
from voucher_service.notices import service as notices
from voucher_service.pushes import service as pushes
from voucher_service.pushes.model import (
    LIFECYCLE,
    OWNER,
    PUBLIC,
    RESULTS,
    NotEligible,
    PushListInvalid,
    PushTooLarge,
    Result,
    Status,
    Unit,
    frozen,
)
from voucher_service.reports import verification
from voucher_service.vouchers import service as vouchers


def test_the_lifecycle_is_total() -> None:
    assert set(LIFECYCLE.table) == set(PUBLIC) == set(OWNER) == set(Status)
    assert set(RESULTS) == set(Result)


def test_everybody_on_the_list_is_given_one_and_the_others_are_named(world: World) -> None:
    offer, crowd = world.offer(world.plan(quota=10)), people(world, 4)
    (first, holder), *others = crowd
    world.claim(offer, holder)
    waiting = unverified(world.core, "13900001234")
    content = csv_of(
        first.mobile,
        *(person.mobile for person, _ in others),
        others[0][0].mobile,
        "13900001234",
        "13899998888",
        "1380000",
    )
    push = approved(world, offer.id, content)
    assert (push.lines, push.count, push.unit) == (8, 5, Unit.PERSON)
    assert given(world, push) == {
        Result.ALREADY_HAS: 1,
        Result.GIVEN: 3,
        Result.REPEATED: 1,
        Result.NOT_VERIFIED: 1,
        Result.UNKNOWN: 1,
        Result.UNREADABLE: 1,
    }
    assert waiting not in holders(world, offer.id)
    assert set(holders(world, offer.id).values()) == {1}
    done = pushes.push(world.core, actor=world.planner, push=push.id)
    assert (done.status, done.worst_case) == (Status.DONE, offer.face_value * 5)
    lines = pushes.results_file(world.core, actor=world.planner, push=push.id).decode("utf-8-sig")
    assert lines.splitlines()[1] == f"2,,{first.mobile[:3]}****{first.mobile[-4:]},already_has"
    assert not any(person.mobile in lines for person, _ in crowd)
    assert verification.verify(world.core).breaches == ()


def test_nobody_is_registered_by_a_list(world: World) -> None:
    offer = world.offer()
    known = people(world, 1)[0][0].mobile
    count = text("SELECT count(*) FROM resident")
    with world.core.transaction() as session:
        before = session.execute(count).scalar_one()
    approved(world, offer.id, csv_of(known, "13012340000"))
    with world.core.transaction() as session:
        assert session.execute(count).scalar_one() == before


def test_a_list_of_id_numbers_as_a_spreadsheet_in_china_saves_it(world: World) -> None:
    offer, crowd = world.offer(), people(world, 2)
    numbers = [person.id_number for person, _ in crowd]
    content = "\r\n".join(["姓名,身份证号", *(f"林某,{one}" for one in numbers)]).encode("gb18030")
    push = approved(world, offer.id, content)
    assert push.list_sha256 == hashlib.sha256(content).hexdigest()
    assert given(world, push) == {Result.GIVEN: 2}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xff\xff",
        csv_of("x", header="name"),
        csv_of("1,2", header="mobile,手机"),
        csv_of("13899998888"),
        b'mobile\n"13800001111\n',
    ],
)
def test_a_list_that_gives_nobody_anything_is_refused(world: World, content: bytes) -> None:
    with pytest.raises(PushListInvalid):
        pushes.propose(world.core, actor=world.planner, offer=world.offer().id, content=content)


def test_more_people_than_vouchers_are_refused_before_anybody_signs(world: World) -> None:
    offer = world.offer(world.plan(quota=2))
    content = csv_of(*(person.mobile for person, _ in people(world, 3)))
    with pytest.raises(PushTooLarge):
        pushes.propose(world.core, actor=world.planner, offer=offer.id, content=content)


def test_the_second_person_signs_for_the_list_the_number_and_the_money(world: World) -> None:
    offer = world.offer()
    content = csv_of(people(world, 1)[0][0].mobile)
    push, proposal = proposed(world, offer.id, content)
    shown = approvals.get(world.core, actor=world.approver, approval=proposal)
    assert shown.payload_sha256 == fingerprint(frozen(push))
    assert shown.payload["list_sha256"] == hashlib.sha256(content).hexdigest()
    assert shown.payload["worst_case_fen"] == offer.face_value.fen
    with pytest.raises(SamePerson):
        approvals.approve(world.core, actor=world.planner, approval=proposal)
    assert given(world, push) == {None: 1}  # nothing happens before the signature
    approvals.reject(world.core, actor=world.approver, approval=proposal, reason="名单不对")
    assert pushes.push(world.core, actor=world.planner, push=push.id).status is Status.REJECTED
    assert holders(world, offer.id) == {}


def test_a_county_sees_and_pushes_its_own_only(world: World) -> None:
    offer = world.offer()
    elsewhere = world.staff(Role.PLANNER, area="441702")
    content = csv_of(people(world, 1)[0][0].mobile)
    with pytest.raises(NoSuchThing):
        pushes.propose(world.core, actor=elsewhere, offer=offer.id, content=content)
    push, _ = proposed(world, offer.id, content)
    assert push.id not in [one.id for one in pushes.pushes(world.core, actor=elsewhere)]
    with pytest.raises(NoSuchThing):
        pushes.results_file(world.core, actor=elsewhere, push=push.id)


def test_a_push_that_finds_no_slot_says_so_and_never_over_issues(world: World) -> None:
    offer = world.offer(world.plan(quota=3))
    content = csv_of(*(person.mobile for person, _ in people(world, 3)))
    push = approved(world, offer.id, content)
    for _ in range(2):  # meanwhile others claim
        world.claim(offer)
    assert given(world, push) == {Result.GIVEN: 1, Result.NO_SLOT: 2}
    assert holders(world, offer.id).total() == 3


def test_a_worker_that_dies_half_way_is_taken_over_and_nobody_gets_two(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = world.offer(world.plan(quota=20, limit=3))
    content = csv_of(*(person.mobile for person, _ in people(world, 10)))
    push = approved(world, offer.id, content)
    monkeypatch.setattr(job, "_BATCH", 4)
    deaths = iter([True, False, True])

    class Killed(BaseException):
        """Stands for kill -9 between the claims' commit and the note of it."""

    real = pushes.note

    def note(*args: object, **facts: object) -> None:
        if next(deaths, False):
            raise Killed
        real(*args, **facts)  # type: ignore[arg-type]

    monkeypatch.setattr(job.pushes, "note", note)
    for _ in range(2):
        with pytest.raises(Killed):
            job.give_push(world.core, {"push": str(push.id)}, lambda session: None)
    job.give_push(world.core, {"push": str(push.id)}, lambda session: None)
    assert results(world, push) == {Result.GIVEN: 10}
    assert holders(world, offer.id).total() == 10
    job.give_push(world.core, {"push": str(push.id)}, lambda session: None)  # done is done
    assert holders(world, offer.id).total() == 10


def test_a_push_waits_for_the_opening_and_for_a_pause_to_end(world: World) -> None:
    offer = world.offer(world.plan(opens_at=world.now() + timedelta(hours=2)))
    push = approved(world, offer.id, csv_of(people(world, 1)[0][0].mobile))
    assert given(world, push) == {None: 1}
    offer = world.offer()
    push = approved(world, offer.id, csv_of(people(world, 1)[0][0].mobile))
    campaigns.pause(world.core, actor=world.planner, campaign=offer.campaign_id)
    assert given(world, push) == {None: 1}
    proposal = campaigns.resume(world.core, actor=world.planner, campaign=offer.campaign_id)
    approvals.approve(world.core, actor=world.approver, approval=proposal)
    with world.core.transaction() as session:
        session.execute(text("UPDATE job_outbox SET due_at = clock_timestamp()"))
    assert given(world, push) == {Result.GIVEN: 1}


def test_a_push_into_a_closed_offer_says_that_it_is_over(world: World) -> None:
    offer = world.offer()
    push = approved(world, offer.id, csv_of(people(world, 1)[0][0].mobile))
    proposal = campaigns.close(world.core, actor=world.planner, campaign=offer.campaign_id)
    approvals.approve(world.core, actor=world.approver, approval=proposal)
    assert given(world, push) == {Result.CLOSED: 1}
    with pytest.raises(IllegalTransition):
        proposed(world, offer.id, csv_of(people(world, 1)[0][0].mobile))


def test_an_offer_planned_with_a_list_is_for_the_people_on_it(world: World) -> None:
    crowd = people(world, 3)
    campaign = world.draft()
    plan = world.plan(quota=5)
    offer = campaigns.create_offer(
        world.core, actor=world.planner, campaign=campaign.id, plan=plan
    ).value
    world.line(campaign.id, plan.face_value * plan.quota)
    content = csv_of(*(person.mobile for person, _ in crowd[:2]))
    push, proposal = proposed(world, offer.id, content)
    with pytest.raises(IllegalTransition):  # the offer itself is not approved yet
        approvals.approve(world.core, actor=world.approver, approval=proposal)
    publication = campaigns.submit(world.core, actor=world.planner, campaign=campaign.id)
    signed = approvals.get(world.core, actor=world.approver, approval=publication)
    assert signed.payload["pushes"] == [frozen(push)]
    with pytest.raises(CampaignNotDraft):  # no other list beside what is being approved
        proposed(world, offer.id, content)
    approvals.approve(world.core, actor=world.approver, approval=publication)
    stranger = crowd[2][1]
    with pytest.raises(NotEligible):
        world.claim(offer, stranger)
    listed = crowd[0][1]
    for reader, sees in ((None, False), (stranger, False), (listed, True)):
        shown = [one.offer.id for one in vouchers.board(world.core, actor=reader)]
        assert (offer.id in shown) is sees
    approvals.approve(world.core, actor=world.approver, approval=proposal)
    assert given(world, push) == {Result.GIVEN: 2}


def test_an_offer_with_a_list_and_a_lottery_is_for_those_on_both(world: World) -> None:
    ((person, listed),) = people(world, 1)
    campaign, now = world.draft(), world.now()
    plan = world.plan(quota=5, opens_at=now + timedelta(hours=5))
    offer = campaigns.create_offer(
        world.core, actor=world.planner, campaign=campaign.id, plan=plan
    ).value
    world.line(campaign.id, plan.face_value * plan.quota)
    proposed(world, offer.id, csv_of(person.mobile))
    terms = Terms(1, now, now + timedelta(hours=2))
    lotteries.plan(world.core, actor=world.planner, offer=offer.id, terms=terms)
    world.publish(campaign.id)
    who = [ResidentId(one.id) for one in (listed, world.resident()) if one.id]
    refused = lotteries.barred(world.core, offer=offer.id, residents=who, now=now)
    assert [refused[one].code for one in who] == [NotOpenYet.code, NotEligible.code]


def test_who_was_given_one_is_told_once_in_both_languages(world: World) -> None:
    offer, crowd = world.offer(), people(world, 2)
    outbox = Path(world.core.settings.sms.outbox)
    push = approved(world, offer.id, csv_of(*(person.mobile for person, _ in crowd)))
    given(world, push)
    while notices.send(world.core):
        pass
    sent = [json.loads(line) for line in outbox.read_text("utf-8").splitlines()]
    mine = [one for one in sent if one["mobile"] in {person.mobile for person, _ in crowd}]
    assert len(mine) == 2
    assert offer.title in mine[0]["text"] and "My vouchers" in mine[0]["text"]
    assert notices.send(world.core) == 0


def test_notices_go_out_at_a_bounded_rate(world: World) -> None:
    offer, crowd = world.offer(world.plan(quota=50)), people(world, 25)
    while notices.send(world.core):
        pass
    push = approved(world, offer.id, csv_of(*(person.mobile for person, _ in crowd)))
    given(world, push)
    runtime.do(world.core, "send_notices")
    with world.core.transaction() as session:
        left = session.execute(text("SELECT count(*) FROM notice WHERE sent_at IS NULL"))
        assert left.scalar_one() == 5  # twenty a second
    assert schedule.go_on(world.core) == 1
    assert schedule.go_on(world.core) == 0  # it is wanted already
    runtime.do(world.core, "send_notices")
    assert schedule.go_on(world.core) == 0


def test_notices_are_forgotten_after_ninety_days(world: World) -> None:
    offer, crowd = world.offer(), people(world, 1)
    given(world, approved(world, offer.id, csv_of(crowd[0][0].mobile)))
    later = with_clock(world.core, Clock(world.now() + timedelta(days=91)))
    assert notices.forget(world.core) == 0
    assert notices.forget(later) > 0
    assert notices.forget(later) == 0


def test_a_long_list_lets_other_jobs_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_BATCH", 2)
    monkeypatch.setattr(job, "_SECONDS", 0.0001)
    offer = world.offer()
    push = approved(world, offer.id, csv_of(*(person.mobile for person, _ in people(world, 5))))
    for left in (3, 1, None):
        assert given(world, push).get(None) == left
        schedule.go_on(world.core)
    assert given(world, push) == {Result.GIVEN: 5}
    assert pushes.push(world.core, actor=world.planner, push=push.id).status is Status.DONE
