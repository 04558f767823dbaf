"""The rise of July 2024 over stored decisions: listed, approved once, paid to each who is owed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.conftest import fresh_database, settings_on
from tests.make import World
from tests.services.car_applicants import CARD
from tests.tradein import past
from tests.tradein.rise import owed, year
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.budgets import service as budgets
from voucher_service.budgets.refusals import BudgetShort
from voucher_service.campaigns.model import Campaign
from voucher_service.infra.core import Core, build, with_clock
from voucher_service.infra.embedded.servers import Servers
from voucher_service.jobs import revising
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import SHANGHAI, Clock
from voucher_service.kernel.errors import DomainError, NotAllowed
from voucher_service.kernel.ids import ApprovalId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.reports import verification
from voucher_service.settings import CONFIG
from voucher_service.tradein import shelf
from voucher_service.tradein.policy import Case, Energy
from voucher_service.tradein.revision import Decision
from voucher_service.tradein.revisions import service, store
from voucher_service.tradein.revisions.model import (
    Kind,
    LineState,
    NothingToPay,
    PolicyUnknown,
    Revision,
    RevisionStands,
    Status,
)

RAISED = "car_scrap-2024-07"
TODAY = datetime(2025, 3, 1, 12, tzinfo=SHANGHAI)
SPARE = Money.of_yuan(10_000_000)


@dataclass
class Past:
    """A city in March 2025, the decisions that it made in 2024, and a campaign with money left."""

    world: World
    campaign: Campaign
    decisions: dict[UUID, Decision]

    @property
    def core(self) -> Core:
        return self.world.core

    @property
    def expected(self) -> dict[UUID, int]:
        """The fen by which each decision changes, from the rules alone."""
        changes = {
            id: owed(one.case, raised=True) - one.subsidy.fen for id, one in self.decisions.items()
        }
        return {id: fen for id, fen in changes.items() if fen}

    def begin(self, policy: str = RAISED) -> Revision:
        return service.begin(
            self.core, actor=self.world.planner, policy=policy, campaign=self.campaign.id
        )

    def computed(self, policy: str = RAISED, most: int = 1_000) -> Revision:
        made = self.begin(policy)
        while service.compute(self.core, revision=made.id, most=most):
            pass
        return self.look(made)

    def look(self, made: Revision) -> Revision:
        return service.revision(self.core, actor=self.world.planner, revision=made.id)

    def listed(self, made: Revision) -> dict[UUID, int]:
        found: dict[UUID, int] = {}
        cursor = None
        while True:
            page = service.lines(
                self.core, actor=self.world.planner, revision=made.id, cursor=cursor, limit=97
            )
            found |= {one.subject_id: one.difference.fen for one in page.items}
            if page.next is None:
                return found
            cursor = page.next

    def proposed(self, made: Revision) -> ApprovalId:
        return service.propose(self.core, actor=self.world.planner, revision=made.id)

    def payable(self) -> dict[UUID, int]:
        found: dict[UUID, int] = {}
        after = None
        while True:
            with self.core.transaction() as session:
                some, after = service.payable(session, after=after, most=100)
            found |= {one.subject_id: one.amount.fen for one in some}
            if after is None:
                return found

    def broken(self) -> set[str]:
        breaches = verification.verify(self.core).breaches
        return {one.invariant for one in breaches if one.invariant.startswith(("L", "A"))}


@pytest.fixture
def url(servers: Servers) -> Iterator[str]:
    with fresh_database(servers) as made:
        yield made


@pytest.fixture
def city(servers: Servers, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    core = build(settings_on(servers, url, tmp_path_factory.mktemp("outbox") / "sms.jsonl"))
    world = World(with_clock(core, Clock(TODAY)))
    decisions = past.approve_long_ago(world, year())
    yield Past(world, past.paying_campaign(world, SPARE), decisions)
    core.close()


def test_the_rise_lists_what_changes_and_pays_it_once_whoever_computes_it(
    city: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = city.begin()
    assert service.compute(city.core, revision=killed.id, most=60)
    with monkeypatch.context() as patched:
        patched.setattr(store, "add_lines", _dying(store.add_lines))
        with pytest.raises(SystemExit):
            service.compute(city.core, revision=killed.id, most=60)
    assert city.look(killed).seen == 60
    revising.revise(city.core, {"revision": str(killed.id)}, lambda _: None)
    made = city.look(killed)

    assert made.status is Status.READY
    assert made.seen == len(city.decisions)
    assert city.listed(made) == city.expected
    assert len(city.expected) > 50
    assert (made.more.fen, made.less.fen) == (sum(city.expected.values()), 0)
    again = city.computed(most=7)
    assert city.look(made).status is Status.SUPERSEDED
    assert (again.list_sha256, again.more) != (None, ZERO)
    assert city.listed(again) == city.expected

    proposal = city.proposed(again)
    assert city.payable() == {}
    with pytest.raises(RevisionStands):
        city.begin()
    city.world.approve(proposal)

    assert city.payable() == city.expected
    with city.core.transaction() as session:
        found, _ = service.payable(session, most=1)
    assert found[0].card.number == CARD
    assert found[0].kind is Kind.APPLICATION
    standing = budgets.campaign_standing(city.core, campaign=city.campaign.id).total
    assert standing.committed == again.more
    assert standing.available == SPARE - again.more
    assert city.broken() == set()
    second = city.computed()
    assert (second.changed, second.more) == (0, ZERO)
    with pytest.raises(NothingToPay):
        city.proposed(second)


def test_a_second_rise_adds_only_what_is_missing_after_many_signed_the_first_at_once(
    city: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = city.computed()
    _sign_at_once(city, city.proposed(first))
    standing = budgets.campaign_standing(city.core, campaign=city.campaign.id).total
    assert (city.look(first).status, standing.committed) == (Status.APPROVED, first.more)
    with city.core.transaction() as session:
        (one,), _ = service.payable(session, most=1)
        assert service.paid(session, revision=first.id, subject=one.subject_id, now=TODAY)
        assert not service.paid(session, revision=first.id, subject=one.subject_id, now=TODAY)
    assert city.payable() == {id: fen for id, fen in city.expected.items() if id != one.subject_id}

    _publish(monkeypatch, "car_scrap-2025-01", {2_000_000: 2_100_000, 1_500_000: 900_000})
    second = city.computed("car_scrap-2025-01")
    after = {id: _owed_again(one.case) for id, one in city.decisions.items()}
    before = {id: one.subsidy.fen + city.expected.get(id, 0) for id, one in city.decisions.items()}
    changes = {id: after[id] - before[id] for id in before if after[id] != before[id]}
    assert city.listed(second) == changes
    assert second.more.fen == sum(fen for fen in changes.values() if fen > 0)
    assert second.less.fen == -sum(fen for fen in changes.values() if fen < 0) > 0
    city.world.approve(city.proposed(second))
    owed_now = city.payable()
    assert all(fen > 0 for fen in owed_now.values())
    assert city.broken() == set()
    states = {
        one.state
        for one in service.lines(
            city.core, actor=city.world.planner, revision=second.id, cursor=None, limit=200
        ).items
        if one.difference < ZERO
    }
    assert states == {LineState.LISTED}


def test_nothing_is_paid_of_a_list_that_moved_or_that_nobody_can_pay(
    city: Past, servers: Servers, url: str
) -> None:
    made = city.computed()
    proposal = city.proposed(made)
    subject = next(iter(city.expected))
    with city.core.transaction() as session:
        session.execute(
            text("UPDATE application SET status = 'rejected' WHERE id = :id"), {"id": subject}
        )
    with pytest.raises(ChangedSinceProposed):
        city.world.approve(proposal)
    assert city.payable() == {}
    other = city.world.staff(Role.APPROVER)
    approvals.reject(city.core, actor=other, approval=proposal, reason="有变动")
    assert city.look(made).status is Status.READY

    poor = replace(city, campaign=past.paying_campaign(city.world, Money.of_yuan(1)))
    short = poor.computed()
    assert subject not in poor.listed(short)
    with pytest.raises(BudgetShort):
        city.world.approve(poor.proposed(short))
    assert city.look(short).status is Status.PROPOSED
    assert city.broken() == set()


def test_a_revision_is_of_a_published_policy_and_a_planner_of_the_area(core: Core) -> None:
    world = World(with_clock(core, Clock(TODAY)))
    city = Past(world, past.paying_campaign(world, SPARE), {})
    with pytest.raises(PolicyUnknown):
        city.begin("car_scrap-2026")  # published in December 2025
    with pytest.raises(PolicyUnknown):
        city.begin("nothing")
    with pytest.raises(NotAllowed):
        service.begin(
            city.core,
            actor=city.world.approver,
            policy=RAISED,
            campaign=city.campaign.id,
        )
    made = city.begin()
    service.cancel(city.core, actor=city.world.planner, revision=made.id)
    assert not service.compute(city.core, revision=made.id)
    assert city.look(made).status is Status.CANCELLED


def _sign_at_once(city: Past, proposal: ApprovalId) -> None:
    """More people sign at the same moment than are asked for: as many as are asked for count."""
    found = approvals.get(city.core, actor=city.world.planner, approval=proposal)
    signers = [city.world.staff(Role.APPROVER) for _ in range(found.signatures_needed + 2)]

    def sign(signer: Actor) -> bool:
        try:
            approvals.approve(city.core, actor=signer, approval=proposal)
        except DomainError:
            return False
        return True

    with ThreadPoolExecutor(len(signers)) as pool:
        assert sum(pool.map(sign, signers)) == found.signatures_needed


def _owed_again(case: Case) -> int:
    """The fen by a later version: 21,000 yuan and 9,000 where the rise pays 20,000 and 15,000."""
    assert case.new
    fen = 2_100_000 if case.new.energy is Energy.NEV else 900_000
    return min(fen, case.price.fen) if owed(case, raised=True) else 0


def _dying(write: Callable[..., None]) -> Callable[..., None]:
    """A step that ends the process after it wrote."""

    def wrote(*given: Any) -> None:
        write(*given)
        raise SystemExit

    return wrote


def _publish(monkeypatch: pytest.MonkeyPatch, id: str, flat: dict[int, int]) -> None:
    """Put a version of the rise on the shelf that pays other flat sums, from January 2025 on."""
    raw = (CONFIG / "policies" / f"{RAISED}.toml").read_text("utf-8")
    raw = raw.replace("2024-07-24", "2025-01-02")
    for old, new in flat.items():
        raw = raw.replace(f"{old:_}", f"{new:_}")
    every = (*shelf.shelf(), shelf.parse(id, raw.encode()))
    monkeypatch.setattr(shelf, "shelf", lambda: every)
    monkeypatch.setattr("voucher_service.tradein.revisions.service.opening.shelf", lambda: every)
