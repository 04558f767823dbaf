"""Households on a list: one voucher each, and whose."""

from __future__ import annotations

from datetime import date

import pytest

from tests.make import World
from tests.services.lists import (
    approved,
    csv_of,
    given,
    holders,
    people,
    proposed,
    unverified,
)
from voucher_service.identity import service as identity
from voucher_service.identity.documents import Document, check_character
from voucher_service.identity.model import SyntheticPerson
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.ids import ResidentId
from voucher_service.pushes import listing
from voucher_service.pushes.model import (
    PushListInvalid,
    Result,
    Unit,
)


def test_a_household_gets_one_and_its_head_comes_first(world: World) -> None:
    offer, crowd = world.offer(), people(world, 5)
    mobiles = [person.mobile for person, _ in crowd]
    content = csv_of(
        f"一,{mobiles[0]},",
        f"一,{mobiles[1]},是",
        f"二,{mobiles[2]},",
        f"二,{mobiles[3]},",
        f"三,{mobiles[1]},",
        ",13800000000,",
        f"四,{mobiles[4]},",
        header="户号,手机号,户主",
    )
    push = approved(world, offer.id, content)
    assert (push.unit, push.count) == (Unit.HOUSEHOLD, 3)
    assert given(world, push) == {
        Result.GIVEN: 3,
        Result.NOT_CHOSEN: 2,
        Result.REPEATED: 1,
        Result.UNREADABLE: 1,
    }
    assert set(holders(world, offer.id)) == {crowd[i][1].id for i in (1, 2, 4)}


def test_a_minor_and_who_is_not_verified_are_passed_over() -> None:
    today = date(2026, 11, 22)
    ids = [ResidentId(one) for one in _uuids(4)]
    lines = [
        listing.Named(number, "", mobile="x", household=1, head=number == 5)
        for number in range(2, 6)
    ]
    born = {
        ids[0]: date(2008, 11, 23),
        ids[1]: date(2008, 11, 22),
        ids[2]: date(1950, 1, 1),
    }
    found = dict(zip(range(2, 6), ids, strict=True))
    placed = listing.place(lines, found, born, today)
    assert [one.result for one in placed] == [
        Result.MINOR,
        None,  # eighteen today
        Result.NOT_CHOSEN,
        Result.NOT_VERIFIED,  # the named head
    ]


def _uuids(count: int) -> list:
    from voucher_service.kernel.ids import new_id

    return [new_id() for _ in range(count)]


def test_a_document_that_tells_no_birthday_counts_as_of_age(world: World) -> None:
    resident = unverified(world.core, "13711110000")
    identity.verify_identity(
        world.core,
        actor=Actor(ActorKind.RESIDENT, resident),
        name="Ann Lee",
        id_number="E12345678",
        consent_version="1",
        document=Document.PASSPORT,
    )
    push, _ = proposed(world, world.offer().id, csv_of("一,13711110000", header="户号,手机号"))
    assert push.count == 1


def test_a_household_of_children_only_gets_nothing(world: World) -> None:
    year = world.now().year - 10
    stem = f"441702{year}0101001"
    child = SyntheticPerson("13722220000", "林小明", stem + check_character(stem))
    identity.register_synthetic(world.core, people=[child], now=world.now())
    with pytest.raises(PushListInvalid):
        proposed(world, world.offer().id, csv_of("一,13722220000", header="户号,手机号"))
