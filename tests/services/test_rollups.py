"""Counting only what moved: it says what counting everything says, whatever happened in between."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.make import World
from tests.reconciliation.street import Street, refund, reverse
from voucher_service.campaigns.model import OfferKind
from voucher_service.infra.core import Core
from voucher_service.kernel.clock import Clock, day_of
from voucher_service.kernel.money import Money
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation import store
from voucher_service.reconciliation.grain import Moved, Progress, Span
from voucher_service.reports import leverage, recount
from voucher_service.reports.groups import GroupBy
from voucher_service.reports.invariants import ALL

DAYS = 40


@pytest.fixture
def world(clock_core: Core) -> World:
    return World(clock_core)


def progress(core: Core, slug: str) -> Progress:
    (found,) = (one for one in reconciliation.progress(core) if one.programme == slug)
    return found


@pytest.mark.parametrize("seed", [1])
def test_what_is_counted_day_by_day_is_what_a_full_recount_says(
    world: World, clock: Clock, seed: int
) -> None:
    street = Street(world, clock, Random(seed))
    core, slug = world.core, street.slug
    for _ in range(12):
        for _ in range(8):
            street.go_on()
        reconciliation.run(core, programme=slug)
        found = leverage.report(core, programme=slug).totals.figures
        with core.transaction() as session:
            raw = recount.totals(session, slug)
        assert (found.issued, found.redeemed) == (raw.issued, raw.redeemed)
        assert (found.leveraged, found.refunded) == (raw.leveraged, raw.refunded)
    assert street.orders
    assert found.released
    for _ in range(2):
        reconciliation.run(core, programme=slug, whole=True)
        assert leverage.report(core, programme=slug).totals.figures == found
    proved = progress(core, slug)
    assert (proved.differing, proved.parts) == (0, 0)
    assert proved.proved_cells
    for one in GroupBy:
        rows = leverage.report(core, programme=slug, group_by=one).rows
        assert Money.total(row.figures.leveraged for row in rows) == found.leveraged


def test_an_order_that_goes_gives_its_place_to_one_of_another_day(
    world: World, clock: Clock
) -> None:
    assert clock.at
    clock.set(clock.at.replace(hour=15, minute=58))  # two minutes to midnight in Shanghai
    campaign, till = world.draft(), world.cashier()
    core, slug = world.core, campaign.programme.slug
    plan = replace(world.plan(), kind=OfferKind.PACK, pieces=3)
    pack = world.claim(world.offer(plan, campaign=campaign))
    for reference in ("first", "second"):
        first = world.redeem(pack, till, reference=reference, payment_reference="same").value
        clock.set(world.now() + timedelta(minutes=3))
    reconciliation.run(core, programme=slug)
    before = leverage.report(core, programme=slug, group_by=GroupBy.DAY).rows
    assert [row.figures.evidenced.fen for row in before] == [12_800, 0]
    assert [row.figures.vouchers_redeemed for row in before] == [1, 0]
    reverse(world, till, "first")
    reconciliation.run(core, programme=slug)
    after = leverage.report(core, programme=slug, group_by=GroupBy.DAY).rows
    assert [row.figures.evidenced.fen for row in after] == [0, 12_800]
    assert [row.figures.vouchers_redeemed for row in after] == [0, 1]
    refund(core, till, first, 12_800)
    reconciliation.run(core, programme=slug, whole=True)
    assert progress(core, slug).differing == 0


def test_a_till_that_always_names_the_same_payment_moves_today_alone(
    world: World, clock: Clock
) -> None:
    campaign, till = world.draft(), world.cashier()
    offer = world.offer(world.plan(limit=9), campaign=campaign)
    for _ in range(3):
        world.redeem(world.claim(offer), till, payment_reference="cash")
        reconciliation.run(world.core, programme=campaign.programme.slug)
        clock.set(world.now() + timedelta(days=1))
    world.redeem(world.claim(offer), till, payment_reference="cash")
    today, id = day_of(world.now()), campaign.programme.id
    with world.core.transaction() as session:
        assert store.repeats(session, programme=id, days=[today]) == Moved(
            orders=frozenset({today})
        )
        assert store.repeats(session, programme=id, days=[today]) == Moved()


def test_a_changed_cell_is_found_by_the_full_recount_and_put_right(world: World) -> None:
    campaign = world.draft()
    slug = campaign.programme.slug
    world.claim(world.offer(campaign=campaign))
    reconciliation.run(world.core, programme=slug)
    with world.core.transaction() as session:
        session.execute(
            text(
                "UPDATE rollup_cell SET issued_fen = issued_fen + 1 WHERE dimension = 'area'"
                " AND side = 'claims' AND programme_id = :programme"
            ),
            {"programme": campaign.programme.id},
        )
    reconciliation.run(world.core, programme=slug, whole=True)
    assert progress(world.core, slug).differing == 1
    assert leverage.report(world.core, programme=slug).proof.differing == 1
    with world.core.transaction() as session:
        name, statement = next((name, one) for name, one in ALL.items() if name.startswith("L12"))
        assert slug in str(session.execute(text(statement)).scalars().all()), name
    reconciliation.run(world.core, programme=slug, whole=True)
    assert progress(world.core, slug).differing == 0


class Late(Core):
    """A core whose transaction somebody else ends."""

    def transaction(self) -> AbstractContextManager[Session]:
        return nullcontext(self.__dict__["session"])


def test_what_commits_after_later_work_was_counted_is_not_missed(world: World) -> None:
    campaign = world.draft()
    slug, offer = campaign.programme.slug, world.offer(campaign=campaign)
    till = world.cashier()
    first = world.redeem(world.claim(offer), till).value
    reconciliation.run(world.core, programme=slug)
    late = Late(world.core.settings, world.core.clock)
    late.__dict__.update({name: getattr(world.core, name) for name in ("engine", "keyring")})
    with world.core.transaction() as session:
        late.__dict__["session"] = session
        refund(late, till, first, 2_800)
        # A later transaction, counted before the earlier one commits; it would wait for its fold.
        reconciliation._publish_moved(world.core, campaign.programme.id, None)
        assert leverage.report(world.core, programme=slug).totals.figures.refunded == Money(0)
    reconciliation.run(world.core, programme=slug)
    assert leverage.report(world.core, programme=slug).totals.figures.refunded == Money(2_800)


@pytest.fixture
def killed(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> str:
    """A programme of forty days whose full recount dies in its second part."""
    campaign = world.draft(programme=world.programme(days=DAYS + 20))
    offer = world.offer(campaign=campaign)
    world.claim(offer)
    reconciliation.run(world.core, programme=campaign.programme.slug)
    clock.set(world.now() + timedelta(days=DAYS))
    world.claim(world.offer(campaign=world.draft(programme=campaign.programme)))
    counted: list[Span] = []

    def die(session: Session, *, programme: object, within: Span, now: datetime) -> None:
        if counted:
            raise KeyboardInterrupt
        counted.append(within)
        count(session, programme=campaign.programme.id, within=within, now=now)

    count = store.draft
    with monkeypatch.context() as patched:
        patched.setattr(store, "draft", die)
        with pytest.raises(KeyboardInterrupt):
            reconciliation.run(world.core, programme=campaign.programme.slug, whole=True)
    return campaign.programme.slug


def test_a_recount_that_was_killed_goes_on_where_it_was(world: World, killed: str) -> None:
    half = progress(world.core, killed)
    assert (half.done, half.parts) == (1, 3)
    assert "recounting 1 of 3 parts" in half.sentence
    assert leverage.report(world.core, programme=killed).totals.figures.vouchers_issued == 1
    said: list[tuple[int, int]] = []
    reconciliation.run(
        world.core, programme=killed, say=lambda done, parts: said.append((done, parts))
    )
    assert said == [(1, 3), (2, 3), (3, 3)]
    assert leverage.report(world.core, programme=killed).totals.figures.vouchers_issued == 2
    assert progress(world.core, killed).parts == 0
