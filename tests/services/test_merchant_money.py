"""A merchant's settlement account changes with two people and a wait; payments can be held."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.make import JIANGCHENG, World
from tests.services.applicants import CORPORATE, MOBILE, OPERATOR, Applicant, admitted
from tests.services.test_onboarding import told
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed, OwnWork, SamePerson
from voucher_service.campaigns import service as campaigns
from voucher_service.infra.core import with_clock
from voucher_service.kernel.actor import SYSTEM, Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import MerchantId
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.merchants import service as merchants
from voucher_service.merchants.accounts import (
    AccountChangeWaiting,
    AccountId,
    AccountKind,
    AccountNameDiffers,
    AccountNumberInvalid,
    AccountStatus,
    AlreadyHeld,
    CnapsInvalid,
)
from voucher_service.merchants.service import banking, holding
from voucher_service.stops import service as stops
from voucher_service.stops.model import Scope, What

OTHER = "6222021405600099"


@pytest.fixture(scope="module")
def reviewer(world: World) -> Actor:
    return world.staff(Role.REVIEWER)


def change(world: World, who: Applicant, number: str = OTHER) -> AccountId:
    """Another account, asked for by the manager."""
    return banking.request_change(
        world.core,
        actor=who.manager,
        kind=AccountKind.CORPORATE,
        name=who.name,
        number=number,
        bank="工商银行阳江分行",
        cnaps="102599000018",
    )


def number_at(world: World, merchant: MerchantId, hours: int) -> str:
    """The number that a payment so many hours from now would go to."""
    at = world.now() + timedelta(hours=hours)
    with world.core.transaction() as session:
        found = merchants.accounts_at(session, merchants=[merchant], at=at, clear=True)
    return found[merchant].account.number


def held(world: World, merchant: MerchantId) -> bool:
    with world.core.transaction() as session:
        return merchants.payment_held(session, merchant=merchant)


def test_a_new_account_counts_two_days_after_a_second_person_approved(
    world: World, reviewer: Actor
) -> None:
    who, merchant = admitted(world)
    account = change(world, who)
    assert number_at(world, merchant, 100) == CORPORATE
    proposal = banking.propose_change(
        world.core, actor=reviewer, account=account, note="林老板接的，下午三点"
    )
    world.approve(proposal)
    assert number_at(world, merchant, 47) == CORPORATE
    assert number_at(world, merchant, 49) == OTHER
    assert [one.status for one in banking.own_accounts(world.core, actor=who.manager)] == [
        AccountStatus.APPROVED,
        AccountStatus.APPROVED,
    ]


def test_the_old_contact_is_told_and_can_have_it_stopped_while_it_cools(
    world: World, reviewer: Actor
) -> None:
    who, merchant = admitted(world)
    account = change(world, who)
    world.approve(banking.propose_change(world.core, actor=reviewer, account=account, note="核实"))
    banking.stop_change(world.core, actor=reviewer, account=account, note="本人来电")
    assert number_at(world, merchant, 1000) == CORPORATE
    mine = [one for one in told(world.core) if who.name in one["text"]]
    codes = [one["code"] for one in mine]
    assert codes[-3:] == ["account_requested", "account_approved", "account_stopped"]
    assert "12345" in mine[-2]["text"]
    assert {one["mobile"] for one in mine} == {MOBILE}
    assert not any(OTHER in one["text"] for one in mine)


def test_what_counts_is_stopped_no_more(world: World, reviewer: Actor) -> None:
    who, _ = admitted(world)
    account = change(world, who)
    world.approve(banking.propose_change(world.core, actor=reviewer, account=account, note="核实"))
    later = with_clock(world.core, Clock(world.now() + timedelta(hours=48)))
    with pytest.raises(IllegalTransition):
        banking.stop_change(later, actor=reviewer, account=account)


def test_who_called_back_cant_approve_and_one_change_runs_at_a_time(world: World) -> None:
    both = world.staff(Role.REVIEWER, Role.APPROVER)
    who, _ = admitted(world)
    account = change(world, who)
    with pytest.raises(AccountChangeWaiting):
        change(world, who, CORPORATE)
    proposal = banking.propose_change(world.core, actor=both, account=account, note="核实")
    with pytest.raises(SamePerson):
        approvals.approve(world.core, actor=both, approval=proposal)


def test_a_change_that_its_manager_called_off_is_not_approved(
    world: World, reviewer: Actor
) -> None:
    who, merchant = admitted(world)
    account = change(world, who)
    proposal = banking.propose_change(world.core, actor=reviewer, account=account, note="核实")
    banking.stop_change(world.core, actor=who.manager, account=account)
    with pytest.raises(ChangedSinceProposed):
        approvals.approve(world.core, actor=world.approver, approval=proposal)
    approvals.reject(world.core, actor=world.approver, approval=proposal, reason="已叫停")
    assert number_at(world, merchant, 1000) == CORPORATE


def test_a_change_that_was_sent_back_is_refused_or_asked_again(
    world: World, reviewer: Actor
) -> None:
    who, merchant = admitted(world)
    account = change(world, who)
    proposal = banking.propose_change(world.core, actor=reviewer, account=account, note="核实")
    approvals.reject(world.core, actor=world.approver, approval=proposal, reason="再打一次")
    banking.refuse_change(world.core, actor=reviewer, account=account, note="打不通")
    assert banking.own_accounts(world.core, actor=who.manager)[0].status is AccountStatus.REFUSED
    assert number_at(world, merchant, 1000) == CORPORATE
    change(world, who)


def test_only_a_manager_of_the_merchant_changes_its_account(world: World, reviewer: Actor) -> None:
    who, _ = admitted(world)
    stranger, _ = admitted(world)
    account = change(world, who)
    with pytest.raises(NoSuchThing):
        banking.stop_change(world.core, actor=stranger.manager, account=account)
    for caller in (world.cashier(), reviewer):
        with pytest.raises(NotAllowed):
            banking.own_accounts(world.core, actor=caller)
    with pytest.raises(NotAllowed):
        banking.propose_change(
            world.core,
            actor=world.staff(Role.REVIEWER, area=JIANGCHENG),
            account=account,
            note="县里不能报",
        )


def test_a_mistyped_or_foreign_account_is_refused(world: World) -> None:
    who, _ = admitted(world)
    told = {"name": who.name, "bank": "工商银行"}
    ask = {"core": world.core, "actor": who.manager}
    with pytest.raises(AccountNumberInvalid):
        banking.request_change(**ask, kind=AccountKind.CORPORATE, number="1234567", **told)
    with pytest.raises(AccountNumberInvalid):
        banking.request_change(
            **ask, kind=AccountKind.PERSONAL, number="6228480000000000001", **told
        )
    with pytest.raises(CnapsInvalid):
        banking.request_change(
            **ask, kind=AccountKind.CORPORATE, number=OTHER, cnaps="1025", **told
        )
    with pytest.raises(AccountNameDiffers):
        banking.request_change(
            **ask, kind=AccountKind.CORPORATE, number=OTHER, **told | {"name": OPERATOR}
        )


def test_a_merchant_entered_by_staff_has_no_account_yet(world: World) -> None:
    with world.core.transaction() as session:
        merchant = merchants.till(session, cashier=world.cashier().id).merchant_id  # type: ignore[arg-type]
        assert not merchants.accounts_at(session, merchants=[merchant], at=world.now())


def test_a_suspension_holds_payments_until_a_second_person_lifts_it(
    world: World, reviewer: Actor
) -> None:
    who, merchant = admitted(world)
    assert not held(world, merchant)
    (stop,) = campaigns.stop(
        world.core,
        actor=reviewer,
        scope=Scope.MERCHANT,
        subject=merchant,
        what=[What.REDEMPTIONS],
        reason="疑似套现",
    )
    assert held(world, merchant)
    proposal = campaigns.ask_to_lift(world.core, actor=reviewer, stop=stop.id)
    assert held(world, merchant)
    world.approve(proposal)
    assert not held(world, merchant)
    with world.core.transaction() as session:
        assert stops.about(session, subjects=[merchant]) == []
        (past,) = holding.holds_of(session, merchant=merchant)
    assert past.suspension
    assert (past.reason, past.placed_by) == ("疑似套现", reviewer.id)
    assert past.until is not None
    texts = [one["code"] for one in told(world.core) if who.name in one["text"]]
    assert texts[-2:] == ["merchant_suspended", "merchant_reinstated"]


def test_a_hold_stands_alone_and_outlasts_a_suspension(world: World, reviewer: Actor) -> None:
    finance = world.staff(Role.FINANCE)
    who, merchant = admitted(world)
    holding.hold_payments(world.core, actor=finance, merchant=merchant, reason="发票不符")
    assert merchants.desk(world.core, actor=who.manager).till.merchant_active
    with pytest.raises(AlreadyHeld):
        holding.hold_payments(world.core, actor=reviewer, merchant=merchant, reason="再停")
    merchants.suspend_merchant(world.core, actor=SYSTEM, merchant=merchant, reason="核查")
    merchants.reinstate_merchant(world.core, actor=SYSTEM, merchant=merchant, reason="查清")
    assert held(world, merchant)
    with world.core.transaction() as session:
        suspended, alone = holding.holds_of(session, merchant=merchant)
    with pytest.raises(IllegalTransition):
        holding.ask_to_lift(world.core, actor=reviewer, hold=suspended.id)
    proposal = holding.ask_to_lift(world.core, actor=reviewer, hold=alone.id)
    world.approve(proposal)
    assert not held(world, merchant)


def test_who_holds_payments_cant_sign_that_they_go_on(world: World) -> None:
    both = world.staff(Role.REVIEWER, Role.APPROVER)
    _, merchant = admitted(world)
    holding.hold_payments(world.core, actor=both, merchant=merchant, reason="核查")
    with world.core.transaction() as session:
        (hold,) = holding.holds_of(session, merchant=merchant)
    finance = world.staff(Role.FINANCE)
    proposal = holding.ask_to_lift(world.core, actor=finance, hold=hold.id)
    with pytest.raises(OwnWork):
        approvals.approve(world.core, actor=both, approval=proposal)
    with pytest.raises(NotAllowed):
        holding.hold_payments(world.core, actor=world.planner, merchant=merchant, reason="不归我")
