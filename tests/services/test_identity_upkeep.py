"""Many residents at once on a real PostgreSQL: synthetic ones, a change of keys, forgetting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.services.factors import a_person
from tests.services.signing_in import (
    NOON,
    PASSWORD,
    a_mobile,
    an_id_number,
    city_at_noon,
    later,
    signed_in,
    verify,
)
from voucher_service.identity import service as identity
from voucher_service.identity.model import (
    IdentityTaken,
    SignInRefused,
    SyntheticPerson,
)
from voucher_service.infra.core import Core


@pytest.fixture
def city(core: Core, tmp_path: Path) -> Iterator[Core]:
    with city_at_noon(core, tmp_path) as made:
        yield made


def people(count: int) -> list[SyntheticPerson]:
    return [SyntheticPerson(a_mobile(), "林晓", an_id_number()) for _ in range(count)]


def test_synthetic_residents_are_verified_residents_and_one_event(city: Core) -> None:
    batch = people(50)
    ids = identity.register_synthetic(city, people=batch, now=NOON)
    with city.transaction() as session:
        assert identity.require_verified(session, resident=ids[0]).display_name == "林*"
        count = session.execute(
            text(
                "SELECT detail->>'count' FROM audit.event"
                " WHERE action = 'resident.registered_synthetic' ORDER BY id DESC LIMIT 1"
            )
        ).scalar_one()
    assert (len(ids), count) == (50, "50")
    assert signed_in(city, batch[7].mobile).id == ids[7]
    with pytest.raises(IdentityTaken):
        verify(city, signed_in(city), batch[7].id_number)


def test_people_registered_before_are_left_out_of_a_batch(city: Core) -> None:
    first = people(3)
    identity.register_synthetic(city, people=first, now=NOON)
    second = people(2)
    ids = identity.register_synthetic(city, people=[second[0], *first, second[1]], now=NOON)
    assert [signed_in(city, person.mobile).id for person in second] == ids


def with_keys(city: Core, *, first: str = "", last: str = "") -> Core:
    """The same city with more keys before or after its own."""
    own = city.settings.secrets
    secrets = replace(
        own,
        field_keys=f"{first}{own.field_keys}{last}",
        lookup_keys=f"{first}{own.lookup_keys}{last}",
    )
    return Core(replace(city.settings, secrets=secrets), city.clock)


def test_a_key_can_be_changed_while_everyone_keeps_signing_in(city: Core) -> None:
    secrets = replace(city.settings.secrets, field_keys="2:new", lookup_keys="2:new")
    with (
        closing(with_keys(city, first="2:new,")) as both,
        closing(Core(replace(city.settings, secrets=secrets), city.clock)) as new,
        closing(with_keys(city, last=",2:new")) as back,
    ):
        mobile, number = a_mobile(), an_id_number()
        resident = verify(city, signed_in(city, mobile), number)
        person = a_person(city)
        person.enrol()
        later(city, minutes=1)
        assert signed_in(both, mobile).id == resident.id
        with pytest.raises(IdentityTaken):
            verify(both, signed_in(both), number)
        try:
            while identity.rotate_fields(both, batch=50):
                pass
            later(city, minutes=1)
            assert signed_in(new, mobile).id == resident.id
            assert identity.card(new, resident=resident.id).name == "林晓"
            with pytest.raises(SignInRefused):  # the second factor still decrypts and is asked for
                identity.staff_sign_in(new, username=person.login, password=PASSWORD, otp="000000")
        finally:  # other tests may share this database
            while identity.rotate_fields(back, batch=50):
                pass
        assert identity.card(city, resident=resident.id).name == "林晓"


def test_old_codes_and_failures_are_forgotten(city: Core) -> None:
    signed_in(city)
    later(city, days=2)
    assert identity.forget_expired(city) > 0
    assert identity.forget_expired(city) == 0
