"""Trade-in counted by the days that moved: it says what counting everything says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from tests.conftest import NOON
from tests.make import World
from tests.reconciliation.wrong import columns, plant
from tests.services.car_applicants import proposed
from tests.services.car_pools import plan, published
from tests.tradein.counter import Counter, known_goods, unit
from tests.tradein.town import MONDAY, open_town
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import DomainError
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation.grain import Progress
from voucher_service.reconciliation.tables import TradeInRollupRow
from voucher_service.redemption.model import Redemption
from voucher_service.reports import leverage, recount
from voucher_service.reports.groups import GroupBy


@pytest.fixture(scope="module")
def counter(core: Core) -> Iterator[Counter]:
    """A counter that sold nothing yet."""
    with pytest.MonkeyPatch.context() as patch:
        town = open_town(core, patch)
        known_goods(town)
        yield Counter(town, town.pool(release_quota=100))


def slug(counter: Counter) -> str:
    return slug_of(counter.town.core, counter.pool.offer.programme_id)


def slug_of(core: Core, programme: UUID) -> str:
    with core.transaction() as session:
        of = {"id": programme}
        found = session.execute(text("SELECT slug FROM programme WHERE id = :id"), of)
        return str(found.scalar_one())


def proof(core: Core, programme: str) -> Progress:
    reconciliation.run(core, programme=programme, whole=True)
    (found,) = (one for one in reconciliation.progress(core) if one.programme == programme)
    return found


def go_on(rng: Random, counter: Counter, sold: list[Redemption]) -> None:
    """A sale in one step or two, or one of those before goes back, in part or whole."""
    step = rng.choice(("sell", "sell", "freeze", "refund", "reverse"))
    if step == "sell":
        sold.append(counter.sell())
    elif step == "freeze":
        sold.append(counter.commit(counter.freeze(item=unit(price_fen=200_000))))
    elif sold and step == "refund":
        one = rng.choice(sold)
        counter.refund(one, rng.choice((10_000, one.order_amount.fen)))
    elif sold:
        counter.reverse(sold[-1])


def test_what_is_counted_day_by_day_is_what_a_full_recount_says(counter: Counter) -> None:
    rng, sold, name = Random(3), list[Redemption](), slug(counter)
    for day in range(5):
        today = Counter(
            counter.town.at(timedelta(days=day, hours=rng.choice((0, 11)))), counter.pool
        )
        today.till = counter.till
        for _ in range(4):
            try:
                go_on(rng, today, sold)
            except DomainError:
                continue
        reconciliation.run(today.town.core, programme=name)
        found = leverage.report(today.town.core, programme=name).trade_in.totals
        with today.town.core.transaction() as session:
            raw = recount.trade_in(session, name)
        assert (found.units, found.turnover) == (raw.units, raw.turnover)
        assert found.subsidy == raw.subsidy
    before = leverage.report(counter.town.core, programme=name, group_by=GroupBy.DAY).trade_in
    proved = proof(counter.town.core, name)
    assert (proved.differing, len(before.rows) > 2) == (0, True)
    assert proved.proved_cells
    after = leverage.report(counter.town.core, programme=name, group_by=GroupBy.DAY).trade_in
    assert after == before


def test_a_refund_moves_the_day_of_the_sale_and_its_own(counter: Counter) -> None:
    name, core = slug(counter), counter.town.core
    days = [Counter(counter.town.at(timedelta(days=later)), counter.pool) for later in (7, 9)]
    for one in days:
        one.till = counter.till
    sold = days[0].sell()
    reconciliation.run(core, programme=name)
    days[1].refund(sold, sold.order_amount.fen)
    reconciliation.run(core, programme=name)
    first = MONDAY.date() + timedelta(days=7)
    found = leverage.report(core, programme=name, group_by=GroupBy.DAY, from_=first)
    monday, wednesday = found.trade_in.rows
    assert (monday.figures.units, monday.figures.turnover) == (0, sold.order_amount)
    assert (wednesday.figures.units, wednesday.figures.refunded) == (0, sold.order_amount)
    assert proof(core, name).differing == 0


def test_brands_are_those_of_the_library_of_goods(counter: Counter) -> None:
    name = slug(counter)
    counter.sell()
    reconciliation.run(counter.town.core, programme=name)
    found = leverage.report(counter.town.core, programme=name, group_by=GroupBy.BRAND)
    with counter.town.core.transaction() as session:
        (brand,) = session.execute(text("SELECT DISTINCT brand FROM trade_in_sale")).scalars()
    (row,) = found.trade_in.rows
    assert (row.key, row.labels["en"]) == (brand, brand)
    assert row.figures == found.trade_in.totals


def test_an_application_counts_once_it_was_approved(core: Core) -> None:
    world = World(with_clock(core, Clock(NOON)))
    (pool,) = published(world, plan(release_quota=10))
    name = slug_of(core, pool.offer.programme_id)
    _, proposal = proposed(world)
    reconciliation.run(world.core, programme=name)
    assert not leverage.report(world.core, programme=name).trade_in
    world.approve(proposal)
    reconciliation.run(world.core, programme=name)
    assert leverage.report(world.core, programme=name).trade_in.totals.applications == 1
    assert proof(world.core, name).differing == 0


def test_a_lost_cell_is_found_by_the_full_recount_and_put_right(counter: Counter) -> None:
    counter.sell()
    reconciliation.run(counter.town.core, programme=slug(counter))
    with counter.town.core.transaction() as session:
        of = {"programme": counter.pool.offer.programme_id}
        session.execute(text("DELETE FROM trade_in_rollup WHERE programme_id = :programme"), of)
    lost = proof(counter.town.core, slug(counter))
    assert lost.differing == lost.proved_cells != 0
    assert proof(counter.town.core, slug(counter)).differing == 0


@pytest.mark.parametrize("column", columns(TradeInRollupRow))
def test_a_wrong_cell_is_found_and_named(counter: Counter, owner: Engine, column: str) -> None:
    core, name = counter.town.core, slug(counter)
    counter.sell()
    reconciliation.run(core, programme=name)
    plant(owner, name, column, TradeInRollupRow)
    assert proof(core, name).differing
    found = [one for one in reconciliation.wrong_cells(core) if one.programme == name]
    assert {"trade_in_rollup"} == {one.of_table for one in found}
    assert {one.figure for one in found} & {column, "rows"}
    assert proof(core, name).differing == 0
