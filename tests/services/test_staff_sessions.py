"""Sessions on a real PostgreSQL: seen by their owner, ended at once, by few queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from tests.make import World
from tests.services.factors import Person, a_person
from tests.services.signing_in import city_at_noon, later
from voucher_service.identity import service as identity
from voucher_service.infra import sessions
from voucher_service.infra.core import Core
from voucher_service.infra.sessions import SignInSession
from voucher_service.kernel.actor import SYSTEM, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.merchants import service as merchants
from voucher_service.web.auth import claims_of, issue
from voucher_service.web.face import Face


@pytest.fixture
def city(core: Core, tmp_path: Path) -> Iterator[Core]:
    with city_at_noon(core, tmp_path) as made:
        yield made


@pytest.fixture
def person(city: Core) -> Person:
    return a_person(city)


def opened(city: Core, person: Person) -> UUID:
    """A new session of a person."""
    token = issue(city, Face.ADMIN, person.id).access_token
    return claims_of(city, Face.ADMIN, token).session


def works(city: Core, person: Person, session: UUID) -> bool:
    """Whether a request with this session's token acts for the person."""
    return identity.at_work(city, subject=person.id, session=session) is not None


def living(city: Core, person: Person) -> list[SignInSession]:
    return identity.staff_account(city, actor=person.actor, staff=person.id)[1]


def test_a_session_ends_alone_and_at_once(city: Core, person: Person) -> None:
    first, second = opened(city, person), opened(city, person)
    assert {one.id for one in living(city, person)} == {first, second}
    identity.end_session(city, actor=person.actor, session=first)
    assert not works(city, person, first)
    assert works(city, person, second)
    with pytest.raises(NoSuchThing):
        identity.end_session(city, actor=person.actor, session=first)


def test_signing_out_everywhere_else_keeps_this_session(city: Core, person: Person) -> None:
    here, *others = [opened(city, person) for _ in range(3)]
    assert identity.end_sessions(city, actor=person.actor, but=here) == 2
    assert works(city, person, here)
    assert not any(works(city, person, one) for one in others)


def test_nobody_ends_or_reads_the_sessions_of_others(city: Core, person: Person) -> None:
    session = opened(city, person)
    other = a_person(city)
    with pytest.raises(NoSuchThing):
        identity.end_session(city, actor=other.actor, session=session)
    for act in (
        lambda: identity.end_session(city, actor=other.actor, session=session, staff=person.id),
        lambda: identity.end_sessions(city, actor=other.actor, staff=person.id),
        lambda: identity.staff_account(city, actor=other.actor, staff=person.id),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert works(city, person, session)


def test_a_changed_factor_or_password_ends_the_other_sessions(city: Core, person: Person) -> None:
    first = opened(city, person)
    person.enrol()
    assert not works(city, person, first)
    here, other = opened(city, person), opened(city, person)
    identity.change_password(
        city,
        actor=person.actor,
        old="correct horse battery",
        new="another horse battery",
        session=here,
    )
    assert works(city, person, here)
    assert not works(city, person, other)


def test_a_closed_account_has_no_session(city: Core, person: Person) -> None:
    session = opened(city, person)
    identity.close_staff(city, actor=SYSTEM, staff=person.id)
    assert not works(city, person, session)
    assert living_of(city, person) == []


def living_of(city: Core, person: Person) -> list[SignInSession]:
    auditor = World(city).staff(Role.AUDITOR)
    return identity.staff_account(city, actor=auditor, staff=person.id)[1]


def test_a_token_of_no_session_or_of_another_face_is_nobodys(city: Core, person: Person) -> None:
    assert not works(city, person, uuid4())
    token = issue(city, Face.MERCHANT, person.id).access_token
    assert not works(city, person, claims_of(city, Face.MERCHANT, token).session)


def test_the_last_use_is_kept_to_five_minutes(city: Core, person: Person) -> None:
    session = opened(city, person)
    (began,) = living(city, person)
    for minutes, moved in ((4, False), (2, True)):
        later(city, minutes=minutes)
        assert works(city, person, session)
        (found,) = living(city, person)
        assert (found.seen_at > began.seen_at) is moved


def test_an_account_and_its_session_are_one_query(city: Core, person: Person) -> None:
    session = opened(city, person)
    works(city, person, session)
    asked: list[str] = []
    listen = lambda *told: asked.append(told[2])  # noqa: E731
    event.listen(city.engine, "before_cursor_execute", listen)
    try:
        works(city, person, session)
    finally:
        event.remove(city.engine, "before_cursor_execute", listen)
    assert len(asked) == 1, asked


def test_a_cashiers_token_ends_with_its_session(core: Core) -> None:
    cashier = World(core).cashier()
    assert cashier.id is not None
    token = issue(core, Face.MERCHANT, cashier.id).access_token
    session = claims_of(core, Face.MERCHANT, token).session
    found = merchants.cashier_at_till(core, subject=cashier.id, session=session)
    assert found is not None
    with core.transaction() as books:
        assert sessions.end(books, id=session, subject=cashier.id, now=core.now(books))
    assert merchants.cashier_at_till(core, subject=cashier.id, session=session) is None


def test_a_resident_signs_out_of_everything_and_in_again(core: Core) -> None:
    resident = World(core).resident()
    assert resident.id is not None
    old = claims_of(core, Face.RESIDENT, issue(core, Face.RESIDENT, resident.id).access_token)
    assert identity.resident_actor(core, resident.id, issued_at=old.issued_at)
    identity.sign_out_everywhere(core, actor=resident)
    assert identity.resident_actor(core, resident.id, issued_at=old.issued_at) is None
    new = claims_of(core, Face.RESIDENT, issue(core, Face.RESIDENT, resident.id).access_token)
    assert identity.resident_actor(core, resident.id, issued_at=new.issued_at)


def test_sessions_long_over_are_forgotten(city: Core, person: Person) -> None:
    opened(city, person)
    later(city, days=181)
    assert identity.forget_expired(city) >= 1
    assert living(city, person) == []
