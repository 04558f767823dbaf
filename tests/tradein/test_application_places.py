"""Handing an application in takes a place of a pool, and the money behind it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Engine, text

from tests.conftest import NOON
from tests.make import CITY, JIANGCHENG, World
from tests.services.car_applicants import (
    Owner,
    filled,
    filled_at_once,
    new_car,
    submitted,
)
from tests.services.car_pools import plan, published
from voucher_service.allocation import degraded
from voucher_service.allocation.model import NotOpenYet
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Offer, PlanInvalid
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import SHANGHAI, Clock
from voucher_service.kernel.errors import TryAgain
from voucher_service.kernel.money import ZERO, Bps, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account
from voucher_service.reports import application_invariants, verification
from voucher_service.tradein import service as tradein
from voucher_service.tradein import shelf
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.model import Application, ApplicationStatus
from voucher_service.tradein.applications.pools import ApplicationPool
from voucher_service.tradein.applications.refusals import PoolShort
from voucher_service.tradein.applications.service import judging
from voucher_service.tradein.policy import Category, Scheme, Share
from voucher_service.tradein.qualifications import Every, NoPool, PoolFull, PoolPlan

USUAL = Money(1_545_600)  # 12 % of 128,800 yuan
MOST = Money.of_yuan(20_000)
STAGES = Stage.RESERVED, Stage.OUTSTANDING, Stage.COMMITTED


@dataclass
class Town:
    """A city in September 2026 with one pool at a time."""

    world: World
    reviewer: Actor

    @property
    def core(self) -> Core:
        return self.world.core

    def pool(self, **given: Any) -> ApplicationPool:
        """A published pool for scrapped cars; a month's release is open, two more are to come."""
        (made,) = published(self.world, plan(**given))
        return made

    def money(self, pool: ApplicationPool) -> tuple[Money, ...]:
        """What of a pool is reserved, outstanding and committed."""
        accounts = [account(pool.offer.id, stage) for stage in STAGES]
        with self.core.transaction() as session:
            found = ledger.balances(session, accounts)
        return tuple(found[one] for one in accounts)

    def comer(self, yuan: int = 128_800) -> Owner:
        """A resident who filled everything in, for a car of that price."""
        car = replace(
            new_car(""), price=Money.of_yuan(yuan), tax=Money(round(yuan * 100 * 13 / 113))
        )
        return filled_at_once(self.core, self.world.resident(), new=car)

    def hand_in(self, who: Owner) -> Application:
        return service.submit(self.core, actor=who.actor, application=who.application).value

    def send_back(self, who: Owner) -> None:
        service.send_back(
            self.core,
            actor=self.reviewer,
            application=who.application,
            corrections={"new_car": "价税合计和发票不一样"},
            reason="请改",
        )

    def price(self, who: Owner, yuan: int) -> None:
        """The applicant corrects the price."""
        car = replace(
            new_car(who.name), price=Money.of_yuan(yuan), tax=Money(round(yuan * 100 * 13 / 113))
        )
        service.save_new_car(self.core, actor=who.actor, application=who.application, car=car)

    def broken(self) -> list[str]:
        """The invariants of the books that don't hold."""
        return [one.invariant for one in verification.verify(self.core).breaches]


@pytest.fixture(scope="module")
def city(core: Core) -> Town:
    """Its planner, approvers and reviewer."""
    world = World(with_clock(core, Clock(NOON)))
    return Town(world, world.staff(Role.REVIEWER, area=JIANGCHENG))


