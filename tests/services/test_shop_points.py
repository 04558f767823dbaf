"""Points of a shop where tills stand, and when and where shops are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.services.shops import Chain, history
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.clock import day_of
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import PointId, ShopId, new_id
from voucher_service.merchants import place
from voucher_service.merchants import service as merchants
from voucher_service.merchants.place import Position
from voucher_service.merchants.stands import (
    PointClosed,
    PointDatesInvalid,
    PointPlan,
)

HERE = Position(21.8579, 111.9825)


def test_a_session_stands_at_a_point_of_the_own_shop(chain: Chain) -> None:
    core, who = chain.core, chain.actor(chain.hire())
    stall = merchants.add_point(
        core, actor=chain.manager, shop=chain.main, plan=PointPlan("夜市 3 号摊", HERE)
    )
    elsewhere = merchants.add_point(
        core, actor=chain.manager, shop=chain.branch, plan=PointPlan("西门摊")
    )
    session = chain.session(who)
    offered = merchants.points_to_stand_at(core, actor=who)
    assert stall in offered and elsewhere not in offered
    merchants.stand_at_point(core, actor=who, session=session, point=stall.id)
    assert stands(chain, who, session) == stall.id
    with core.transaction() as books:
        assert merchants.point_names(books, points=[stall.id]) == {stall.id: "夜市 3 号摊"}
    with pytest.raises(NoSuchThing):
        merchants.stand_at_point(core, actor=who, session=session, point=elsewhere.id)
    merchants.stand_at_point(core, actor=who, session=session, point=None)
    assert stands(chain, who, session) is None


def stands(chain: Chain, who: Actor, session: object) -> object:
    """The point that a redemption in the session would keep."""
    found = chain.at_till(who, session)  # type: ignore[arg-type]
    assert found
    return found.actor.evidence.point_id


def test_a_closed_point_and_one_out_of_season_take_nobody(chain: Chain) -> None:
    core, who, today = chain.core, chain.actor(chain.hire()), day_of(chain.world.now())
    day = timedelta(days=1)
    over = PointPlan("展会 A", None, today - 3 * day, today - day)
    point = merchants.add_point(core, actor=chain.manager, shop=chain.main, plan=over)
    session = chain.session(who)
    with pytest.raises(PointClosed):
        merchants.stand_at_point(core, actor=who, session=session, point=point.id)
    longer = replace(over, name="展会 A 馆", closes_on=today)
    changed = merchants.change_point(core, actor=chain.manager, point=point.id, plan=longer)
    assert (changed.name, changed.closes_on) == ("展会 A 馆", today)
    merchants.stand_at_point(core, actor=who, session=session, point=point.id)
    assert stands(chain, who, session) == point.id
    merchants.change_point(core, actor=chain.manager, point=point.id, plan=over)
    assert stands(chain, who, session) is None
    merchants.close_point(core, actor=chain.manager, point=point.id)
    for refused in (
        lambda: merchants.stand_at_point(core, actor=who, session=session, point=point.id),
        lambda: merchants.change_point(core, actor=chain.manager, point=point.id, plan=longer),
        lambda: merchants.close_point(core, actor=chain.manager, point=point.id),
    ):
        with pytest.raises(PointClosed):
            refused()
    assert history(core, point.id) == [
        "point.added",
        "point.changed",
        "point.changed",
        "point.closed",
    ]
    with pytest.raises(PointDatesInvalid):
        PointPlan("反了", None, today, today - day)


def test_whoever_moves_stands_at_no_point_of_the_old_shop(chain: Chain) -> None:
    person = chain.hire()
    who = chain.actor(person)
    session = chain.session(who)
    stall = merchants.add_point(
        chain.core, actor=chain.manager, shop=chain.main, plan=PointPlan("4 号摊")
    )
    merchants.stand_at_point(chain.core, actor=who, session=session, point=stall.id)
    merchants.move_cashier(chain.core, actor=chain.manager, cashier=person.id, shop=chain.branch)
    assert stands(chain, who, session) is None


def test_points_are_listed_by_name_page_by_page_and_only_ones_own(
    chain: Chain, rival: Chain
) -> None:
    for number in range(3):
        merchants.add_point(
            chain.core,
            actor=chain.manager,
            shop=chain.branch,
            plan=PointPlan(f"展位 {number}"),
        )
    names, cursor = [], None
    while True:
        page = merchants.points(
            chain.core, actor=chain.manager, shop=chain.branch, cursor=cursor, limit=2
        )
        names += [one.name for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert [name for name in names if name.startswith("展位")] == ["展位 0", "展位 1", "展位 2"]
    for hidden in (
        lambda: merchants.points(
            chain.core, actor=chain.manager, shop=rival.main, cursor=None, limit=5
        ),
        lambda: merchants.add_point(
            chain.core, actor=chain.manager, shop=rival.main, plan=PointPlan("摊")
        ),
        lambda: merchants.load_point(chain.core, actor=chain.manager, point=PointId(new_id())),
    ):
        with pytest.raises(NoSuchThing):
            hidden()


def test_hours_and_position_are_kept_with_what_was_said_before(chain: Chain, rival: Chain) -> None:
    core, hours = chain.core, place.typed("9:00-22:00", {7: "休"})
    shop = merchants.set_premises(
        core, actor=chain.manager, shop=chain.main, opening_hours=hours, position=HERE
    )
    assert (shop.opening_hours, shop.position) == (hours, HERE)
    with core.transaction() as session:
        till = merchants.till(session, cashier=chain.cashier_id(chain.manager))
        assert (till.opening_hours, till.position) == (hours, HERE)
        (public,) = [
            one
            for one in merchants.shops_accepting(session, limit=200).items
            if one.id == chain.main
        ]
        assert public.opening_hours == hours
    merchants.set_premises(
        core, actor=chain.manager, shop=chain.main, opening_hours=None, position=None
    )
    with core.transaction() as session:
        (before,) = session.scalars(
            text(
                "SELECT detail -> 'before' -> 'position' ->> 0 FROM audit.event"
                " WHERE action = 'shop.premises_changed' AND object_id = :id ORDER BY id DESC"
                " LIMIT 1"
            ),
            {"id": str(chain.main)},
        )
        stored = session.execute(
            text("SELECT opening_hours IS NULL FROM shop WHERE id = :id"), {"id": chain.main}
        )
        assert stored.scalar_one()
    assert float(before) == HERE.latitude
    for shop_id in (rival.main, ShopId(new_id())):
        with pytest.raises(NoSuchThing):
            merchants.set_premises(
                core, actor=chain.manager, shop=shop_id, opening_hours=None, position=None
            )
