"""Residents on a real PostgreSQL: signing in, and one identity one account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.services.signing_in import (
    a_mobile,
    acting,
    an_id_number,
    city_at_noon,
    last_code,
    later,
    signed_in,
    verify,
)
from voucher_service.identity import service as identity
from voucher_service.identity.documents import Document, check_character
from voucher_service.identity.model import (
    AlreadyVerified,
    ConsentRequired,
    Honorific,
    IdentityMismatch,
    IdentityRequired,
    IdentityTaken,
    IdNumberInvalid,
    MobileInvalid,
    NameInvalid,
    Resident,
    ResidentBlocked,
    ResidentStatus,
    SignInRefused,
    TooManyRequests,
)
from voucher_service.infra.core import Core
from voucher_service.infra.sms import SmsUnavailable
from voucher_service.infra.verification import Match, Verifier
from voucher_service.kernel.actor import Actor, ActorKind, Evidence, Role
from voucher_service.kernel.errors import NoSuchThing, NotAllowed
from voucher_service.kernel.ids import ResidentId, new_id
from voucher_service.kernel.machine import IllegalTransition
from voucher_service.settings import Sms


@pytest.fixture
def city(core: Core, tmp_path: Path) -> Iterator[Core]:
    with city_at_noon(core, tmp_path) as made:
        yield made


def loaded(city: Core, resident: ResidentId) -> Resident:
    with city.transaction() as session:
        return identity.load(session, resident=resident)


def answers(match: Match) -> Verifier:
    class Fixed(Verifier):
        def verify(self, *, document: str, name: str, number: str) -> Match:
            return match

    return Fixed()


def test_first_sign_in_makes_the_account_and_the_second_finds_it(city: Core) -> None:
    mobile = a_mobile()
    first = signed_in(city, mobile)
    later(city, minutes=1)
    assert signed_in(city, f"+86 {mobile[:3]} {mobile[3:]}") == first
    assert not first.verified


def test_the_message_holds_the_code_and_no_link(city: Core) -> None:
    identity.request_code(city, mobile=a_mobile())
    message = json.loads(Path(city.settings.sms.outbox).read_text("utf-8"))
    assert len(message["code"]) == 6
    assert message["code"] in message["text"]
    assert "http" not in message["text"]


def test_a_code_works_once(city: Core) -> None:
    mobile = a_mobile()
    signed_in(city, mobile)
    with pytest.raises(SignInRefused):
        identity.sign_in(city, mobile=mobile, code=last_code(city), evidence=Evidence())


def test_only_the_newest_code_counts(city: Core) -> None:
    mobile = a_mobile()
    identity.request_code(city, mobile=mobile)
    old = last_code(city)
    later(city, seconds=1)
    identity.request_code(city, mobile=mobile)
    if old != last_code(city):
        with pytest.raises(SignInRefused):
            identity.sign_in(city, mobile=mobile, code=old, evidence=Evidence())
    assert identity.sign_in(city, mobile=mobile, code=last_code(city), evidence=Evidence())


def test_a_code_is_refused_after_its_time(city: Core) -> None:
    mobile = a_mobile()
    identity.request_code(city, mobile=mobile)
    later(city, seconds=city.settings.sign_in.code_ttl_seconds)
    with pytest.raises(SignInRefused):
        identity.sign_in(city, mobile=mobile, code=last_code(city), evidence=Evidence())


def test_too_many_wrong_tries_void_the_right_code(city: Core) -> None:
    mobile = a_mobile()
    identity.request_code(city, mobile=mobile)
    right = last_code(city)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for attempt in [wrong] * city.settings.sign_in.code_attempts + [right]:
        with pytest.raises(SignInRefused):
            identity.sign_in(city, mobile=mobile, code=attempt, evidence=Evidence())


@pytest.mark.parametrize("code", ["", "abc", "１２", "\ud800", "0" * 1000])
def test_nonsense_and_unknown_mobiles_are_refused_alike(city: Core, code: str) -> None:
    with pytest.raises(SignInRefused):
        identity.sign_in(city, mobile=a_mobile(), code=code, evidence=Evidence())


def test_a_wrong_mobile_gets_no_message(city: Core) -> None:
    with pytest.raises(MobileInvalid):
        identity.request_code(city, mobile="12345")
    assert not Path(city.settings.sms.outbox).exists()


def test_codes_of_an_hour_are_limited_and_the_wait_is_said(city: Core) -> None:
    mobile = a_mobile()
    for _ in range(city.settings.sign_in.codes_per_hour):
        identity.request_code(city, mobile=mobile)
        later(city, minutes=1)
    with pytest.raises(TooManyRequests) as refused:
        identity.request_code(city, mobile=mobile)
    wait = refused.value.retry_after_seconds
    assert wait == 3600 - 60 * city.settings.sign_in.codes_per_hour
    later(city, seconds=wait)
    identity.request_code(city, mobile=mobile)


def test_without_a_message_service_the_resident_is_told_to_try_later(city: Core) -> None:
    silent = replace(city.settings, sms=Sms("none", ""))
    with closing(Core(silent, city.clock)) as mute, pytest.raises(SmsUnavailable):
        identity.request_code(mute, mobile=a_mobile())


def test_two_first_sign_ins_with_one_code_make_one_account(city: Core) -> None:
    mobile = a_mobile()
    identity.request_code(city, mobile=mobile)
    code = last_code(city)

    def attempt(_: int) -> Resident | None:
        try:
            return identity.sign_in(city, mobile=mobile, code=code, evidence=Evidence())
        except SignInRefused:
            return None

    with ThreadPoolExecutor(4) as pool:
        assert sum(found is not None for found in pool.map(attempt, range(4))) == 1


def test_a_verified_resident_shows_only_the_surname(city: Core) -> None:
    resident = verify(city, signed_in(city), "44170219900101002X")
    assert resident.verified
    assert (resident.display_name, resident.surname, resident.area) == ("林*", "林", "441702")
    assert resident.honorific is Honorific.MS
    shown = identity.card(city, resident=resident.id)
    assert (shown.name, shown.id_last4, shown.mobile[3:7]) == ("林晓", "002X", "****")


def test_nothing_personal_is_stored_in_clear(city: Core) -> None:
    number, mobile = an_id_number(), a_mobile()
    resident = verify(city, signed_in(city, mobile), number)
    with city.transaction() as session:
        found = session.execute(
            text("SELECT * FROM resident WHERE id = :id"), {"id": resident.id}
        ).one()
        events = session.execute(
            text("SELECT string_agg(detail::text, '') FROM audit.event WHERE object_id = :id"),
            {"id": str(resident.id)},
        ).scalar_one()
    stored = b"".join(value for value in found if isinstance(value, bytes)) + f"{found}".encode()
    for secret in (number, mobile, "林晓"):
        assert secret.encode() not in stored
        assert secret not in events


def test_one_identity_has_one_account_in_whatever_spelling(city: Core) -> None:
    number = an_id_number()
    verify(city, signed_in(city), number)
    other = signed_in(city)
    wide = "".join(chr(ord(char) + 0xFEE0) for char in number)
    for spelling in (number, number.lower(), f" {number[:6]} {number[6:]}", wide):
        with pytest.raises(IdentityTaken):
            verify(city, other, spelling)
    assert not loaded(city, other.id).verified


def test_many_accounts_at_once_for_one_identity_leave_one_verified(city: Core) -> None:
    number = an_id_number()
    residents = [signed_in(city) for _ in range(4)]

    def attempt(resident: Resident) -> bool:
        try:
            return verify(city, resident, number).verified
        except IdentityTaken:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, residents)) == 1


def test_the_same_identity_again_gives_the_same_answer_and_another_is_refused(city: Core) -> None:
    number, resident = an_id_number(), signed_in(city)
    first = verify(city, resident, number)
    assert verify(city, resident, number.lower()) == first
    with pytest.raises(AlreadyVerified):
        verify(city, resident, an_id_number())


def test_bad_names_numbers_and_consent_change_nothing(city: Core) -> None:
    resident = signed_in(city)
    good = an_id_number()
    bad = good[:-1] + ("0" if good[-1] != "0" else "1")
    unborn = "44170220990101001"
    for name, number, refusal in (
        ("林😀", good, NameInvalid),
        ("林\x00", good, NameInvalid),
        ("林晓", bad, IdNumberInvalid),
        ("林晓", unborn + check_character(unborn), IdNumberInvalid),
    ):
        with pytest.raises(refusal):
            verify(city, resident, number, name)
    for version in ("", "\x00", "v" * 41):
        with pytest.raises(ConsentRequired):
            identity.verify_identity(
                city,
                actor=acting(resident),
                name="林晓",
                id_number=good,
                consent_version=version,
            )
    assert not loaded(city, resident.id).verified


def test_a_stranger_s_name_is_refused_and_guessing_is_stopped(
    city: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, number = signed_in(city), an_id_number()
    monkeypatch.setitem(city.__dict__, "verification", answers(Match.DIFFERENT))
    for _ in range(city.settings.sign_in.failures_per_quarter_hour):
        with pytest.raises(IdentityMismatch):
            verify(city, resident, number)
    with pytest.raises(TooManyRequests):
        verify(city, resident, number)
    monkeypatch.setitem(city.__dict__, "verification", answers(Match.SAME))
    later(city, minutes=15)
    assert verify(city, resident, number).verified


def test_other_documents_are_verified_too(city: Core) -> None:
    resident = signed_in(city)
    found = identity.verify_identity(
        city,
        actor=acting(resident),
        document=Document.PASSPORT,
        name="Mary Lin",
        id_number=f"e{a_mobile()[3:]}",
        consent_version="2026-01",
    )
    assert (found.verified, found.honorific, found.area) == (True, None, None)


def test_only_verified_residents_who_are_not_blocked_may_claim(city: Core) -> None:
    resident = signed_in(city)
    reviewer = Actor(ActorKind.STAFF, new_id(), frozenset({Role.REVIEWER}))

    def required() -> Resident:
        with city.transaction() as session:
            return identity.require_verified(session, resident=resident.id)

    with pytest.raises(IdentityRequired):
        required()
    verify(city, resident, an_id_number())
    assert required().verified
    with pytest.raises(NotAllowed):
        identity.block_resident(city, actor=acting(resident), resident=resident.id, reason="…")
    blocked = identity.block_resident(city, actor=reviewer, resident=resident.id, reason="刷单")
    assert blocked.status is ResidentStatus.BLOCKED
    with pytest.raises(ResidentBlocked):
        required()
    with pytest.raises(ResidentBlocked):
        verify(city, resident, an_id_number())
    with pytest.raises(IllegalTransition):
        identity.block_resident(city, actor=reviewer, resident=resident.id, reason="刷单")
    identity.unblock_resident(city, actor=reviewer, resident=resident.id, reason="查清")
    assert required().verified


def test_an_unknown_resident_is_nobody(city: Core) -> None:
    assert identity.resident_actor(city, new_id()) is None
    with pytest.raises(NoSuchThing):
        loaded(city, ResidentId(new_id()))
    resident = signed_in(city)
    assert identity.resident_actor(city, resident.id) == acting(resident)


def test_holding_an_identity_is_told_from_hashes(city: Core) -> None:
    number = an_id_number()
    resident = verify(city, signed_in(city), number)
    with city.transaction() as session:
        row = session.execute(
            text("SELECT identity_hash FROM resident WHERE id = :id"), {"id": resident.id}
        ).scalar_one()
        holds = identity.holds_identity
        assert holds(session, resident=resident.id, hashes={bytes(row)})
        assert not holds(session, resident=resident.id, hashes={bytes(32)})
        assert not holds(session, resident=resident.id, hashes=())
        assert not holds(session, resident=ResidentId(UUID(int=0)), hashes={bytes(row)})
