"""Qualifications from their pool: who gets one, how they end, and who is next in line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.tradein.town import MONDAY, PHONE, TABLET, Town
from voucher_service.allocation.model import NotOpenYet, SoldOut
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import PlanInvalid
from voucher_service.identity.model import IdentityRequired
from voucher_service.infra.idempotency import KeyReused
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import SHANGHAI
from voucher_service.kernel.errors import DomainError, NoSuchThing
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.kernel.money import Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account
from voucher_service.reports import verification
from voucher_service.tradein import service as tradein
from voucher_service.tradein import shelf
from voucher_service.tradein.policy import Category
from voucher_service.tradein.qualifications import (
    Every,
    NoPool,
    PoolFull,
    PoolPlan,
    Qualification,
    QualificationLimit,
    QualificationOver,
    ReclaimsUsed,
    Status,
    releases,
)
from voucher_service.vouchers import service as vouchers


def _days(count: int) -> timedelta:
    return timedelta(days=count)


def test_a_resident_claims_one_of_a_category_for_three_days_the_claim_day_included(
    town: Town,
) -> None:
    town.pool()
    taken = town.claim()
    assert taken.status is Status.CLAIMED
    assert taken.valid_until == datetime(2026, 3, 5, tzinfo=SHANGHAI)


def test_one_claimed_at_the_end_of_the_programme_ends_with_it(town: Town) -> None:
    town.pool()
    taken = town.at(_days(29)).claim()
    assert taken.valid_until == datetime(2026, 4, 1, tzinfo=SHANGHAI)


def test_the_same_key_gives_the_same_one_and_none_of_another_category(town: Town) -> None:
    town.pool()
    who = town.world.resident()
    first = tradein.claim(town.core, actor=who, category=PHONE, key="k")
    again = tradein.claim(town.core, actor=who, category=PHONE, key="k")
    assert (again.value.id, again.replayed) == (first.value.id, True)
    with pytest.raises(KeyReused):
        tradein.claim(town.core, actor=who, category=TABLET, key="k")


def test_a_second_of_the_category_is_refused_and_the_first_is_named(town: Town) -> None:
    town.pool()
    who = town.world.resident()
    first = town.claim(who)
    with pytest.raises(QualificationLimit) as refusal:
        town.claim(who)
    assert refusal.value.extra == {"qualification_ids": [str(first.id)]}
    assert town.claim(who, TABLET).category is TABLET


def test_the_year_s_unit_counts_in_another_pool_too(town: Town) -> None:
    who = town.world.resident()
    town.pool(categories=(PHONE,), release_quota=1)
    town.claim(who)
    town.pool(categories=(PHONE,))
    with pytest.raises(QualificationLimit):
        town.claim(who)


def test_who_has_no_verified_name_is_asked_for_it(town: Town) -> None:
    town.pool()
    with pytest.raises(IdentityRequired):
        town.claim(Actor(ActorKind.RESIDENT, ResidentId(new_id())))


def test_claims_before_the_hour_are_told_when_it_opens_and_a_category_without_pool_that(
    town: Town,
) -> None:
    town.pool()
    with pytest.raises(NotOpenYet) as refusal:
        town.at(timedelta(hours=-3)).claim()
    assert refusal.value.params["opens_at"] == MONDAY.replace(hour=10)
    with pytest.raises(NoPool):
        town.claim(category=Category.TELEVISION)


def test_a_day_s_quota_is_the_day_s_and_what_it_left_over_flows_on(town: Town) -> None:
    town.pool(release_quota=2, overbook_bps=0)
    for _ in range(4):  # yesterday's two were not claimed
        town.claim()
    with pytest.raises(SoldOut) as refusal:
        town.claim()
    assert refusal.value.params["next_at"] == (MONDAY + _days(1)).replace(hour=10)
    assert town.at(_days(1)).claim()


def test_thirty_at_once_get_what_there_is_and_no_slot_twice(town: Town) -> None:
    town.pool(release_quota=4)
    people = town.world.residents(30)

    def claims(who: Actor) -> str:
        try:
            return str(town.claim(who).id)
        except DomainError as refusal:
            return refusal.code

    with ThreadPoolExecutor(6) as crowd:
        told = list(crowd.map(claims, people))
    assert told.count("sold_out") == 22
    assert len(set(told)) == 9


def test_given_up_it_is_somebody_else_s_and_can_be_claimed_once_more(town: Town) -> None:
    pool = town.pool(release_quota=1, reclaims=1)
    who = town.world.resident()
    first = town.claim(who)
    town.claim()
    with pytest.raises(SoldOut):
        town.claim()
    ended = tradein.give_up(town.core, actor=who, qualification=first.id)
    town.later(pool)
    assert ended.status is Status.GIVEN_UP
    assert tradein.give_up(town.core, actor=who, qualification=first.id) == ended
    second = town.claim(who)
    tradein.give_up(town.core, actor=who, qualification=second.id)
    town.later(pool)
    with pytest.raises(ReclaimsUsed) as refusal:
        town.claim(who)
    assert refusal.value.params["limit"] == pool.attempts(PHONE) == 2
    with pytest.raises(NoSuchThing):
        tradein.give_up(town.core, actor=town.world.resident(), qualification=second.id)


def test_unused_it_lapses_after_its_last_day_and_the_slot_is_free(town: Town) -> None:
    town.pool()
    who = town.world.resident()
    taken = town.claim(who)
    later = town.at(_days(3))
    with pytest.raises(QualificationOver):
        tradein.give_up(later.core, actor=who, qualification=taken.id)
    assert tradein.lapse_due(later.core)
    found = tradein.get(later.core, actor=who, qualification=taken.id)
    assert found.status is Status.LAPSED
    assert later.claim(who)


def test_what_a_replay_claimed_is_left_to_the_replays_clock(town: Town) -> None:
    pool = town.pool()
    who = town.world.resident()
    taken = town.claim(who)
    with town.core.transaction() as session:
        session.execute(
            text("UPDATE programme SET synthetic = true WHERE id = :id"),
            {"id": pool.offer.programme_id},
        )
    later = town.at(_days(400))
    while tradein.lapse_due(later.core):
        pass
    assert tradein.get(later.core, actor=who, qualification=taken.id).status is Status.CLAIMED


def test_it_is_remembered_the_day_before_its_last_and_once(town: Town) -> None:
    town.pool()
    taken = town.claim()
    assert not _told(town, taken)
    tomorrow = town.at(_days(1))
    tradein.remind_due(town.at(_days(1) - timedelta(hours=5)).core)
    assert not _told(town, taken), "nobody is woken up"
    assert tradein.remind_due(tomorrow.core)
    assert _told(town, taken) == ["qualification_ends"]
    assert not tradein.remind_due(tomorrow.core)


def _told(town: Town, of: Qualification) -> list[str]:
    with town.core.transaction() as session:
        found = session.scalars(
            text("SELECT kind FROM notice WHERE resident_id = :id"), {"id": of.resident_id}
        )
        return list(found)


def test_a_pool_is_full_before_its_money_could_be_short(town: Town) -> None:
    """Nothing is known of what lapses: each may cost 500 yuan, though 250 are set aside."""
    pool = town.pool(release_quota=1, overbook_bps=10_000)
    assert pool.offer.face_value == Money.of_yuan(250)
    assert pool.offer.quota == 31
    month = town.at(_days(29))
    for _ in range(15):
        month.claim()
    with pytest.raises(PoolFull):
        month.claim()


def test_the_line_moves_when_one_gives_up_and_nobody_overtakes(town: Town) -> None:
    town.pool(release_quota=1, overbook_bps=10_000)
    month = town.at(_days(29))
    held = [month.claim() for _ in range(15)]
    first, second = month.world.residents(2)
    assert tradein.wait(month.core, actor=first, category=PHONE).place == 1
    assert tradein.wait(month.core, actor=second, category=PHONE).place == 2
    assert tradein.wait(month.core, actor=first, category=PHONE).place == 1
    assert tradein.promote_due(month.core) == 0
    owner = Actor(ActorKind.RESIDENT, held[0].resident_id)
    tradein.give_up(month.core, actor=owner, qualification=held[0].id)
    with pytest.raises(PoolFull):
        month.claim()
    assert tradein.promote_due(month.core) == 1
    (mine,) = tradein.mine(month.core, actor=first, cursor=None, limit=10).items
    assert _told(month, mine) == ["qualification_given"]
    assert [one.place for one in tradein.waiting(month.core, actor=second)] == [1]
    tradein.leave(month.core, actor=second, category=PHONE)
    assert not tradein.waiting(month.core, actor=second)


def test_lapses_that_cost_nothing_open_places_beyond_the_money_at_most_each(town: Town) -> None:
    pool = town.pool(release_quota=4, overbook_bps=10_000)  # 124 slots, money for 62 at 500 yuan
    first = town.at(_days(1))
    people = first.world.residents(8)
    for who in people:
        first.claim(who)
    later = town.at(_days(16))
    tradein.lapse_due(later.core)
    later.later(pool)
    assert len([later.claim() for _ in range(63)]) == 63


def test_claims_move_no_money_and_the_books_stay_clean(town: Town) -> None:
    pool = town.pool(overbook_bps=10_000)
    town.claim()
    reserved = account(pool.offer.id, Stage.RESERVED)
    with town.core.transaction() as session:
        assert ledger.balances(session, [reserved])[reserved] == Money.of_yuan(250) * 310
    assert not verification.verify(town.core).breaches


def test_a_closed_campaign_s_money_goes_home_once_nobody_can_use_it(town: Town) -> None:
    pool = town.pool(categories=(PHONE,))
    taken = town.claim()
    proposal = campaigns.close(town.core, actor=town.world.planner, campaign=pool.offer.campaign_id)
    town.world.approve(proposal)
    reserved = account(pool.offer.id, Stage.RESERVED)
    tradein.finish(town.core)
    with town.core.transaction() as session:
        assert ledger.balances(session, [reserved])[reserved]
    owner = Actor(ActorKind.RESIDENT, taken.resident_id)
    tradein.give_up(town.core, actor=owner, qualification=taken.id)
    assert tradein.finish(town.core)
    with town.core.transaction() as session:
        assert not ledger.balances(session, [reserved])[reserved]


def test_a_pool_is_no_offer_of_vouchers(town: Town) -> None:
    pool = town.pool()
    assert pool.offer.id not in {one.id for one in campaigns.open_offers(town.core)}
    with pytest.raises(NoSuchThing):
        campaigns.offer_named(town.core, name=pool.offer.slug)
    with pytest.raises(NoSuchThing):
        vouchers.claim(town.core, actor=town.world.resident(), offer=pool.offer.id, key="k")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"policy": "car_scrap-2026"}, "policy"),
        ({"policy": "digital-2025"}, "policy"),
        ({"categories": (Category.TELEVISION,)}, "categories"),
        ({"categories": ()}, "categories"),
        ({"overbook_bps": -1}, "overbook_bps"),
        ({"reclaims": 11}, "reclaims"),
        ({"opens": time(23), "closes": time(10)}, "closes"),
        ({"valid_days": 0}, "valid_days"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused_by_name(
    town: Town, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(PlanInvalid) as refusal:
        town.pool(**wrong)
    assert field in refusal.value.extra["errors"]


def test_releases_come_by_day_by_week_and_by_month(town: Town) -> None:
    programme = town.world.programme(opens_on=date(2026, 3, 1), days=60)
    campaign = town.world.draft(programme=programme)
    plan = PoolPlan("", "digital-2026", (PHONE,), Every.DAY, 5, 3)
    assert len(releases(plan, campaign)) == 61
    weeks = releases(replace(plan, every=Every.WEEK), campaign)
    assert [one.opens_at.day for one in weeks[:3]] == [1, 8, 15]
    months = releases(replace(plan, every=Every.MONTH), campaign)
    assert [(one.opens_at.month, one.opens_at.day) for one in months] == [(3, 1), (4, 1)]


def test_every_policy_of_the_till_can_be_a_pool_s() -> None:
    """What a qualification may cost is a share with a cap, so that it can be set aside."""
    for policy in shelf.shelf():
        if policy.scheme in ("appliance", "digital"):
            assert all(hasattr(rule.amount, "cap") for rule in policy.rules)
