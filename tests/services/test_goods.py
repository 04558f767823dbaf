"""The library: handed in by one, approved by another, dated, and never half changed."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from tests.make import JIANGCHENG, World
from tests.services.goods_shelf import line, new_gtin, on_day, proposed, stocked, table
from voucher_service.approvals import service as approvals
from voucher_service.approvals.model import ChangedSinceProposed
from voucher_service.goods import service as goods
from voucher_service.goods.model import (
    ChangeStatus,
    GoodsFileInvalid,
    LibraryUnchanged,
    Slip,
    Wrong,
)
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Role
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.page import Page


@pytest.fixture
def today(world: World) -> date:
    return day_of(world.now())


def held_lines(core: Core) -> int:
    """How many lines of changes were written."""
    with core.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM library_change_line")).scalar_one())


def test_a_product_is_in_the_library_when_a_second_person_agrees(world: World, today: date) -> None:
    core, gtin = world.core, new_gtin()
    made, proposal = proposed(core, world.planner, line(gtin, first="2026-01-01"))
    assert (made.status, made.fresh, made.changed, made.same) == ("submitted", 1, 0, 0)
    assert on_day(core, gtin, today) is None
    approvals.approve(core, actor=world.approver, approval=proposal.id)
    found = on_day(core, gtin, date(2026, 1, 1))
    assert found is not None and (found.model, found.grade) == ("LS-500", 1)
    assert on_day(core, gtin, date(2025, 12, 31)) is None
    assert goods.change(core, change=made.id).status is ChangeStatus.APPROVED


def test_without_a_day_a_new_product_counts_from_the_day_of_the_approval(
    world: World, today: date
) -> None:
    gtin = new_gtin()
    stocked(world, line(gtin))
    assert on_day(world.core, gtin, today - timedelta(days=1)) is None
    assert on_day(world.core, gtin, today) is not None


def test_a_known_product_changes_the_day_after_and_the_past_stays(
    world: World, today: date
) -> None:
    core, gtin = world.core, new_gtin()
    stocked(world, line(gtin, first="2026-01-01"))
    stocked(world, line(gtin, grade=2, first="2026-01-01"))  # however early it says
    grades = [on_day(core, gtin, today + timedelta(days=ago)) for ago in (-1, 0, 1, 400)]
    assert [one.grade for one in grades if one] == [1, 1, 2, 2]
    assert [one.grade for one in goods.versions(core, gtin=gtin)] == [2, 1]


def test_what_has_not_begun_is_replaced_and_what_is_planned_stays_planned(
    world: World, today: date
) -> None:
    core, gtin = world.core, new_gtin()
    stocked(world, line(gtin, first="2026-01-01"))
    later = today + timedelta(days=30)
    stocked(world, line(gtin, grade=3, first=later))
    stocked(world, line(gtin, grade=2))
    stocked(world, line(gtin, grade=4))
    wanted = [on_day(core, gtin, day) for day in (today, today + timedelta(days=1), later)]
    assert [one.grade for one in wanted if one] == [1, 4, 3]


def test_a_product_can_be_taken_out_of_the_library(world: World, today: date) -> None:
    core, gtin = world.core, new_gtin()
    stocked(world, line(gtin, first="2026-01-01"))
    stocked(world, line(gtin, last=today))
    assert on_day(core, gtin, today) is not None
    assert on_day(core, gtin, today + timedelta(days=1)) is None


def test_a_table_with_a_wrong_line_leaves_nothing_behind(world: World) -> None:
    core, before = world.core, held_lines(world.core)
    lines = [line(new_gtin()) for _ in range(200)]
    lines[120] = line("6901234567893")
    with pytest.raises(GoodsFileInvalid) as refusal:
        goods.propose(core, actor=world.planner, file_name="goods.csv", content=table(lines))
    assert refusal.value.slips == (Slip(122, Wrong.GTIN, "商品条码"),)
    assert held_lines(core) == before


def test_the_same_table_again_is_nothing_to_sign(world: World) -> None:
    same = line(new_gtin(), guide="3999")
    stocked(world, same)
    with pytest.raises(LibraryUnchanged):
        proposed(world.core, world.planner, same)


def test_what_is_signed_is_what_was_counted(world: World) -> None:
    core, gtin = world.core, new_gtin()
    _, first = proposed(core, world.planner, line(gtin))
    _, second = proposed(core, world.planner, line(gtin, grade=2))
    approvals.approve(core, actor=world.approver, approval=first.id)
    with pytest.raises(ChangedSinceProposed):
        approvals.approve(core, actor=world.approver, approval=second.id)


def test_a_change_sent_back_changes_nothing(world: World, today: date) -> None:
    core, gtin = world.core, new_gtin()
    made, proposal = proposed(core, world.planner, line(gtin))
    approvals.reject(core, actor=world.approver, approval=proposal.id, reason="型号不对")
    assert goods.change(core, change=made.id).status is ChangeStatus.REJECTED
    assert on_day(core, gtin, today) is None


def test_who_signs_sees_line_by_line_what_would_change(world: World) -> None:
    core, known, fresh = world.core, new_gtin(), new_gtin()
    stocked(world, line(known, first="2026-01-01"), line(other := new_gtin()))
    made, _ = proposed(
        core, world.planner, line(other), line(known, grade=2), line(fresh, guide="3999")
    )
    assert (made.fresh, made.changed, made.same) == (1, 1, 1)
    page = goods.differences(core, change=made.id, cursor=None, limit=1)
    rest = goods.differences(core, change=made.id, cursor=page.next, limit=5)
    changed, new = *page.items, *rest.items
    assert (changed.listed.line, changed.listed.product.grade) == (3, 2)
    assert changed.before is not None and changed.before.grade == 1
    assert (new.listed.product.gtin, new.before) == (fresh, None)
    assert rest.next is None


def test_the_library_is_the_citys(world: World) -> None:
    county = world.staff(Role.PLANNER, area=JIANGCHENG)
    with pytest.raises(NotAllowed):
        proposed(world.core, county, line(new_gtin()))


def test_products_are_found_by_number_and_by_every_word(world: World) -> None:
    core, gtin = world.core, new_gtin()
    stocked(world, line(gtin, model="QX-771 PRO"), line(new_gtin(), model="QX-772"))

    def models(asked: str, limit: int = 5, cursor: str | None = None) -> Page[str]:
        page = goods.search(core, text=asked, category=None, cursor=cursor, limit=limit)
        return Page([one.model for one in page.items], page.next)

    assert models("qx- 澜山").items == ["QX-771 PRO", "QX-772"]
    assert models(gtin[1:]).items == ["QX-771 PRO"]
    assert models("100%").items == []
    first = models("QX-77", limit=1)
    assert models("QX-77", cursor=first.next).items == ["QX-772"]


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_library_as_a_file_can_be_handed_in_again_and_changes_nothing(
    world: World, format_: str, locale: str
) -> None:
    gtin = new_gtin()
    stocked(world, line(gtin, guide="3999.50", dual="是", first="2026-01-01", last="2027-12-31"))
    out = io.BytesIO()
    goods.export(world.core, format_=format_, locale=locale, out=out)
    with pytest.raises(LibraryUnchanged):
        goods.propose(world.core, actor=world.planner, file_name="again", content=out.getvalue())
