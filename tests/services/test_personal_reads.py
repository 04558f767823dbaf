"""Personal data at the desk: masked, revealed for a reason, on record, and not too often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.make import World
from tests.services.signing_in import (
    a_mobile,
    an_id_number,
    city_at_noon,
    later,
    signed_in,
    verify,
)
from voucher_service.audit import search
from voucher_service.audit.model import Criteria
from voucher_service.identity import documents
from voucher_service.identity import service as identity
from voucher_service.identity.desk import Field, Reason
from voucher_service.identity.model import IdNumberInvalid, Resident, TooManyRequests
from voucher_service.identity.service.reading import Desk
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed

DESK = Desk("/residents", None)
ACTING = (Role.PLANNER, Role.APPROVER, Role.FINANCE, Role.ADMINISTRATOR)


@pytest.fixture
def city(core: Core, tmp_path: Path) -> Iterator[Core]:
    with city_at_noon(core, tmp_path) as made:
        yield made


@pytest.fixture
def world(city: Core) -> World:
    return World(city)


@pytest.fixture
def reviewer(world: World) -> Actor:
    return world.staff(Role.REVIEWER)


class Someone:
    """A verified resident of 江城区."""

    def __init__(self, city: Core) -> None:
        self.mobile, self.number = a_mobile(), an_id_number()
        self.resident: Resident = verify(city, signed_in(city, self.mobile), self.number, "林晓明")


def reveal(city: Core, actor: Actor, someone: Someone, *fields: Field) -> dict[Field, str]:
    return dict(
        identity.reveal(
            city,
            actor=actor,
            desk=DESK,
            resident=someone.resident.id,
            fields=fields or (Field.NAME,),
            reason=Reason.COMPLAINT,
            note="工单 20260501-7",
        )
    )


def rows(city: Core, actor: Actor) -> list[dict[str, object]]:
    """What the trail keeps of an actor's readings, oldest first."""
    with city.transaction() as session:
        found = session.execute(
            text(
                "SELECT action, object_id, detail FROM audit.event WHERE actor = :actor"
                " AND action LIKE 'resident.%' ORDER BY id"
            ),
            {"actor": actor.name},
        )
        return [{"action": a, "object_id": o, **(d or {})} for a, o, d in found]


def test_a_resident_is_found_masked_by_number_mobile_or_voucher(
    city: Core, reviewer: Actor
) -> None:
    someone = Someone(city)
    by_number = identity.look_up_identity(
        city, actor=reviewer, desk=DESK, id_number=someone.number.lower()
    )
    by_mobile = identity.look_up_mobile(
        city, actor=reviewer, desk=DESK, mobile=f"+86 {someone.mobile}"
    )
    by_voucher = identity.look_up_holder(
        city, actor=reviewer, desk=DESK, voucher=uuid4(), holder=someone.resident.id
    )
    assert by_number is not None
    assert by_number == by_mobile == by_voucher
    assert by_number.name == "林*"
    assert by_number.mobile == f"{someone.mobile[:3]}****{someone.mobile[-4:]}"
    assert by_number.id_number == f"{someone.number[:4]}{'*' * 10}{someone.number[-4:]}"
    shown = repr(by_number)
    assert someone.mobile not in shown
    assert someone.number not in shown


@pytest.mark.parametrize("number", ["E12345678", "AB12345", "12345", "ABC123456789012"])
def test_of_a_number_more_is_hidden_than_shown(number: str) -> None:
    masked = documents.masked_number(number)
    assert len(masked) == len(number)
    assert masked.count("*") > len(number) // 2


def test_revealing_is_on_record_with_who_whose_what_and_why(city: Core, reviewer: Actor) -> None:
    someone = Someone(city)
    shown = reveal(city, reviewer, someone, Field.NAME, Field.ID_NUMBER)
    assert shown == {Field.NAME: "林晓明", Field.ID_NUMBER: someone.number}
    (kept,) = rows(city, reviewer)
    assert kept["action"] == "resident.revealed"
    assert kept["object_id"] == str(someone.resident.id)
    assert kept["fields"] == ["id_number", "name"]
    assert (kept["reason"], kept["note"], kept["page"]) == (
        "complaint",
        "工单 20260501-7",
        "/residents",
    )
    assert len(str(kept["identity"])) == 64


def test_nothing_that_was_typed_is_kept_in_clear(city: Core, reviewer: Actor) -> None:
    someone = Someone(city)
    identity.look_up_identity(city, actor=reviewer, desk=DESK, id_number=someone.number)
    identity.look_up_mobile(city, actor=reviewer, desk=DESK, mobile=someone.mobile)
    auditor = World(city).staff(Role.AUDITOR)
    identity.seen_by(city, actor=auditor, id_number=someone.number, cursor=None, limit=10)
    with city.transaction() as session:
        kept = session.scalar(
            text(
                "SELECT count(*) FROM audit.event e WHERE position(:number IN e::text) > 0"
                " OR position(:mobile IN e::text) > 0"
            ),
            {"number": someone.number, "mobile": someone.mobile},
        )
    assert kept == 0


