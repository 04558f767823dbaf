"""The audit trail searched: by who, what, which and when; searches are on it; files are safe."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import event

from tests.make import World
from tests.services.signing_in import NOON, city_at_noon, later
from voucher_service.audit import search, service
from voucher_service.audit.model import Act, Criteria
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NotAllowed
from voucher_service.kernel.page import CursorInvalid, encode_cursor


@pytest.fixture(scope="module")
def city(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    with city_at_noon(core, Path(tmp_path_factory.mktemp("city"))) as made:
        yield made


@pytest.fixture(scope="module")
def world(city: Core) -> World:
    return World(city)


@pytest.fixture(scope="module")
def auditor(world: World) -> Actor:
    return world.staff(Role.AUDITOR)


def note(city: Core, actor: Actor, action: str, thing: str, **detail: object) -> None:
    with city.transaction() as session:
        service.record(
            session,
            actor=actor,
            action=action,
            object_type="thing",
            object_id=thing,
            now=city.now(session),
            detail=detail,
        )


def find(city: Core, auditor: Actor, **wanted: object) -> list[Act]:
    criteria = Criteria(**wanted)  # type: ignore[arg-type]
    return list(search.page(city, actor=auditor, criteria=criteria, cursor=None, limit=50).items)


def test_events_are_found_by_who_what_which_and_when(
    city: Core, world: World, auditor: Actor
) -> None:
    thing = f"t-{uuid4().hex}"
    note(city, world.planner, "thing.made", thing)
    later(city, hours=1)
    note(city, world.approver, "thing.kept", thing)
    both = find(city, auditor, object_type="thing", object_id=thing)
    assert [one.action for one in both] == ["thing.kept", "thing.made"]
    for wanted in (
        {"actor": world.planner.name},
        {"action": "thing.made"},
        {"until": NOON + timedelta(minutes=30)},
    ):
        assert find(city, auditor, object_id=thing, **wanted) == both[1:]
    assert find(city, auditor, object_id=thing, since=both[0].occurred_at) == both[:1]
    assert find(city, auditor, object_id=thing, until=both[1].occurred_at) == []


def test_pages_go_on_by_cursor_and_only_the_first_is_on_record(city: Core, world: World) -> None:
    auditor, thing = world.staff(Role.AUDITOR), f"t-{uuid4().hex}"
    for number in range(5):
        note(city, world.planner, "thing.counted", thing, number=number)
    mine = Criteria(object_id=thing)
    seen, cursor = [], None
    while True:
        page = search.page(city, actor=auditor, criteria=mine, cursor=cursor, limit=2)
        seen += [one.detail["number"] for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [4, 3, 2, 1, 0]
    searched = find(city, auditor, actor=auditor.name, action="audit.searched")
    assert [one.detail for one in searched[1:]] == [{"object_id": thing}]


@pytest.mark.parametrize(
    "cursor", ["x", encode_cursor("x"), encode_cursor(-1), encode_cursor(1, 2)]
)
def test_a_cursor_that_is_not_ours_is_refused(city: Core, auditor: Actor, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        search.page(city, actor=auditor, criteria=Criteria(), cursor=cursor, limit=2)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.AUDITOR, Role.MANAGER, Role.CASHIER}))
def test_only_auditors_of_the_whole_city_search(city: Core, world: World, role: Role) -> None:
    for actor in (world.staff(role), world.staff(Role.AUDITOR, area="441702")):
        with pytest.raises(NotAllowed):
            search.page(city, actor=actor, criteria=Criteria(), cursor=None, limit=2)
        with pytest.raises(NotAllowed):
            search.file(city, actor=actor, criteria=Criteria())


def test_a_file_holds_no_formula_and_is_on_record(city: Core, world: World) -> None:
    auditor, thing = world.staff(Role.AUDITOR), '=HYPERLINK("http://x")'
    note(city, world.planner, "+thing.made", thing)
    content = search.file(city, actor=auditor, criteria=Criteria(object_id=thing))
    head, row = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    kept = dict(zip(head, row, strict=True))
    assert kept["object_id"] == f"'{thing}"
    assert kept["action"] == "'+thing.made"
    (exported,) = find(city, auditor, actor=auditor.name, action="audit.exported")
    assert exported.detail["events"] == 1


def test_searches_by_staff_and_by_reader_use_their_indexes(
    city: Core, world: World, auditor: Actor
) -> None:
    asked: list[tuple[str, object]] = []
    listen = lambda *told: asked.append((told[2], told[3]))  # noqa: E731
    event.listen(city.engine, "before_cursor_execute", listen)
    try:
        with city.transaction() as session:
            search.reads(session, resident=uuid4(), hashes=["x"], cursor=None, limit=5)
        find(city, auditor, actor=world.planner.name)
    finally:
        event.remove(city.engine, "before_cursor_execute", listen)
    searches = [one for one in asked if "FROM audit.event" in one[0]]
    assert len(searches) == 2
    for (statement, values), index in zip(
        searches, ("ix_event_reads", "ix_event_staff"), strict=True
    ):
        with city.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_indexscan = on")
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values)  # type: ignore[arg-type]
            assert index in "\n".join(row[0] for row in plan), index
