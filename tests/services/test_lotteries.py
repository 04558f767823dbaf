"""Lotteries: who may plan, enter, commit, reveal and claim."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.make import World
from tests.services.fairs import HOUR, Fair, a_fair
from voucher_service.allocation.model import NotOpenYet
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignNotDraft
from voucher_service.identity.model import IdentityRequired
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.lotteries import drawing
from voucher_service.lotteries import service as lotteries
from voucher_service.lotteries.model import (
    LIFECYCLE,
    OWNER,
    PUBLIC,
    CommitmentsMissing,
    EntriesClosed,
    EntriesNotOpenYet,
    EntriesStillOpen,
    LotteryInvalid,
    NotEligible,
    Outcome,
    Party,
    PartyTaken,
    SecretWrong,
    Status,
    Terms,
)
from voucher_service.vouchers import service as vouchers


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    clock = Clock(World(core).now())
    return World(with_clock(core, clock))


@pytest.fixture
def fair(city: World) -> Fair:
    """Entries are open; two places, two on the waiting list, twelve vouchers from hour 5 on."""
    return a_fair(city)


def test_the_lifecycle_is_total() -> None:
    assert set(LIFECYCLE.table) == set(PUBLIC) == set(OWNER) == set(Status)


def test_winners_may_claim_the_waiting_wait_and_the_others_are_told(fair: Fair) -> None:
    crowd = fair.world.residents(7)
    stranger = fair.world.resident()
    fair.enter(crowd)
    assert set(fair.eligible(*crowd, stranger)) == {NotOpenYet.code}
    drawn = fair.draw()
    assert (drawn.status, drawn.entries) == (Status.DRAWN, 7)
    outcomes = [fair.outcome(one) for one in crowd]
    assert Counter(outcomes) == {Outcome.WON: 2, Outcome.WAITING: 2, Outcome.NOT_DRAWN: 3}
    fair.at(fair.offer.window()[0])
    said = {
        Outcome.WON: None,
        Outcome.WAITING: NotOpenYet.code,
        Outcome.NOT_DRAWN: NotEligible.code,
    }
    assert fair.eligible(*crowd, stranger) == [*(said[one] for one in outcomes), NotEligible.code]
    assert fair.terms.waiting_from is not None
    fair.at(fair.terms.waiting_from)
    said[Outcome.WAITING] = None
    assert fair.eligible(*crowd) == [said[one] for one in outcomes]


def test_an_offer_without_a_lottery_refuses_nobody(fair: Fair) -> None:
    plain = fair.world.offer()
    resident = fair.world.resident()
    assert resident.id is not None
    who, now = [ResidentId(resident.id)], fair.world.now()
    for _ in range(2):  # asked of PostgreSQL, then known
        assert replace(fair, offer=plain).eligible(resident) == [None]
        assert lotteries.barred(fair.core, offer=plain.id, residents=who, now=now) == {}
    found = lotteries.barred(fair.core, offer=fair.offer.id, residents=who, now=now)
    assert found[who[0]].code == NotOpenYet.code


def test_one_resident_enters_once(fair: Fair) -> None:
    resident = fair.world.resident()
    first = lotteries.enter(fair.core, actor=resident, lottery=fair.found.id)
    again = lotteries.enter(fair.core, actor=resident, lottery=fair.found.id)
    assert (first.replayed, again.replayed) == (False, True)
    assert first.value == again.value
    assert first.value.outcome is Outcome.UNDECIDED
    fair.commit()
    assert fair.close().entries == 1
    late = lotteries.enter(fair.core, actor=resident, lottery=fair.found.id)
    assert late.replayed and late.value == first.value


def test_entries_come_in_their_window_from_verified_residents(fair: Fair) -> None:
    resident, lottery = fair.world.resident(), fair.found.id
    nobody = Actor(ActorKind.RESIDENT, new_id())
    with pytest.raises(IdentityRequired):
        lotteries.enter(fair.core, actor=nobody, lottery=lottery)
    fair.at(fair.terms.opens_at - timedelta(seconds=1))
    with pytest.raises(EntriesNotOpenYet):
        lotteries.enter(fair.core, actor=resident, lottery=lottery)
    fair.at(fair.terms.closes_at)
    with pytest.raises(EntriesClosed):
        lotteries.enter(fair.core, actor=resident, lottery=lottery)
    with pytest.raises(NoSuchThing):
        lotteries.my_entry(fair.core, actor=resident, lottery=lottery)


def test_a_lottery_is_planned_while_its_offer_is_a_draft(fair: Fair) -> None:
    published = fair.world.offer()
    with pytest.raises(CampaignNotDraft):
        lotteries.plan(fair.core, actor=fair.world.planner, offer=published.id, terms=fair.terms)
    draft = fair.world.draft()
    now = fair.terms.opens_at
    offer = campaigns.create_offer(
        fair.core,
        actor=fair.world.planner,
        campaign=draft.id,
        plan=fair.world.plan(quota=4, limit=2, opens_at=now + 5 * HOUR),
    ).value
    first = lotteries.plan(
        fair.core, actor=fair.world.planner, offer=offer.id, terms=replace(fair.terms, seats=1)
    )
    second = lotteries.plan(fair.core, actor=fair.world.planner, offer=offer.id, terms=fair.terms)
    assert (first.id, second.terms.seats) == (second.id, 2)
    with pytest.raises(IllegalTransition):  # nobody has approved the offer
        lotteries.open_entries(fair.core, actor=fair.world.planner, lottery=first.id)
    with pytest.raises(NoSuchThing):
        lotteries.lottery(fair.core, lottery=first.id)
    with pytest.raises(NoSuchThing):
        lotteries.enter(fair.core, actor=fair.world.resident(), lottery=first.id)
    elsewhere = fair.world.staff(Role.PLANNER, area="441702")
    with pytest.raises(NoSuchThing):
        lotteries.plan(fair.core, actor=elsewhere, offer=offer.id, terms=fair.terms)
    assert first.id not in [one.id for one in lotteries.for_staff(fair.core, actor=elsewhere)]
    assert first.id not in [one.id for one in lotteries.published(fair.core)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seats": 3}, "seats"),  # a winner could find no slot: two each of four
        ({"seats": 0}, "seats"),
        ({"waiting": -1, "waiting_from": None}, "waiting"),
        ({"waiting": 1, "waiting_from": None}, "waiting_from"),
        ({"waiting_from": "early"}, "waiting_from"),
        ({"closes_at": "late"}, "closes_at"),
        ({"closes_at": "backwards"}, "closes_at"),
        ({"opens_at": "long ago", "closes_at": "long ago"}, "closes_at"),
    ],
)
def test_terms_that_can_not_be_kept_are_refused(
    fair: Fair, changes: dict[str, object], field: str
) -> None:
    now = fair.terms.opens_at
    instants = {
        "early": now + HOUR,
        "late": now + 6 * HOUR,
        "backwards": now - HOUR,
        "long ago": now - timedelta(days=91),
    }
    given = {name: instants.get(str(value), value) for name, value in changes.items()}
    offer = campaigns.create_offer(
        fair.core,
        actor=fair.world.planner,
        campaign=fair.world.draft().id,
        plan=fair.world.plan(quota=4, limit=2, opens_at=now + 5 * HOUR),
    ).value
    with pytest.raises(LotteryInvalid) as refused:
        lotteries.plan(
            fair.core,
            actor=fair.world.planner,
            offer=offer.id,
            terms=replace(fair.terms, **given),  # type: ignore[arg-type]
        )
    assert field in refused.value.extra["errors"]


def test_the_list_is_closed_after_its_hour_and_after_all_three_have_committed(fair: Fair) -> None:
    planner = fair.world.planner
    with pytest.raises(EntriesStillOpen):
        lotteries.close_entries(fair.core, actor=planner, lottery=fair.found.id)
    fair.commit(Party.FINANCE, Party.AUDIT)
    with pytest.raises(CommitmentsMissing):
        fair.close()
    fair.commit(Party.BUREAU)
    closed = fair.close()
    assert closed.list_sha256 == drawing.list_hash([])
    with pytest.raises(IllegalTransition):
        lotteries.close_entries(fair.core, actor=planner, lottery=fair.found.id)


def test_a_party_speaks_through_its_own_people_and_one_person_for_one_party(fair: Fair) -> None:
    lottery, digest = fair.found.id, "ab" * 32
    # No account holds both roles any more; the lottery does not rest on that.
    both = replace(fair.world.staff(Role.FINANCE), roles=frozenset({Role.FINANCE, Role.AUDITOR}))
    with pytest.raises(NotAllowed):
        lotteries.commit(fair.core, actor=both, lottery=lottery, party=Party.BUREAU, sha256=digest)
    for _ in range(2):  # the same promise again changes nothing
        lotteries.commit(fair.core, actor=both, lottery=lottery, party=Party.FINANCE, sha256=digest)
    with pytest.raises(PartyTaken):
        lotteries.commit(
            fair.core, actor=both, lottery=lottery, party=Party.AUDIT, sha256="cd" * 32
        )
    with pytest.raises(PartyTaken):  # a copy of another party's promise
        lotteries.commit(
            fair.core,
            actor=fair.parties[Party.AUDIT],
            lottery=lottery,
            party=Party.AUDIT,
            sha256=digest,
        )
    with pytest.raises(PartyTaken):
        fair.commit(Party.FINANCE)
    with pytest.raises(LotteryInvalid):
        lotteries.commit(fair.core, actor=both, lottery=lottery, party=Party.FINANCE, sha256="AB")


def test_nobody_reveals_before_the_list_is_closed(fair: Fair) -> None:
    promised = fair.commit()
    with pytest.raises(IllegalTransition):
        fair.reveal(Party.FINANCE, promised[Party.FINANCE])


def test_only_who_promised_reveals_and_only_what_was_promised(fair: Fair) -> None:
    promised = fair.commit()
    fair.close()
    with pytest.raises(SecretWrong):
        fair.reveal(Party.FINANCE, "00" * 32)
    with pytest.raises(SecretWrong):
        fair.reveal(Party.FINANCE, "\ud800")
    other = replace(fair, parties=fair.parties | {Party.FINANCE: fair.world.staff(Role.FINANCE)})
    with pytest.raises(NotAllowed):
        other.reveal(Party.FINANCE, promised[Party.FINANCE])
    for _ in range(2):
        shown = fair.reveal(Party.FINANCE, promised[Party.FINANCE])
    assert shown.status is Status.CLOSED
    with pytest.raises(NoSuchThing):
        lotteries.result_file(fair.core, lottery=fair.found.id)


def test_entries_that_race_with_the_close_are_on_the_list_or_refused(city: World) -> None:
    fair = a_fair(city, seats=5, waiting=0)
    fair.commit()
    crowd = [one for one in city.residents(24) for _ in range(2)]  # each presses twice

    def enter(resident: Actor) -> str | None:
        try:
            return lotteries.enter(fair.core, actor=resident, lottery=fair.found.id).value.leaf
        except EntriesClosed:
            return None

    with ThreadPoolExecutor(9) as pool:
        answers = [pool.submit(enter, one) for one in crowd[:40]]
        fair.at(fair.terms.closes_at)
        closing = pool.submit(fair.close)
        answers += [pool.submit(enter, one) for one in crowd[40:]]
        acknowledged = {leaf for one in answers if (leaf := one.result()) is not None}
        closed = closing.result()
    published = lotteries.entries_file(fair.core, lottery=fair.found.id).decode().split()[1:]
    assert set(published) == acknowledged
    assert closed.entries == len(published)
    assert closed.list_sha256 == drawing.list_hash(bytes.fromhex(leaf) for leaf in published)


def test_only_those_drawn_claim_and_losers_take_no_seat(fair: Fair) -> None:
    crowd = fair.world.residents(7)
    fair.enter(crowd)
    fair.draw()
    fair.at(fair.offer.window()[0])
    refusals = {Outcome.WAITING: NotOpenYet, Outcome.NOT_DRAWN: NotEligible}
    for one in crowd:
        outcome = fair.outcome(one)
        if outcome is Outcome.WON:
            vouchers.claim(fair.core, actor=one, offer=fair.offer.id, key=str(one.id))
        else:
            with pytest.raises(refusals[outcome]):
                vouchers.claim(fair.core, actor=one, offer=fair.offer.id, key=str(one.id))


def test_the_approver_signs_for_the_terms_and_they_stand(city: World) -> None:
    now = city.now()
    campaign = city.draft()
    plan = city.plan(quota=12, opens_at=now + 5 * HOUR)
    offer = campaigns.create_offer(
        city.core, actor=city.planner, campaign=campaign.id, plan=plan
    ).value
    city.line(campaign.id, plan.face_value * plan.quota)
    terms = Terms(2, now, now + HOUR)
    planned = lotteries.plan(city.core, actor=city.planner, offer=offer.id, terms=terms)
    proposal = campaigns.submit(city.core, actor=city.planner, campaign=campaign.id)
    signed = approvals.get(city.core, actor=city.approver, approval=proposal)
    (seen,) = signed.payload["lotteries"]
    assert (seen["offer"], seen["seats"], seen["rule"]) == (str(offer.id), 2, "lottery/1")
    with pytest.raises(CampaignNotDraft):
        lotteries.plan(city.core, actor=city.planner, offer=offer.id, terms=terms)
    with city.core.transaction() as session:  # somebody with the database's password
        session.execute(text("UPDATE lottery SET seats = 3 WHERE id = :id"), {"id": planned.id})
    with pytest.raises(ChangedSinceProposed):
        approvals.approve(city.core, actor=city.approver, approval=proposal)


def test_winners_are_told_by_a_message_and_nobody_else_is(fair: Fair) -> None:
    crowd = fair.world.residents(6)
    fair.enter(crowd)
    fair.draw()
    won = {one.id for one in crowd if fair.outcome(one) is Outcome.WON}
    with fair.core.transaction() as session:
        told = session.execute(
            text("SELECT resident_id, at FROM notice WHERE subject_id = :id"),
            {"id": fair.found.id},
        ).all()
    assert {row.resident_id for row in told} == won
    assert {row.at for row in told} == {fair.offer.window()[0]}


def test_the_first_page_offers_the_draw_and_never_a_race(fair: Fair) -> None:
    crowd, stranger = fair.world.residents(5), fair.world.resident()
    fair.enter(crowd)

    def standing(reader: Actor | None) -> vouchers.Standing:
        shown = vouchers.board(fair.core, actor=reader)
        return next(one for one in shown if one.offer.id == fair.offer.id)

    before = standing(crowd[0])
    assert before.draw is not None and before.draw.entry is not None
    assert not before.claimable
    fair.draw()
    fair.at(fair.offer.window()[0])
    for one in crowd:
        assert standing(one).claimable is (fair.outcome(one) is Outcome.WON)
    assert not standing(stranger).claimable and not standing(None).claimable
    plain = fair.world.offer()
    shown = vouchers.board(fair.core, actor=stranger)
    assert next(one for one in shown if one.offer.id == plain.id).claimable
