"""Staff on a real PostgreSQL: accounts, passwords, the second factor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from tests.services.signing_in import (
    PASSWORD,
    a_login,
    a_staff,
    city_at_noon,
    later,
)
from voucher_service.identity import service as identity
from voucher_service.identity.model import (
    PasswordTooShort,
    SignInRefused,
    TooManyRequests,
    UsernameTaken,
)
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import SYSTEM, Actor, ActorKind, Role
from voucher_service.kernel.errors import NotAllowed


@pytest.fixture
def city(core: Core, tmp_path: Path) -> Iterator[Core]:
    with city_at_noon(core, tmp_path) as made:
        yield made


def test_a_stolen_hash_costs_who_guesses_64_mib_and_three_passes_a_try(
    slow_hasher: PasswordHasher,
) -> None:
    assert slow_hasher.hash("a").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_staff_sign_in_and_act_with_their_roles_in_their_area(city: Core) -> None:
    login, member = a_staff(city)
    found = identity.staff_sign_in(city, username=login.upper(), password=PASSWORD)
    assert found.id == member
    actor = identity.staff_actor(city, member)
    assert actor == Actor(ActorKind.STAFF, member, frozenset({Role.PLANNER}), "441702")


def test_staff_accounts_are_opened_by_the_operator_alone_and_once(city: Core) -> None:
    login, member = a_staff(city)
    with pytest.raises(UsernameTaken):
        a_staff(city, username=login.upper())
    with pytest.raises(PasswordTooShort):
        a_staff(city, password="short")
    with pytest.raises(NotAllowed):
        identity.create_staff(
            city,
            actor=Actor(ActorKind.STAFF, member, frozenset({Role.PLANNER})),
            username=a_login(),
            password=PASSWORD,
            display_name="…",
            roles=[Role.APPROVER],
        )


@pytest.mark.parametrize("username", ["nobody-here", "\x00", "\ud800", "x" * 5000, ""])
def test_unknown_and_impossible_usernames_are_refused_alike(city: Core, username: str) -> None:
    with pytest.raises(SignInRefused):
        identity.staff_sign_in(city, username=username, password="\ud800 whatever")


def test_ten_wrong_passwords_close_the_login_even_for_the_right_one(city: Core) -> None:
    login, _ = a_staff(city)
    for _ in range(city.settings.sign_in.failures_per_quarter_hour):
        with pytest.raises(SignInRefused):
            identity.staff_sign_in(city, username=login, password="wrong")
        later(city, seconds=10)
    with pytest.raises(TooManyRequests) as refused:
        identity.staff_sign_in(city, username=login, password=PASSWORD)
    assert refused.value.retry_after_seconds == 900 - 100
    later(city, seconds=800)
    assert identity.staff_sign_in(city, username=login, password=PASSWORD)


def test_a_demonstration_login_is_nobody_in_production(city: Core) -> None:
    login, member = a_staff(city, password="demo-only-x", demo=True)
    production = Core(replace(city.settings, env="production"), city.clock)
    assert identity.staff_sign_in(city, username=login, password="demo-only-x")
    with pytest.raises(SignInRefused):
        identity.staff_sign_in(production, username=login, password="demo-only-x")
    assert identity.staff_actor(production, member) is None
    with pytest.raises(NotAllowed):
        a_staff(production, demo=True)
    production.close()


def test_a_closed_account_is_nobody(city: Core) -> None:
    login, member = a_staff(city)
    identity.close_staff(city, actor=SYSTEM, staff=member)
    assert identity.staff_actor(city, member) is None
    with pytest.raises(SignInRefused):
        identity.staff_sign_in(city, username=login, password=PASSWORD)
