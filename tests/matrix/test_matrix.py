"""Every route of every face by every caller on every thing: own, foreign, absent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from a2wsgi import ASGIMiddleware
from flask import Flask
from werkzeug.test import Client

from voucher_service.infra.core import Core
from voucher_service.kernel.errors import DomainError
from voucher_service.resident.crowd import crowd_of
from voucher_service.web.express import Call, Created, Express, Lane
from voucher_service.web.face import Face

from .cells import Cell, cells
from .city import FACES, City
from .rules import RULES
from .table import Rule

NAMES = [f"{rule} {rule.of or ''}".strip() for rule in RULES]


@pytest.fixture(scope="module")
def city(core: Core) -> City:
    return City(core)


def routes(face: Face, app: Flask) -> set[tuple[Face, str, str]]:
    """Every way to call a face."""
    return {
        (face, method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_a_rule_and_every_rule_a_route(core: Core) -> None:
    found = set().union(*(routes(face, create(core)) for face, create in FACES.items()))
    ruled = {(rule.face, rule.method, rule.path) for rule in RULES}
    assert found - ruled == set(), "a route without a rule in tests/matrix"
    assert ruled - found == set(), "a rule in tests/matrix without a route"


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_each_is_told_what_they_may_know(rule: Rule, city: City) -> None:
    seen = list(cells(city, rule))
    all_right(seen)
    if rule.of and rule.of.owned:
        foreign = {one.who for one in seen if one.what.startswith(("foreign", "hidden"))}
        twins = {one.who for one in seen if one.what == "own"}
        assert foreign and foreign <= twins
    assert any(one.told.status == _usual(rule) for one in seen if one.what == "own")


def test_the_light_way_to_a_claim_tells_each_the_same(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = city.faces[Face.RESIDENT]
    lane, taken = crowd_of(face).lane, 0

    async def counted(call: Call) -> Created | DomainError:
        nonlocal taken
        answer = await lane.handler(call)
        taken += 1
        return answer

    served = Express(face, Lane(lane.rule, counted), threads=2)
    with on_a_loop() as loop:
        door = ASGIMiddleware(served, loop=loop)
        monkeypatch.setitem(city.doors, Face.RESIDENT, lambda: Client(door))
        (rule,) = (one for one in RULES if (one.face, one.path) == (Face.RESIDENT, lane.rule))
        all_right(list(cells(city, rule)))
    assert taken


@contextmanager
def on_a_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def all_right(seen: list[Cell]) -> None:
    """Every caller was told what they may know."""
    wrong = [str(one) for one in seen if not one.right]
    assert not wrong, "\n".join(wrong)


def _usual(rule: Rule) -> int:
    return 303 if rule.answers == "sign-in" else int(rule.answers)
