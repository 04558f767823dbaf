"""The proof of a full recount: no figure of any table is wrong without being found and named."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from tests.make import World
from tests.reconciliation.wrong import columns, plant
from voucher_service.kernel.money import Money
from voucher_service.reconciliation import counting
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation.grain import WrongCell
from voucher_service.reconciliation.tables import RollupCellRow, RollupRepeatRow, RollupRow
from voucher_service.redemption import service as redemption
from voucher_service.reports.invariants import ALL

TABLES = (RollupCellRow, RollupRow, RollupRepeatRow)


@pytest.fixture(scope="module")
def slug(world: World) -> str:
    """A programme with each figure in it, counted."""
    campaign, till = world.draft(), world.cashier()
    offer = world.offer(campaign=campaign)
    for _ in range(2):
        done = world.redeem(world.claim(offer), till, payment_reference="same").value
    redemption.refund(
        world.core, actor=till, redemption=done.id, amount=Money(500), reason="退货", key="refund"
    )
    reconciliation.run(world.core, programme=campaign.programme.slug)
    return campaign.programme.slug


def recounted(world: World, slug: str) -> tuple[int | None, list[WrongCell]]:
    """How many cells a full recount finds wrong, and which."""
    reconciliation.run(world.core, programme=slug, whole=True)
    (state,) = (one for one in reconciliation.progress(world.core) if one.programme == slug)
    found = [one for one in reconciliation.wrong_cells(world.core) if one.programme == slug]
    return state.differing, found


@pytest.mark.parametrize("column", columns(*TABLES))
def test_a_wrong_cell_is_found_and_named(
    world: World, owner: Engine, slug: str, column: str
) -> None:
    planted = plant(owner, slug, column, *TABLES)
    differing, found = recounted(world, slug)
    assert differing
    named = {one.of_table for one in found if one.figure in (column, "rows")}
    assert named == planted
    for one in found:
        assert one.figure in one.sentence
        assert one.cell


def test_once_it_was_put_right_all_is_the_same(world: World, owner: Engine, slug: str) -> None:
    plant(owner, slug, "issued_fen", *TABLES)
    assert recounted(world, slug)[0] == 2, "a cell, and a sum"
    assert recounted(world, slug) == (0, [])


def test_a_recount_that_forgets_what_was_released_is_seen(
    world: World, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(counting.RELEASES, counting.DRAFT, text("SELECT 1"))
        differing, found = recounted(world, slug)
    assert differing
    released = [one for one in found if one.figure == "released_fen"]
    assert {one.of_table for one in released} == {"rollup_cell", "rollup"}
    assert all(one.stood > one.again == 0 for one in released)
    with world.core.transaction() as session:
        name = next(one for one in ALL if one.startswith("L12"))
        (alarm,) = session.execute(text(ALL[name])).scalars()
        assert slug in alarm
        assert "released_fen" in alarm
    assert recounted(world, slug)[0], "and put right by the next one"
    assert recounted(world, slug) == (0, [])
