"""The proof of a full recount: no figure of any table is wrong without being found and named."""

from __future__ import annotations

import pytest
from sqlalchemy import Date, Integer, Uuid, text
from sqlalchemy.engine import CursorResult

from tests.make import World
from voucher_service.infra.database import MoneyFen
from voucher_service.kernel.money import Money
from voucher_service.reconciliation import counting
from voucher_service.reconciliation import service as reconciliation
from voucher_service.reconciliation.grain import WrongCell
from voucher_service.reconciliation.tables import RollupCellRow, RollupRepeatRow, RollupRow
from voucher_service.redemption import service as redemption
from voucher_service.reports.invariants import ALL

OTHER = {
    Uuid: "gen_random_uuid()",
    Date: "'2020-01-01'",
    MoneyFen: "{column} + 1",
    Integer: "{column} + 1",
}
TABLES = (RollupCellRow, RollupRow, RollupRepeatRow)
COLUMNS = {one.name for table in TABLES for one in table.__table__.columns} - {"id"}


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


def plant(world: World, slug: str, column: str) -> set[str]:
    """Make a column of one row wrong in each table that has it; the tables' names."""
    planted = set()
    for table in TABLES:
        name, columns = table.__tablename__, table.__table__.columns
        if column not in columns:
            continue
        wrong = OTHER.get(type(columns[column].type), "'another'").format(column=column)
        statement = f"""UPDATE {name} SET {column} = {wrong} WHERE ctid = (
            SELECT min(ctid) FROM {name} WHERE programme_id = (
                SELECT id FROM programme WHERE slug = :slug))"""
        with world.core.transaction() as session:
            done = session.execute(text(statement), {"slug": slug})
            assert isinstance(done, CursorResult)
            assert done.rowcount == 1, name
        planted.add(name)
    return planted


def recounted(world: World, slug: str) -> tuple[int | None, list[WrongCell]]:
    """How many cells a full recount finds wrong, and which."""
    reconciliation.run(world.core, programme=slug, whole=True)
    (state,) = (one for one in reconciliation.progress(world.core) if one.programme == slug)
    found = [one for one in reconciliation.wrong_cells(world.core) if one.programme == slug]
    return state.differing, found


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_a_wrong_cell_is_found_and_named(world: World, slug: str, column: str) -> None:
    planted = plant(world, slug, column)
    differing, found = recounted(world, slug)
    assert differing
    named = {one.of_table for one in found if one.figure in (column, "rows")}
    assert named == planted
    for one in found:
        assert one.figure in one.sentence
        assert one.cell


def test_once_it_was_put_right_all_is_the_same(world: World, slug: str) -> None:
    plant(world, slug, "issued_fen")
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
