"""The books: balanced, append only, shared exactly, and checked by name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.make import World
from voucher_service.approvals import service as approvals
from voucher_service.budgets import model as budget_model
from voucher_service.budgets import service as budgets
from voucher_service.budgets.model import BudgetLine, BudgetShort, Level, Room, SharesNotWhole
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import CampaignIncomplete, CampaignNotDraft
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import new_id
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Code, Stage, line, move, pool
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reports import verification
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.model import Status

CITY_SHARE, COUNTY_SHARE = 6_667, 3_333


def published(world: World, **plan: int):
    """An offer that a city and a county pay for."""
    draft = world.draft()
    offer = campaigns.create_offer(
        world.core, actor=world.planner, campaign=draft.id, plan=world.plan(**plan)
    ).value
    cost = offer.face_value * offer.quota
    city, county = cost.split([CITY_SHARE, COUNTY_SHARE])
    world.line(draft.id, city, funder="city", share_bps=CITY_SHARE)
    world.line(draft.id, county, funder="county", share_bps=COUNTY_SHARE)
    world.publish(draft.id)
    return world.reload(offer.id)


def test_an_unbalanced_transfer_is_refused_by_the_database(world: World, core: Core) -> None:
    offer = world.offer()
    with pytest.raises(DBAPIError, match="add up to"), core.transaction() as session:
        session.execute(
            text(
                "WITH t AS (INSERT INTO ledger.transfer (code, key, occurred_at)"
                " VALUES ('claimed', 'crooked', now()) RETURNING id)"
                " INSERT INTO ledger.entry"
                " (transfer_id, account_id, amount_fen, occurred_at, seal)"
                " SELECT t.id, a.id, 5, now(), '' FROM t, ledger.account a"
                " WHERE a.owner_id = :offer"
            ),
            {"offer": offer.id},
        )


def test_the_same_transfer_is_posted_once(world: World, core: Core) -> None:
    offer = world.offer()
    legs = move(Money(100), pool(offer.id, Stage.RESERVED), pool(offer.id, Stage.OUTSTANDING))
    with core.transaction() as session:
        now = core.now(session)
        assert ledger.post(session, code=Code.CLAIMED, key="once", legs=legs, now=now)
        assert not ledger.post(session, code=Code.CLAIMED, key="once", legs=legs, now=now)
        assert ledger.balance(session, pool(offer.id, Stage.OUTSTANDING)) == Money(100)
        session.rollback()


def test_balances_of_the_past_are_exact(world: World, core: Core) -> None:
    offer = world.offer()
    before = world.now()
    world.claim(offer)
    with core.transaction() as session:
        account = pool(offer.id, Stage.OUTSTANDING)
        assert ledger.balance(session, account, at=before) == ZERO
        assert ledger.balance(session, account) == offer.face_value


def test_publishing_reserves_what_the_offer_can_cost_at_most(world: World, core: Core) -> None:
    offer = published(world, quota=7)
    with core.transaction() as session:
        found = budgets.lines(session, campaign=offer.campaign_id)
        balances = ledger.balances(
            session,
            [pool(offer.id, Stage.RESERVED), *(line(one.id, Stage.AVAILABLE) for one in found)],
        )
    assert balances[pool(offer.id, Stage.RESERVED)] == offer.face_value * 7
    assert [balances[line(one.id, Stage.AVAILABLE)] for one in found] == [ZERO, ZERO]


def test_a_fold_splits_what_was_redeemed_exactly(world: World, core: Core) -> None:
    offer, till = published(world, quota=7), world.cashier()
    for count in (1, 2):
        for _ in range(count):
            world.redeem(world.claim(offer), till)
        with core.transaction() as session:
            now = core.now(session)
            budgets.fold(session, campaign=offer.campaign_id, offer=offer.id, now=now)
    with core.transaction() as session:
        found = budgets.lines(session, campaign=offer.campaign_id)
        shares = [ledger.balance(session, line(one.id, Stage.COMMITTED)) for one in found]
    assert Money.total(shares) == offer.face_value * 3
    assert shares == list((offer.face_value * 3).split([CITY_SHARE, COUNTY_SHARE]))


def a_line(share_bps: int, *, fallback: bool = False) -> BudgetLine:
    """A line of a funder."""
    funder = budget_model.Funder(new_id(), "f", "f", Level.CITY, "")
    return BudgetLine(new_id(), new_id(), funder, Money(10**9), share_bps, "", fallback)


@given(
    total=st.integers(0, 10**9),
    city=st.integers(0, 10_000),
    rooms=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
)
@settings(max_examples=300)
def test_a_fold_adds_up_and_stays_within_every_room(
    total: int, city: int, rooms: tuple[int, int]
) -> None:
    lines = [a_line(city, fallback=True), a_line(10_000 - city)]
    limits = [Room(one, Money(limit)) for one, limit in zip(lines, rooms, strict=True)]
    if total > sum(rooms):
        with pytest.raises(ValueError, match="exceed"):
            budget_model.fold(Money(total), limits)
        return
    parts = budget_model.fold(Money(total), limits)
    assert Money.total(parts) == Money(total)
    assert all(ZERO <= part <= room.limit for part, room in zip(parts, limits, strict=True))


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=8), st.integers(0, 10_000))
@settings(max_examples=300)
def test_reservations_add_up_by_offer_and_by_line(costs: list[int], city: int) -> None:
    lines = [a_line(city), a_line(10_000 - city)]
    parts = budget_model.reserve(lines, [Money(cost) for cost in costs])
    assert [Money.total(part) for part in parts] == [Money(cost) for cost in costs]
    whole = Money(sum(costs)).split([one.share_bps for one in lines])
    assert tuple(map(Money.total, zip(*parts, strict=True))) == whole


def test_a_line_that_is_too_small_stops_the_submission(world: World) -> None:
    draft = world.draft()
    plan = world.plan(quota=100)
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=plan)
    with pytest.raises(CampaignIncomplete):
        campaigns.submit(world.core, actor=world.planner, campaign=draft.id)
    world.line(draft.id, Money(199_999))
    with pytest.raises(BudgetShort):
        campaigns.submit(world.core, actor=world.planner, campaign=draft.id)


def test_shares_make_a_whole(world: World) -> None:
    draft = world.draft()
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=world.plan())
    world.line(draft.id, Money(10**7), share_bps=9_999)
    with pytest.raises(SharesNotWhole):
        campaigns.submit(world.core, actor=world.planner, campaign=draft.id)


def test_a_submitted_plan_no_longer_changes(world: World) -> None:
    draft = world.draft()
    plan = world.plan()
    campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=plan)
    world.line(draft.id, plan.face_value * plan.quota)
    campaigns.submit(world.core, actor=world.planner, campaign=draft.id)
    with pytest.raises(CampaignNotDraft):
        campaigns.create_offer(world.core, actor=world.planner, campaign=draft.id, plan=plan)


def test_lapsed_vouchers_flow_back_and_their_money_with_them(world: World, core: Core) -> None:
    offer = world.offer(world.plan(quota=1, valid_days=1))
    first = world.claim(offer)
    later = with_clock(core, Clock(first.valid_until + timedelta(seconds=1)))
    while vouchers.expire_due(later):
        pass
    with core.transaction() as session:
        assert ledger.balance(session, pool(offer.id, Stage.RESERVED)) == offer.face_value
    vouchers.prepare_gate(core, offer=offer.id, refill=True)
    second = vouchers.claim(later, actor=world.resident(), offer=offer.id, key="k").value
    assert second.id != first.id
    again = vouchers.prepare_gate(core, offer=offer.id, refill=True)
    assert again is None
    assert _breaches(later) == set()


def test_a_returned_right_may_be_claimed_again_by_the_same_resident(
    world: World, core: Core
) -> None:
    offer, resident = world.offer(world.plan(quota=1, valid_days=1)), world.resident()
    first = world.claim(offer, resident, "first")
    later = with_clock(core, Clock(first.valid_until + timedelta(seconds=1)))
    while vouchers.expire_due(later):
        pass
    vouchers.prepare_gate(core, offer=offer.id, refill=True)
    second = vouchers.claim(later, actor=resident, offer=offer.id, key="second").value
    assert second.id != first.id
    assert second.status is Status.CLAIMED


def test_the_servers_clock_does_not_judge_a_replayed_programme(world: World, core: Core) -> None:
    with core.transaction() as session:
        session.execute(text("SELECT 1"))
    programme = campaigns.create_programme(
        core,
        actor=world.planner,
        slug=f"past-{new_id().hex[-8:]}",
        name="回放",
        name_en="Replay",
        brand="moyang",
        opens_on=world.programme().opens_on - timedelta(days=400),
        closes_on=world.programme().opens_on - timedelta(days=300),
        synthetic=True,
    )
    from voucher_service.kernel.clock import start_of

    then = with_clock(core, Clock(start_of(programme.opens_on) + timedelta(hours=12)))
    past = World.__new__(World)
    past.__dict__.update(world.__dict__)
    past.core = then
    offer = past.offer(campaign=past.draft(programme=programme))
    past.claim(offer)
    while vouchers.expire_due(core):
        pass
    with core.transaction() as session:
        assert ledger.balance(session, pool(offer.id, Stage.OUTSTANDING)) == offer.face_value
    much_later = with_clock(core, Clock(world.now()))
    assert vouchers.expire_due(much_later, programme=programme.slug) == 1


def test_a_close_gives_back_what_nobody_holds(world: World, core: Core) -> None:
    offer, till = published(world, quota=5), world.cashier()
    world.redeem(world.claim(offer), till)
    world.claim(offer)
    proposal = campaigns.close(core, actor=world.planner, campaign=offer.campaign_id)
    approvals.approve(core, actor=world.approver, approval=proposal)
    with core.transaction() as session:
        found = budgets.lines(session, campaign=offer.campaign_id)
        home = [ledger.balance(session, line(one.id, Stage.RETURNED)) for one in found]
        standing = ledger.balance(session, pool(offer.id, Stage.OUTSTANDING))
    assert Money.total(home) == offer.face_value * 3
    assert standing == offer.face_value


def test_staff_of_a_county_see_nothing_of_another(world: World) -> None:
    from voucher_service.kernel.actor import Role

    draft = world.draft(area="441702")
    stranger = world.staff(Role.PLANNER, area="441781")
    with pytest.raises(NoSuchThing):
        campaigns.campaign(world.core, actor=stranger, campaign=draft.id)
    assert draft.id not in {one.id for one in campaigns.campaigns(world.core, actor=stranger)}


def _breaches(core: Core) -> set[str]:
    # These tests move a clock of their own, which T1 and I5 are there to notice.
    found = verification.verify(core).breaches
    return {one.invariant[:2] for one in found} - {"T1", "I5", "R2"}


CROOKED = {
    "L4": "UPDATE voucher SET face_value_fen = face_value_fen + 100 WHERE id = :voucher",
    "I2": "UPDATE offer SET per_resident_limit = 1 WHERE id = :offer",
    "R1": "UPDATE voucher SET status = 'claimed', spent_fen = 0 WHERE id = :spent",
    "R2": "UPDATE redemption SET order_amount_fen = 2500, paid_fen = 500 WHERE voucher_id = :spent",
    "A3": "UPDATE approval SET signatures_needed = 2 WHERE object_id = :campaign",
    "A4": "UPDATE approval SET status = 'waiting' WHERE object_id = :campaign",
    "L9": "UPDATE budget_reservation SET reserved_fen = reserved_fen + 1 WHERE offer_id = :offer",
    "L7": "UPDATE redemption SET discount_fen = 2001, paid_fen = 1 WHERE voucher_id = :spent",
    "L5": "UPDATE redemption SET status = 'frozen', freeze_expires_at = now()"
    " WHERE voucher_id = :spent",
    "L10": "UPDATE rollup SET leveraged_fen = leveraged_fen + 1 WHERE key = CAST(:offer AS text)",
    "I9": "UPDATE offer SET epoch = 0 WHERE id = :offer",
    "A1": "DELETE FROM voucher WHERE id = :voucher",
    "T1": "UPDATE voucher SET occurred_at = occurred_at - interval '2 minutes' WHERE id = :voucher",
}


@pytest.mark.parametrize("name", CROOKED)
def test_crooked_rows_are_named_by_the_invariant_they_break(
    world: World, core: Core, name: str
) -> None:
    offer, resident = world.offer(world.plan(quota=5, limit=2)), world.resident()
    spent = world.claim(offer, resident)
    world.redeem(spent)
    voucher = world.claim(offer, resident)
    found, _, _ = campaigns.campaign(core, actor=world.planner, campaign=offer.campaign_id)
    reconciliation.run(core, programme=found.programme.slug)
    with core.transaction() as session:
        # L10 waits until a programme is quiet.
        session.execute(text("UPDATE rollup_run SET started_at = now() + interval '1 hour'"))
        values = {
            "voucher": voucher.id,
            "spent": spent.id,
            "offer": offer.id,
            "campaign": offer.campaign_id,
        }
        statement = CROOKED[name]
        used = {key: value for key, value in values.items() if f":{key}" in statement}
        session.execute(text(statement), used)
        broken = {
            one.split()[0]
            for one, query in verification.ALL.items()
            if session.execute(text(query)).first() is not None
        }
        session.rollback()
    assert name in broken