@pytest.fixture
def town(city: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """No pool of another test is in the way; a free place is found at once, not within a second."""
    monkeypatch.setattr(degraded, "_AGAIN_SECONDS", 0.0)
    with city.core.transaction() as session:
        session.execute(
            text(
                "UPDATE offer SET status = 'closed'"
                " WHERE id IN (SELECT offer_id FROM application_pool)"
            )
        )
    return city


def test_handing_in_sets_the_sum_aside_and_the_approval_commits_it(town: Town) -> None:
    pool = town.pool(release_quota=2)
    whole = MOST * 6
    assert town.money(pool) == (whole, ZERO, ZERO)
    who = town.comer()
    assert town.hand_in(who).subsidy == USUAL
    assert town.money(pool) == (whole - USUAL, USUAL, ZERO)
    proposal = service.precheck(town.core, actor=town.reviewer, application=who.application)
    town.world.approve(proposal)
    assert town.money(pool) == (whole - USUAL, ZERO, USUAL)
    with town.core.transaction() as session:
        folded = budgets.fold(
            session, campaign=pool.offer.campaign_id, offer=pool.offer.id, now=NOON
        )
    assert folded == USUAL
    assert town.broken() == []


@pytest.mark.parametrize("how", ["refused", "taken back"])
def test_a_refusal_and_a_withdrawal_give_place_and_money_back(town: Town, how: str) -> None:
    pool = town.pool(release_quota=1)
    who, next_ = town.comer(), town.comer()
    town.hand_in(who)
    with pytest.raises(PoolFull) as full:
        town.hand_in(next_)
    assert full.value.params["next_at"] == datetime(2026, 10, 1, tzinfo=SHANGHAI)
    mine = service.get(town.core, actor=next_.actor, application=next_.application)
    assert (mine.status, mine.missing) == (ApplicationStatus.DRAFT, ())
    if how == "refused":
        service.reject(town.core, actor=town.reviewer, application=who.application, reason="不补")
    else:
        service.withdraw(town.core, actor=who.actor, application=who.application)
    assert town.money(pool)[1] == ZERO
    town.hand_in(next_)
    assert town.broken() == []


def test_twenty_hand_in_at_once_for_five_places(town: Town) -> None:
    pool = town.pool(release_quota=5)
    people = [town.comer() for _ in range(20)]

    def tried(who: Owner) -> bool:
        while True:
            try:
                town.hand_in(who)
            except PoolFull:
                return False
            except TryAgain:  # there are fewer connections than people
                continue
            return True

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(tried, people)) == 5
    assert town.money(pool)[1] == USUAL * 5
    assert town.broken() == []


def test_a_correction_keeps_the_place_and_moves_the_difference(town: Town) -> None:
    pool = town.pool(release_quota=1)
    who, other = town.comer(), town.comer()
    town.hand_in(who)
    town.send_back(who)
    with pytest.raises(PoolFull):
        town.hand_in(other)
    for yuan, subsidy in ((200_000, MOST), (100_000, Money.of_yuan(12_000))):
        town.price(who, yuan)
        assert town.money(pool)[1] != subsidy  # nothing moves before it is handed in
        town.hand_in(who)
        assert town.money(pool) == (MOST * 3 - subsidy, subsidy, ZERO)
        town.send_back(who)
    assert town.broken() == []


def test_a_sum_decided_anew_that_the_pool_can_not_bear_is_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = town.pool(release_quota=1, every=Every.MONTH)
    people = [town.comer() for _ in range(2)]
    town.hand_in(people[0])
    twelve = Share(Bps(1_200), MOST * 4)
    raised = tuple(
        replace(one, rules=tuple(replace(rule, amount=twelve) for rule in one.rules))
        for one in shelf.shelf()
        if one.id == "car_scrap-2026"
    )
    monkeypatch.setattr(judging, "shelf", lambda: raised)
    town.price(people[1], 640_000)
    with pytest.raises(PoolFull):  # 76,800 yuan, of which the pool has 44,544 left
        town.hand_in(people[1])
    town.send_back(people[0])
    town.price(people[0], 640_000)
    with pytest.raises(PoolShort):
        town.hand_in(people[0])
    assert town.money(pool)[1] == USUAL
    assert town.broken() == []


def test_who_finds_a_pool_full_gets_a_place_of_the_one_planned_after_it(town: Town) -> None:
    first = town.pool(release_quota=1)
    people = [town.comer() for _ in range(3)]
    town.hand_in(people[0])
    second = town.pool(release_quota=1)
    town.hand_in(people[1])
    assert [town.money(one)[1] for one in (first, second)] == [USUAL, USUAL]
    with pytest.raises(PoolFull):
        town.hand_in(people[2])
    assert town.broken() == []


def test_a_pool_that_opens_later_says_when(town: Town) -> None:
    town.pool(opens=time(23), closes=time(23, 30), every=Every.DAY)
    with pytest.raises(NotOpenYet) as early:
        town.hand_in(town.comer())
    assert early.value.params["opens_at"] == datetime(2026, 9, 23, 23, tzinfo=SHANGHAI)


