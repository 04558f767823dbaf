"""Second factors on a real PostgreSQL: enrolled by a code, shown once, replaced by ten codes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.services.factors import Person, a_person
from tests.services.signing_in import PASSWORD, city_at_noon, later
from voucher_service.identity import service as identity
from voucher_service.identity.model import (
    Factor,
    FactorRefused,
    PasswordTooShort,
    PasswordUnchanged,
    SecondFactorRequired,
    TooManyRequests,
)
from voucher_service.infra.core import Core
from voucher_service.web.auth import claims_of, issue
from voucher_service.web.face import Face


@pytest.fixture
def city(core: Core, tmp_path: Path) -> Iterator[Core]:
    with city_at_noon(core, tmp_path) as made:
        yield made


@pytest.fixture
def person(city: Core) -> Person:
    return a_person(city)


def test_a_secret_counts_only_once_a_code_has_confirmed_it(city: Core, person: Person) -> None:
    person.secret = identity.begin_otp(city, actor=person.actor)
    assert identity.pending_otp(city, actor=person.actor) == person.secret
    assert person.signs_in()
    with pytest.raises(FactorRefused):
        identity.confirm_otp(city, actor=person.actor, code="000000")
    assert person.signs_in()
    codes = identity.confirm_otp(city, actor=person.actor, code=person.code())
    assert len(set(codes)) == 10
    assert identity.pending_otp(city, actor=person.actor) is None
    assert not person.signs_in()
    assert person.signs_in(person.code())


def test_each_code_opens_one_session_however_many_try_at_once(city: Core, person: Person) -> None:
    person.enrol()
    code = person.code()
    with ThreadPoolExecutor(4) as pool:
        doors = list(pool.map(lambda _: person.signs_in(code), range(4)))
    assert sum(doors) == 1
    assert [person.signs_in(wrong) for wrong in (None, "", "abcdef", "12345 6")] == [False] * 4


def test_a_recovery_code_stands_in_for_the_phone_once(city: Core, person: Person) -> None:
    person.enrol()
    first, second = person.codes[:2]
    assert person.signs_in(first.upper().replace("-", " "))
    assert not person.signs_in(first)
    with city.transaction() as session:
        assert identity.recovery_codes_left(session, staff=person.id) == 9
    fresh = identity.renew_recovery_codes(city, actor=person.actor)
    assert not person.signs_in(second)
    assert person.signs_in(fresh[0])
    assert not a_person(city).signs_in(fresh[1], password="wrong")


def test_recovery_codes_go_with_the_last_factor(city: Core, person: Person) -> None:
    person.enrol()
    identity.remove_otp(city, actor=person.actor)
    with city.transaction() as session:
        assert identity.recovery_codes_left(session, staff=person.id) == 0
        assert identity.load_staff(session, staff=person.id).factors == frozenset()
    assert person.signs_in()


def test_guessing_codes_closes_the_account_page_too(city: Core, person: Person) -> None:
    person.enrol()
    token = issue(city, Face.ADMIN, person.id)
    session = claims_of(city, Face.ADMIN, token.access_token).session

    def guess() -> None:
        identity.show_factor(city, actor=person.actor, session=session, otp="000000")

    for _ in range(city.settings.sign_in.failures_per_quarter_hour):
        with pytest.raises(FactorRefused):
            guess()
    with pytest.raises(TooManyRequests):
        guess()


def test_a_factor_is_fresh_for_ten_minutes(city: Core, person: Person) -> None:
    person.enrol()
    token = issue(city, Face.ADMIN, person.id, factor=True)
    session = claims_of(city, Face.ADMIN, token.access_token).session

    def fresh() -> bool:
        found = identity.at_work(city, subject=person.id, session=session)
        assert found is not None
        return found.fresh(city.settings.desk.fresh_factor_seconds)

    assert fresh()
    later(city, minutes=10, seconds=1)
    assert not fresh()
    identity.show_factor(city, actor=person.actor, session=session, otp=person.code())
    assert fresh()


def test_who_has_no_factor_is_asked_for_none(city: Core, person: Person) -> None:
    token = issue(city, Face.ADMIN, person.id)
    session = claims_of(city, Face.ADMIN, token.access_token).session
    found = identity.at_work(city, subject=person.id, session=session)
    assert found is not None
    assert found.fresh(0)


def test_in_production_staff_do_nothing_before_they_enrolled(city: Core, person: Person) -> None:
    production = Core(replace(city.settings, env="production"), city.clock)
    try:
        staff = identity.staff_sign_in(production, username=person.login, password=PASSWORD)
        token = issue(production, Face.ADMIN, staff.id)
        session = claims_of(production, Face.ADMIN, token.access_token).session
        found = identity.at_work(production, subject=person.id, session=session)
        assert found is not None
        assert isinstance(found.refusal, SecondFactorRequired)
        person.enrol()
        token = issue(production, Face.ADMIN, staff.id, factor=True)
        session = claims_of(production, Face.ADMIN, token.access_token).session
        found = identity.at_work(production, subject=person.id, session=session)
        assert found is not None
        assert found.refusal is None
    finally:
        production.close()


def test_a_password_is_changed_by_who_knows_it(city: Core, person: Person) -> None:
    new = "another horse battery"
    for old, wanted in (("wrong", new), (PASSWORD, PASSWORD)):
        with pytest.raises(PasswordUnchanged):
            identity.change_password(city, actor=person.actor, old=old, new=wanted)
    with pytest.raises(PasswordTooShort):
        identity.change_password(city, actor=person.actor, old=PASSWORD, new="short")
    identity.change_password(city, actor=person.actor, old=PASSWORD, new=new)
    assert not person.signs_in()
    assert person.signs_in(password=new)


def test_an_account_says_which_factors_it_has(city: Core, person: Person) -> None:
    person.enrol()
    with city.transaction() as session:
        assert identity.load_staff(session, staff=person.id).factors == {Factor.OTP}