def test_who_finds_nobody_is_on_record_too(city: Core, reviewer: Actor) -> None:
    assert identity.look_up_mobile(city, actor=reviewer, desk=DESK, mobile=a_mobile()) is None
    (kept,) = rows(city, reviewer)
    assert (kept["object_id"], kept["found"]) == ("nobody", False)
    with pytest.raises(IdNumberInvalid):
        identity.look_up_identity(city, actor=reviewer, desk=DESK, id_number="1")
    assert len(rows(city, reviewer)) == 1


@pytest.mark.parametrize("role", ACTING)
def test_other_roles_look_nobody_up(city: Core, world: World, role: Role) -> None:
    someone, actor = Someone(city), world.staff(role)
    with pytest.raises(NotAllowed):
        identity.look_up_mobile(city, actor=actor, desk=DESK, mobile=someone.mobile)
    with pytest.raises(NotAllowed):
        reveal(city, actor, someone)
    assert rows(city, actor) == []


def test_a_county_reviewer_finds_the_people_of_the_county(city: Core, world: World) -> None:
    someone = Someone(city)
    mine, other = (world.staff(Role.REVIEWER, area=one) for one in ("441702", "441781"))
    assert identity.look_up_mobile(city, actor=mine, desk=DESK, mobile=someone.mobile)
    assert identity.look_up_mobile(city, actor=other, desk=DESK, mobile=someone.mobile) is None
    with pytest.raises(NoSuchThing):
        reveal(city, other, someone)


def test_reading_too_much_is_refused_and_raises_an_alarm(city: Core, world: World) -> None:
    few = replace(city.settings.desk, personal_reads_per_hour=3)
    strict = Core(replace(city.settings, desk=few), city.clock)
    reviewer, other, someone = world.staff(Role.REVIEWER), world.staff(Role.REVIEWER), Someone(city)
    try:
        for _ in range(3):
            reveal(strict, reviewer, someone)
            later(city, minutes=10)
        with pytest.raises(TooManyRequests) as refused:
            reveal(strict, reviewer, someone)
        assert refused.value.retry_after_seconds == 30 * 60
        assert reveal(strict, other, someone)
        assert len(rows(city, reviewer)) == 3
        with city.transaction() as session:
            kind = session.scalar(
                text("SELECT kind FROM alarm WHERE subject = :who AND status <> 'cleared'"),
                {"who": reviewer.name},
            )
        assert kind == "privacy"
        later(city, minutes=31)
        assert reveal(strict, reviewer, someone)
    finally:
        strict.close()


def test_an_auditor_finds_everybody_who_saw_a_number(city: Core, world: World) -> None:
    someone, stranger = Someone(city), Someone(city)
    first, second = world.staff(Role.REVIEWER), world.staff(Role.REVIEWER)
    identity.look_up_identity(city, actor=first, desk=DESK, id_number=someone.number)
    reveal(city, second, someone)
    reveal(city, second, stranger)
    auditor = world.staff(Role.AUDITOR)
    found = identity.seen_by(
        city, actor=auditor, id_number=someone.number, cursor=None, limit=10
    ).items
    assert [(one.actor, one.action) for one in found] == [
        (second.name, "resident.revealed"),
        (first.name, "resident.looked_up"),
    ]
    page = identity.seen_by(city, actor=auditor, id_number=someone.number, cursor=None, limit=1)
    rest = identity.seen_by(
        city, actor=auditor, id_number=someone.number, cursor=page.next, limit=10
    )
    assert [*page.items, *rest.items] == list(found)


def test_who_typed_a_number_before_it_belonged_to_anybody_is_found(
    city: Core, world: World, reviewer: Actor
) -> None:
    number = an_id_number()
    assert identity.look_up_identity(city, actor=reviewer, desk=DESK, id_number=number) is None
    verify(city, signed_in(city), number)
    auditor = world.staff(Role.AUDITOR)
    found = identity.seen_by(city, actor=auditor, id_number=number, cursor=None, limit=10)
    assert [one.actor for one in found.items] == [reviewer.name]


def test_the_auditors_question_is_on_record(city: Core, world: World) -> None:
    auditor, number = world.staff(Role.AUDITOR), an_id_number()
    identity.seen_by(city, actor=auditor, id_number=number, cursor=None, limit=10)
    mine = Criteria(actor=auditor.name)
    found = search.page(city, actor=auditor, criteria=mine, cursor=None, limit=10).items
    assert [one.action for one in found] == ["audit.searched", "audit.asked_who_saw"]
    for actor in (world.staff(Role.REVIEWER), world.staff(Role.AUDITOR, area="441702")):
        with pytest.raises(NotAllowed):
            identity.seen_by(city, actor=actor, id_number=number, cursor=None, limit=10)
