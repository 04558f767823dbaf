"""Whatever happens to applications in whatever order: places and money add up after every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tests.conftest import NOON
from tests.make import JIANGCHENG, World
from tests.services.car_applicants import filled_at_once, new_car
from tests.services.car_pools import plan, published
from voucher_service.allocation import degraded
from voucher_service.approvals import service as approvals
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage
from voucher_service.ledger.model import pool as account
from voucher_service.reports import application_invariants
from voucher_service.tradein.applications import service
from voucher_service.tradein.applications.model import (
    GRANTED,
    ApplicationId,
    ApplicationStatus,
    Bought,
)
from voucher_service.tradein.policy import Scheme
from voucher_service.tradein.qualifications import PoolFull

SCHEME = Scheme.CAR_SCRAP
PLACES, RELEASES = 3, 3
MOST = Money.of_yuan(20_000)
# What is paid for a new electric car of that price: 12 %, whole yuan, 20,000 at most.
SUBSIDIES = {100_000: 12_000, 128_800: 15_456, 150_001: 18_001, 250_000: 20_000}
_S = ApplicationStatus
HELD = (_S.SUBMITTED, _S.PRECHECKED, _S.SENT_BACK)
EVERY = application_invariants.MONEY | application_invariants.PLACES


@dataclass
class One:
    """An application as it should stand; `price` is what is typed, `decided` of the last sum."""

    actor: Actor
    name: str
    id: ApplicationId
    price: int
    status: ApplicationStatus = _S.DRAFT
    decided: Money = ZERO
    proposal: ApprovalId | None = None


class Applications(RuleBasedStateMachine):
    """One pool of three places, and whoever comes for them."""

    world: ClassVar[World]
    reviewer: ClassVar[Actor]

    @initialize()
    def begin(self) -> None:
        with self.core.transaction() as session:
            session.execute(
                text(
                    "UPDATE offer SET status = 'closed'"
                    " WHERE id IN (SELECT offer_id FROM application_pool)"
                )
            )
        (self.pool,) = published(self.world, plan(release_quota=PLACES))
        self.every: list[One] = []

    @property
    def core(self) -> Core:
        return self.world.core

    def car(self, name: str, yuan: int) -> Bought:
        """A car of that price."""
        tax = Money(yuan * 100 * 13 // 113)
        return replace(new_car(name), price=Money.of_yuan(yuan), tax=tax)

    @rule(yuan=st.sampled_from(sorted(SUBSIDIES)))
    def fill_in(self, yuan: int) -> None:
        who = filled_at_once(self.core, self.world.resident(), new=self.car("", yuan))
        self.every.append(One(who.actor, who.name, who.application, yuan))

    @rule(which=st.integers(0, 20))
    def hand_in(self, which: int) -> None:
        one = self._one(which, _S.DRAFT, _S.SENT_BACK)
        if one is None:
            return
        fresh = one.status is _S.DRAFT
        full = fresh and self._places() >= PLACES
        try:
            service.submit(self.core, actor=one.actor, application=one.id)
        except PoolFull:
            assert full
            return
        assert not full
        one.status, one.decided = _S.SUBMITTED, Money.of_yuan(SUBSIDIES[one.price])

    @rule(which=st.integers(0, 20), yuan=st.sampled_from(sorted(SUBSIDIES)))
    def send_back_and_correct(self, which: int, yuan: int) -> None:
        def act(one: One) -> None:
            service.send_back(
                self.core,
                actor=self.reviewer,
                application=one.id,
                corrections={"new_car": "价税合计"},
                reason="请改",
            )
            car = self.car(one.name, yuan)
            service.save_new_car(self.core, actor=one.actor, application=one.id, car=car)
            one.price = yuan

        self._act(which, act, {_S.SUBMITTED: _S.SENT_BACK})

    @rule(which=st.integers(0, 20))
    def reject(self, which: int) -> None:
        def act(one: One) -> None:
            service.reject(self.core, actor=self.reviewer, application=one.id, reason="不补")

        self._act(which, act, {_S.SUBMITTED: _S.REJECTED})

    @rule(which=st.integers(0, 20))
    def withdraw(self, which: int) -> None:
        def act(one: One) -> None:
            service.withdraw(self.core, actor=one.actor, application=one.id)

        self._act(which, act, dict.fromkeys((_S.DRAFT, *HELD), _S.WITHDRAWN))

    @rule(which=st.integers(0, 20))
    def precheck(self, which: int) -> None:
        def act(one: One) -> None:
            one.proposal = service.precheck(self.core, actor=self.reviewer, application=one.id)

        self._act(which, act, {_S.SUBMITTED: _S.PRECHECKED})

    @rule(which=st.integers(0, 20), agrees=st.booleans())
    def decide(self, which: int, agrees: bool) -> None:
        def act(one: One) -> None:
            assert one.proposal is not None
            if agrees:
                self.world.approve(one.proposal)
            else:
                approvals.reject(
                    self.core, actor=self.world.approver, approval=one.proposal, reason="看不清"
                )

        self._act(which, act, {_S.PRECHECKED: _S.APPROVED if agrees else _S.SUBMITTED})

    @rule(which=st.integers(0, 20), refused=st.booleans())
    def bank(self, which: int, refused: bool) -> None:
        def act(one: One) -> None:
            with self.core.transaction() as session:
                if refused:
                    service.payout_refused(session, application=one.id, reason="户名不符")
                else:
                    service.paid(session, application=one.id, at=NOON)

        to = _S.PAYOUT_REFUSED if refused else _S.PAID
        self._act(which, act, {_S.APPROVED: to})

    @rule()
    def time_passes(self) -> None:
        """Every correction is over due."""
        late = with_clock(self.core, Clock(NOON + timedelta(days=11)))
        while service.lapse_due(late):
            pass
        for one in self.every:
            if one.status is _S.SENT_BACK:
                one.status = _S.LAPSED

    @invariant()
    def places_and_money_add_up(self) -> None:
        if not hasattr(self, "pool"):
            return
        offer = self.pool.offer.id
        stages = [
            account(offer, one) for one in (Stage.RESERVED, Stage.OUTSTANDING, Stage.COMMITTED)
        ]
        with self.core.transaction() as session:
            found = ledger.balances(session, stages)
            broken = [name for name, query in EVERY.items() if session.execute(text(query)).first()]
            held = session.execute(
                text("SELECT count(*) FROM application_place WHERE offer_id = :id AND holds_slot"),
                {"id": offer},
            ).scalar_one()
        assert broken == []
        out, granted = self._sum(HELD), self._sum(GRANTED)
        assert tuple(found.values()) == (MOST * PLACES * RELEASES - out - granted, out, granted)
        assert held == self._places()

    def _one(self, which: int, *statuses: ApplicationStatus) -> One | None:
        fitting = [one for one in self.every if one.status in statuses]
        return fitting[which % len(fitting)] if fitting else None

    def _act(
        self,
        which: int,
        act: Callable[[One], None],
        moves: dict[ApplicationStatus, ApplicationStatus],
    ) -> None:
        """Do it to one that stands so, if there is one."""
        one = self._one(which, *moves)
        if one is not None:
            act(one)
            one.status = moves[one.status]

    def _places(self) -> int:
        return sum(one.status in (*HELD, *GRANTED) for one in self.every)

    def _sum(self, statuses: tuple[ApplicationStatus, ...]) -> Money:
        return Money.total(one.decided for one in self.every if one.status in statuses)


def test_places_and_money_add_up_in_any_order(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(degraded, "_AGAIN_SECONDS", 0.0)
    Applications.world = World(with_clock(core, Clock(NOON)))
    Applications.reviewer = Applications.world.staff(Role.REVIEWER, area=JIANGCHENG)
    run_state_machine_as_test(
        Applications,
        settings=settings(
            max_examples=6,
            stateful_step_count=18,
            suppress_health_check=list(HealthCheck),
        ),
    )
