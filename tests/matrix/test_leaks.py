"""What a cell can't show: lists, exports, totals, somebody else's key, and what a "no" costs."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.reconciliation import service as reconciliation
from voucher_service.web.face import Face

from .cells import callers
from .city import City, Side
from .rules import RULES
from .table import EVERYBODY, Rule, Thing, get

LISTS = [rule for rule in RULES if rule.lists]
KEYED = [rule for rule in RULES if rule.keyed]


@pytest.fixture(scope="module")
def city(core: Core) -> City:
    return City(core)


def rule_of(face: Face, path: str) -> Rule:
    """A reading route by its address, for a caller whose right it is."""
    return get(path, frozenset(), face=face)


@pytest.mark.parametrize("rule", LISTS, ids=map(str, LISTS))
def test_a_list_names_the_own_and_nobody_elses(rule: Rule, city: City) -> None:
    assert rule.lists
    reader = city.own.resident if rule.face is Face.RESIDENT else _first(city, rule)
    own = city.made(rule.lists, city.own, reader)
    others = [city.made(rule.lists, side, reader) for side in city.foreign(rule)]
    answer = city.call(rule, Thing(""), None if rule.who is EVERYBODY else reader)
    assert answer.status_code == 200
    assert own.id in answer.text
    assert [one.id for one in others if one.id in answer.text] == []


@pytest.mark.parametrize("rule", KEYED, ids=map(str, KEYED))
def test_a_key_that_another_used_gives_nothing_of_theirs(rule: Rule, city: City) -> None:
    first, second = city.own, city.neighbour
    mine, theirs = _caller(city, rule, first), _caller(city, rule, second)
    key = uuid4().hex
    for side, who in ((first, mine), (second, theirs)):
        thing = city.thing(rule, side, who, fresh=True)
        answer = city.call(rule, thing, who, key=key)
        assert str(answer.status_code) == str(rule.answers), answer.text
        assert "Idempotency-Replayed" not in answer.headers


def _first(city: City, rule: Rule) -> Actor:
    return next(iter(callers(city, rule)[0].values()))


def _caller(city: City, rule: Rule, side: Side) -> Actor:
    return side.caller(rule.face, min(rule.who) if rule.who else None)


@pytest.fixture(scope="module")
def reported(city: City) -> str:
    """A programme with one voucher spent in each of two counties, counted."""
    world, programme = city.world, city.world.programme()
    for side, amount in ((city.own, 12_800), (city.neighbour, 55_500)):
        offer = world.offer(campaign=world.draft(programme=programme, area=side.area))
        voucher = world.claim(offer)
        world.redeem(voucher, side.till[Role.CASHIER], order_fen=amount)
    reconciliation.run(city.core, programme=programme.slug)
    return programme.slug


@pytest.mark.parametrize("group_by", ["area", "campaign"])
def test_a_countys_totals_and_exports_hold_nothing_of_its_neighbour(
    city: City, reported: str, group_by: str
) -> None:
    query = f"?programme={reported}&group_by={group_by}"
    finance, whole = city.own.staff[Role.FINANCE], city.whole[Role.FINANCE]
    rule = rule_of(Face.ADMIN, f"/api/v1/reports/leverage{query}")
    mine, everything = (city.call(rule, Thing(""), who).json for who in (finance, whole))
    assert mine["totals"]["leveraged_fen"] == 12_800
    assert everything["totals"]["leveraged_fen"] == 68_300
    foreign = {row["key"] for row in everything["rows"]} - {row["key"] for row in mine["rows"]}
    assert len(foreign) == 1
    for address in ("/api/v1/reports/leverage.csv", "/reports/leverage.csv", "/reports/leverage"):
        text = city.call(rule_of(Face.ADMIN, address + query), Thing(""), finance).text
        assert "128.00" in text
        assert "555.00" not in text and "683.00" not in text


def test_a_shops_day_holds_nothing_of_another_shop(city: City) -> None:
    world = city.world
    for side, amount in ((city.own, 12_800), (city.neighbour, 55_500), (city.above, 33_300)):
        world.redeem(world.claim(city.offer), side.till[Role.CASHIER], order_fen=amount)
    for role in (Role.CASHIER, Role.MANAGER):
        reader = city.own.till[role]
        summary = city.call(rule_of(Face.MERCHANT, "/api/v1/summary"), Thing(""), reader).json
        lines = city.call(rule_of(Face.MERCHANT, "/api/v1/redemptions"), Thing(""), reader).json
        sold = [one for one in lines["items"] if one["status"] == "committed"]
        assert summary["order_fen"] == sum(one["order_amount_fen"] for one in sold)
        assert {one["order_amount_fen"] for one in lines["items"]} == {12_800}


HIDDEN = (
    ("/api/v1/campaigns/<uuid:campaign>", "draft"),
    ("/api/v1/approvals/<uuid:approval>", "proposal"),
    ("/api/v1/pushes/<uuid:id>", "push"),
    ("/api/v1/budgets/<uuid:id>", "budget"),
    ("/api/v1/vouchers/<uuid:id>", "voucher"),
    ("/api/v1/redemptions/<uuid:redemption_id>", "redemption"),
)


@pytest.mark.parametrize(("path", "of"), HIDDEN, ids=[path for path, _ in HIDDEN])
def test_no_is_as_much_work_for_the_foreign_as_for_the_absent(
    path: str, of: str, city: City
) -> None:
    """Counted in statements, since a clock says little on a busy machine.

    The least of some: what is remembered for a while is read again now and then.
    """
    rule = next(one for one in RULES if (one.path, str(one.of)) == (path, of))
    who = city.own.resident if rule.face is Face.RESIDENT else _first(city, rule)
    foreign = city.thing(rule, city.neighbour, who)
    least = [
        min(asked(city, rule, thing, who) for _ in range(3))
        for thing in (foreign, foreign.absent())
    ]
    assert abs(least[0] - least[1]) <= 1


def asked(city: City, rule: Rule, thing: Thing, who: Actor) -> int:
    """How many statements a refusal takes."""
    statements: list[str] = []

    def note(*seen: Any) -> None:
        statements.append(seen[2])

    event.listen(city.core.engine, "before_cursor_execute", note)
    try:
        assert city.call(rule, thing, who).status_code == 404
    finally:
        event.remove(city.core.engine, "before_cursor_execute", note)
    assert statements
    return len(statements)
