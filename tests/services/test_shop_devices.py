"""Devices that a manager enrols, and what is refused on others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from tests.services.shops import Chain, history
from voucher_service.identity.model import (
    TooManyRequests,
)
from voucher_service.infra.core import with_clock
from voucher_service.kernel.actor import Actor, Role
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.kernel.ids import DeviceId, new_id
from voucher_service.merchants import service as merchants
from voucher_service.merchants.stands import (
    DeviceNotEnrolled,
    Enrolled,
    EnrolmentCodeInvalid,
    NoDeviceEnrolled,
)


def enrolled(chain: Chain, name: str = "前台手机") -> Enrolled:
    """A device, by code."""
    made = merchants.make_enrolment_code(chain.core, actor=chain.manager, shop=chain.main)
    return merchants.enrol(
        chain.core, code=made.code, name=name, agent="Chrome, Android", address_prefix="10.0.0.0/24"
    )


def test_a_code_enrols_one_device_once(chain: Chain) -> None:
    made = merchants.make_enrolment_code(chain.core, actor=chain.manager, shop=chain.main)
    assert len(made.code) == 8 and made.code.isdigit()

    def enrol() -> Enrolled:
        return merchants.enrol(
            chain.core,
            code=made.code,
            name="前台手机",
            agent="Chrome",
            address_prefix="10.9.9.0/24",
        )

    device = enrol().device
    assert (device.name, device.shop_id, device.enrolled_by) == (
        "前台手机",
        chain.main,
        chain.manager.id,
    )
    with pytest.raises(EnrolmentCodeInvalid):
        enrol()
    page = merchants.devices(chain.core, actor=chain.manager, cursor=None, limit=50)
    assert device in page.items
    assert history(chain.core, device.id) == ["device.enrolled"]


def test_a_code_lives_ten_minutes(chain: Chain) -> None:
    now = chain.world.now()
    made = merchants.make_enrolment_code(chain.core, actor=chain.manager, shop=chain.main)
    late = with_clock(chain.core, Clock(now + timedelta(minutes=10, seconds=1)))
    with pytest.raises(EnrolmentCodeInvalid):
        merchants.enrol(late, code=made.code, name="手机", agent="", address_prefix="10.8.0.0/24")


def test_guessing_codes_closes_the_network_for_a_quarter_of_an_hour(chain: Chain) -> None:
    made = merchants.make_enrolment_code(chain.core, actor=chain.manager, shop=chain.main)

    def enrol(code: str) -> Enrolled:
        return merchants.enrol(
            chain.core, code=code, name="手机", agent="", address_prefix="10.7.0.0/24"
        )

    for number in range(chain.core.settings.sign_in.failures_per_quarter_hour):
        with pytest.raises(EnrolmentCodeInvalid):
            enrol(f"x{number}")
    with pytest.raises(TooManyRequests):
        enrol(made.code)


def test_neither_codes_nor_tokens_are_kept_in_clear(chain: Chain) -> None:
    made = merchants.make_enrolment_code(chain.core, actor=chain.manager, shop=chain.main)
    token = enrolled(chain).token
    with chain.core.transaction() as session:
        kept = "".join(
            str(bytes(value))
            for table, column in (("device", "token_hash"), ("enrolment_code", "code_hash"))
            for value in session.scalars(text(f"SELECT {column} FROM {table}"))
        )
    assert made.code not in kept and token not in kept


def test_a_revoked_device_is_signed_out_and_proves_nothing(chain: Chain) -> None:
    person = chain.hire()
    who = chain.actor(person)
    device = enrolled(chain)
    session, other = chain.session(who), chain.session(who)
    proven = merchants.proven_device(chain.core, cashier=person, token=device.token, strict=False)
    assert proven == device.device.id
    merchants.stand_at_device(chain.core, session=session, device=proven)
    at_till = chain.at_till(who, session)
    assert at_till and at_till.actor.evidence.device_id == str(proven)
    merchants.revoke_device(chain.core, actor=chain.manager, device=proven)
    assert chain.at_till(who, session) is None
    assert chain.at_till(who, other)
    assert not merchants.proven_device(chain.core, cashier=person, token=device.token, strict=False)
    again = merchants.revoke_device(chain.core, actor=chain.manager, device=proven)
    assert again.revoked_at is not None
    assert history(chain.core, proven) == ["device.enrolled", "device.revoked"]


def test_only_the_own_merchants_devices_count(chain: Chain, rival: Chain) -> None:
    theirs = enrolled(rival)
    person = chain.hire()
    who = chain.actor(person)
    assert not merchants.proven_device(chain.core, cashier=person, token=theirs.token, strict=False)
    session = chain.session(who)
    merchants.stand_at_device(chain.core, session=session, device=theirs.device.id)
    at_till = chain.at_till(who, session)
    assert at_till and at_till.actor.evidence.device_id is None
    with pytest.raises(NoSuchThing):
        merchants.revoke_device(chain.core, actor=chain.manager, device=theirs.device.id)
    with pytest.raises(NoSuchThing):
        merchants.revoke_device(chain.core, actor=chain.manager, device=DeviceId(new_id()))


def test_where_only_enrolled_devices_may_redeem_others_may_not_until_it_is_off_again(
    rival: Chain,
) -> None:
    core, manager = rival.core, rival.manager
    without = Chain(rival.world)
    with pytest.raises(NoDeviceEnrolled):
        merchants.require_devices(core, actor=without.manager, required=True)
    device = enrolled(rival)
    merchants.require_devices(core, actor=manager, required=True)
    person = rival.hire()
    who = rival.actor(person)
    with pytest.raises(DeviceNotEnrolled):
        merchants.proven_device(core, cashier=person, token=None, strict=True)
    assert merchants.proven_device(core, cashier=person, token=device.token, strict=True)
    session = rival.session(who)
    assert not allowed(rival, who, session)
    merchants.stand_at_device(core, session=session, device=device.device.id)
    assert allowed(rival, who, session)

    # a manager who lost every device signs in all the same and enrols the next one
    merchants.revoke_device(core, actor=manager, device=device.device.id)
    as_manager = replace(person, role=Role.MANAGER)
    assert merchants.proven_device(core, cashier=as_manager, token=None, strict=True) is None
    own = rival.session(manager)
    assert not allowed(rival, manager, own)
    merchants.enrol_here(
        core, actor=manager, session=own, shop=rival.main, name="店长手机", agent="Safari"
    )
    assert allowed(rival, manager, own)

    merchants.require_devices(core, actor=manager, required=False)
    assert allowed(rival, who, rival.session(who))


def allowed(chain: Chain, who: Actor, session: object) -> bool:
    """Whether a request in the session may redeem."""
    found = chain.at_till(who, session)  # type: ignore[arg-type]
    assert found
    return found.may_redeem


def test_what_a_till_stands_at_is_found_in_the_one_query_of_its_request(chain: Chain) -> None:
    who = chain.actor(chain.hire())
    session = chain.session(who)
    asked: list[str] = []
    listen = ("before_cursor_execute", lambda *given: asked.append(given[2]))
    event.listen(chain.core.engine, *listen)
    assert chain.at_till(who, session)
    event.remove(chain.core.engine, *listen)
    assert len(asked) == 1, asked


def test_of_many_phones_with_the_same_code_one_is_enrolled(chain: Chain) -> None:
    made = merchants.make_enrolment_code(chain.core, actor=chain.manager, shop=chain.main)

    def enrol(number: int) -> bool:
        try:
            merchants.enrol(
                chain.core,
                code=made.code,
                name="手机",
                agent="",
                address_prefix=f"10.6.{number}.0/24",
            )
        except EnrolmentCodeInvalid:
            return False
        return True

    with ThreadPoolExecutor(8) as phones:
        assert sorted(phones.map(enrol, range(8))) == [False] * 7 + [True]
