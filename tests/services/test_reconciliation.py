"""Reconciliation on a real PostgreSQL: what is counted, and that a run can be repeated."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.make import World
from voucher_service.budgets import service as budgets
from voucher_service.campaigns import service as campaigns
from voucher_service.infra import outbox
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import RedemptionId
from voucher_service.kernel.money import ZERO, Money
from voucher_service.ledger import service as ledger
from voucher_service.ledger.model import Stage, line, pool
from voucher_service.reconciliation import service as reconciliation
from voucher_service.redemption import service as redemption
from voucher_service.reports import leverage, recount
from voucher_service.reports.figures import Figures
from voucher_service.vouchers import service as vouchers


class KilledError(Exception):
    """Stands for a worker that died."""


def cells(core: Core) -> list[tuple[object, ...]]:
    columns = (
        "side, day, claim_day, dimension, key, released_fen, issued_fen, redeemed_fen,"
        " leveraged_fen, refunded_fen, lapsed_fen, threshold_fen, face_redeemed_fen, evidenced_fen,"
        " vouchers_issued, vouchers_redeemed, vouchers_lapsed"
    )
    with core.transaction() as session:
        rows = session.execute(
            text(
                f"SELECT programme_id, {columns} FROM rollup_cell"
                " UNION ALL SELECT programme_id, basis, day, day, dimension, key,"
                " released_fen, issued_fen, redeemed_fen, leveraged_fen, refunded_fen, lapsed_fen,"
                " threshold_fen, face_redeemed_fen, evidenced_fen, vouchers_issued,"
                " vouchers_redeemed, vouchers_lapsed FROM rollup"
                " ORDER BY 1, 2, 3, 4, 5, 6, 7, 8"
            )
        )
        return [tuple(row) for row in rows]


def totals(core: Core, programme: str) -> Figures:
    return leverage.report(core, programme=programme).totals.figures


def reconciled(core: Core, programme: str) -> Figures:
    reconciliation.run(core, programme=programme)
    return totals(core, programme)


@pytest.fixture
def slug(world: World) -> str:
    """A programme with three vouchers claimed of five, two of them redeemed."""
    campaign = world.draft()
    offer = world.offer(world.plan(quota=5), campaign=campaign)
    claimed = [world.claim(offer) for _ in range(3)]
    world.redeem(claimed[0], order_fen=12_800, payment_reference="wx-1")
    world.redeem(claimed[1], order_fen=10_000)
    return campaign.programme.slug


def test_the_rollups_hold_what_the_raw_rows_say(world: World, slug: str) -> None:
    found = reconciled(world.core, slug)
    assert found == Figures(
        released=Money(10_000),
        issued=Money(6_000),
        redeemed=Money(4_000),
        leveraged=Money(22_800),
        refunded=Money(0),
        threshold=Money(20_000),
        face_redeemed=Money(4_000),
        evidenced=Money(12_800),
        vouchers_issued=3,
        vouchers_redeemed=2,
    )
    with world.core.transaction() as session:
        raw = recount.totals(session, slug)
    assert (raw.released, raw.issued, raw.redeemed, raw.leveraged, raw.refunded) == (
        found.released,
        found.issued,
        found.redeemed,
        found.leveraged,
        found.refunded,
    )
    assert (raw.vouchers, raw.residents, raw.redemptions, raw.shops) == (3, 3, 2, 2)


def test_a_second_run_gives_the_same_figures(world: World, slug: str) -> None:
    reconciliation.run(world.core, programme=slug)
    before = cells(world.core)
    reconciliation.run(world.core, programme=slug)
    assert cells(world.core) == before


def test_a_run_killed_half_way_leaves_the_old_figures(world: World, slug: str) -> None:
    reconciliation.run(world.core, programme=slug)
    before, report = cells(world.core), leverage.report(world.core, programme=slug)
    offer = world.offer(campaign=world.draft(programme=report.programme))
    world.claim(offer)

    def die(_session: Session) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        reconciliation.run(world.core, programme=slug, finish=die)
    assert cells(world.core) == before
    assert leverage.report(world.core, programme=slug).as_of == report.as_of
    assert reconciled(world.core, slug).issued == Money(8_000)


def test_what_is_refunded_is_taken_off_every_figure(world: World, slug: str) -> None:
    with world.core.transaction() as session:
        row = session.execute(
            text(
                "SELECT r.id, r.cashier_id FROM redemption r WHERE r.payment_reference = 'wx-1'"
                " AND offer_id IN (SELECT o.id FROM offer o JOIN campaign c ON c.id = o.campaign_id"
                " JOIN programme p ON p.id = c.programme_id WHERE p.slug = :slug)"
            ),
            {"slug": slug},
        ).one()
    before = reconciled(world.core, slug)
    redemption.refund(
        world.core,
        actor=Actor(ActorKind.CASHIER, row.cashier_id),
        redemption=RedemptionId(row.id),
        amount=Money(2_800),
        reason="顾客退货",
        key=uuid4().hex,
    )
    found = reconciled(world.core, slug)
    subsidy = before.redeemed - found.redeemed
    assert ZERO < subsidy < Money(2_800)
    assert before.leveraged - found.leveraged == Money(2_800)
    assert (found.refunded, before.evidenced - found.evidenced) == (Money(2_800), Money(2_800))


def test_a_payment_reference_used_twice_at_a_merchant_is_evidence_once(world: World) -> None:
    campaign = world.draft()
    offer = world.offer(campaign=campaign)
    cashier, other = world.cashier(), world.cashier()
    for till, order_fen in ((cashier, 10_000), (cashier, 20_000), (other, 40_000)):
        world.redeem(world.claim(offer), till, order_fen=order_fen, payment_reference="same")
    assert reconciled(world.core, campaign.programme.slug).evidenced == Money(50_000)


def test_a_slot_that_flowed_back_is_issued_once(clock_core: Core, clock: Clock) -> None:
    own, then = clock_core, World(clock_core)
    campaign = then.draft()
    offer = then.offer(then.plan(quota=2, valid_days=1), campaign=campaign)
    kept = then.offer(
        then.plan(quota=2, valid_days=1, lapse_returns=False),
        campaign=then.draft(programme=campaign.programme),
    )
    then.claim(offer)
    then.claim(kept)
    assert reconciled(own, campaign.programme.slug).issued == Money(4_000)
    clock.set(then.now() + timedelta(days=2))
    while vouchers.expire_due(own):
        pass
    assert reconciled(own, campaign.programme.slug).issued == Money(2_000)
    then.claim(offer)
    assert reconciled(own, campaign.programme.slug).issued == Money(4_000)


def test_drafts_are_not_counted(world: World) -> None:
    draft = world.draft()
    world.line(draft.id, Money(100_000))
    assert reconciled(world.core, draft.programme.slug) == Figures()


def test_commits_are_split_over_the_funders_exactly(world: World) -> None:
    campaign = world.draft()
    made = campaigns.create_offer(
        world.core, actor=world.planner, campaign=campaign.id, plan=world.plan(quota=3, face=25)
    ).value
    world.line(campaign.id, Money(5_001), funder="one", share_bps=6_667)
    world.line(campaign.id, Money(2_500), funder="two", share_bps=3_333)
    world.publish(campaign.id)
    offer = world.reload(made.id)
    world.redeem(world.claim(offer))
    slug = campaign.programme.slug
    reconciliation.run(world.core, programme=slug)
    reconciliation.run(world.core, programme=slug)
    with world.core.transaction() as session:
        accounts = [
            line(one.id, Stage.COMMITTED) for one in budgets.lines(session, campaign=campaign.id)
        ]
        accounts.append(pool(offer.id, Stage.COMMITTED))
        found = ledger.balances(session, accounts)
    assert [found[account].fen for account in accounts] == [1_667, 833, 0]


def test_asking_puts_one_job_on_the_list_however_often_it_is_asked(world: World, slug: str) -> None:
    assert reconciliation.ask(world.core, programme=slug) == [f"reconcile:{slug}"]
    assert f"reconcile:{slug}" in reconciliation.ask(world.core)
    with world.core.transaction() as session:
        assert outbox.due(session).count(f"reconcile:{slug}") == 1
        assert not outbox.served(session, key=f"reconcile:{slug}")


def test_an_unknown_programme_is_refused(world: World) -> None:
    with pytest.raises(NoSuchThing):
        reconciliation.ask(world.core, programme="nothing")
    with pytest.raises(NoSuchThing):
        reconciliation.run(world.core, programme="nothing")


def test_only_programmes_whose_books_moved_are_named(world: World, slug: str) -> None:
    everything, horizon = reconciliation.changed(world.core, since=None)
    assert slug in everything
    assert reconciliation.changed(world.core, since=horizon)[0] == []
    offer = world.offer()
    world.redeem(world.claim(offer))
    (moved,), horizon = reconciliation.changed(world.core, since=horizon)
    assert moved != slug
    reconciliation.run(world.core, programme=moved)
    assert reconciliation.changed(world.core, since=horizon)[0] == [], "a fold moves no figure"