def test_the_money_of_a_year_pays_for_the_purchases_of_that_year() -> None:
    policy = shelf.policy("car_scrap-2025")
    offer = SimpleNamespace(issuing_area=CITY)
    pool = ApplicationPool(cast(Offer, offer), policy.scheme, policy)
    days = date(2025, 12, 31), date(2026, 1, 1)
    assert [pool.serves(Scheme.CAR_SCRAP, JIANGCHENG, one) for one in days] == [True, False]


def test_a_closed_pool_takes_nobody_and_keeps_what_is_under_review(town: Town) -> None:
    pool = town.pool(release_quota=3)
    who, late = town.comer(), town.comer()
    town.hand_in(who)
    town.world.approve(
        campaigns.close(town.core, actor=town.world.planner, campaign=pool.offer.campaign_id)
    )
    with pytest.raises(NoPool):
        town.hand_in(late)
    assert tradein.finish(town.core)
    assert town.money(pool) == (ZERO, USUAL, ZERO)
    town.send_back(who)
    town.price(who, 200_000)
    with pytest.raises(PoolShort):  # the rest has gone home
        town.hand_in(who)
    town.price(who, 100_000)
    town.hand_in(who)
    assert town.money(pool) == (USUAL - Money.of_yuan(12_000), Money.of_yuan(12_000), ZERO)
    assert town.broken() == []


def test_a_finished_pool_of_a_campaign_frees_no_money_of_its_neighbour(town: Town) -> None:
    phones = PoolPlan("手机", "digital-2026", (Category.PHONE,), Every.MONTH, 5, 60)
    (cars,) = published(town.world, plan(), beside=phones)
    with town.core.transaction() as session:
        every = campaigns.campaign_offers(session, campaign=cars.offer.campaign_id)
    (beside,) = [one for one in every if one.id != cars.offer.id]
    phone = town.world.resident()
    tradein.claim(town.core, actor=phone, category=Category.PHONE, key="one")
    town.world.approve(
        campaigns.close(town.core, actor=town.world.planner, campaign=cars.offer.campaign_id)
    )
    tradein.finish(town.core)
    assert town.money(cars)[0] == ZERO
    with town.core.transaction() as session:
        left = ledger.balance(session, account(beside.id, Stage.RESERVED))
    assert left == beside.face_value * beside.quota


def test_money_of_another_city_or_scheme_is_not_touched(town: Town) -> None:
    town.pool()
    other = filled(town.core, town.world.resident(), Scheme.CAR_REPLACE)
    with pytest.raises(NoPool):
        town.hand_in(other)
    far = filled(town.core, town.world.resident(), area="441900")
    with pytest.raises(NoPool):
        town.hand_in(far)


def test_a_pool_is_of_a_policy_for_cars_and_within_its_days(town: Town) -> None:
    with pytest.raises(PlanInvalid) as phones:
        town.pool(policy="digital-2026")
    with pytest.raises(PlanInvalid) as early:
        town.pool(policy="car_scrap-2025")
    for refused in (phones, early):
        assert set(refused.value.extra["errors"]) == {"policy"}


@pytest.mark.parametrize(
    ("broken", "change"),
    [
        ("L4", "UPDATE application SET subsidy_fen = subsidy_fen + 1 WHERE id = :id"),
        ("L7", "UPDATE application SET status = 'approved', prechecked_by = :staff WHERE id = :id"),
        ("Q3", "UPDATE application_place SET holds_slot = false WHERE id = :id"),
        ("Q3", "UPDATE application SET status = 'rejected' WHERE id = :id"),
        ("Q3", "UPDATE application SET scheme = 'car_replace' WHERE id = :id"),
    ],
)
def test_what_breaks_places_and_money_is_named(
    town: Town, owner: Engine, broken: str, change: str
) -> None:
    town.pool()
    _, found = submitted(town.core, town.world.resident())
    told = {"id": found.id, "staff": town.reviewer.id}
    used = {name: value for name, value in told.items() if f":{name}" in change}
    every = application_invariants.MONEY | application_invariants.PLACES
    with owner.connect() as connection:
        connection.execute(text(change), used)
        named = {
            name.split()[0]
            for name, query in every.items()
            if connection.execute(text(query)).first() is not None
        }
        connection.rollback()
    assert broken in named
