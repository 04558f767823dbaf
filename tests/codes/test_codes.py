"""The three forms of a code: each opens its voucher, none opens anything once tampered with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.codes.attack import Outcome, attack, read, stock
from tests.codes.mutants import KINDS, Stock
from tests.make import World
from voucher_service.infra.core import Core, with_clock
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import Clock
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers import short_code
from voucher_service.vouchers.code import CodeExpired, CodeInvalid
from voucher_service.vouchers.model import (
    IdLastFourNeeded,
    IdLastFourWrong,
    PaperNotOffered,
    Voucher,
)

COUNT = 20_000


@pytest.fixture(scope="module")
def still(core: Core, world: World) -> Core:
    """The module's servers at one instant: a live code stays one."""
    return with_clock(core, Clock(world.now()))


@pytest.fixture(scope="module")
def live(still: Core) -> Stock:
    """Vouchers on residents' screens and on paper."""
    return stock(World(still), 40)


def test_no_tampered_code_is_accepted(still: Core, live: Stock) -> None:
    outcome: Outcome = attack(still, live, count=COUNT, seed=7)
    assert outcome.accepted == []
    assert outcome.tried == COUNT
    assert set(outcome.refused) == {kind.__name__ for kind in KINDS}


def test_each_form_of_a_live_code_opens_its_voucher(still: Core, live: Stock) -> None:
    with still.transaction() as session:
        for one in live.live:
            for text in one.texts:
                assert read(still, session, text).code_ref == one.code_ref


def test_a_typed_code_lives_as_long_as_the_qr_beside_it(still: Core, live: Stock) -> None:
    one, seconds = live.live[0], still.settings.till.code_window_seconds
    for windows in (-1, 0, 1):
        later = with_clock(still, moved(still, windows * seconds))
        with later.transaction() as session:
            assert read(later, session, one.short).code_ref == one.code_ref
            assert read(later, session, one.long).code_ref == one.code_ref
    for windows in (2, 5, 19):
        later = with_clock(still, moved(still, windows * seconds))
        with later.transaction() as session, pytest.raises(CodeExpired):
            read(later, session, one.short)
    much_later = with_clock(still, moved(still, 1_000 * seconds))
    with much_later.transaction() as session, pytest.raises(CodeInvalid):
        read(much_later, session, one.short)


def test_a_typed_code_is_used_once_and_tells_nothing_of_the_next(still: Core, live: Stock) -> None:
    one = live.live[0]
    with still.transaction() as session:
        first, again = (read(still, session, one.short) for _ in range(2))
    assert first.nonce == again.nonce
    following = [
        short_code.make(still.keyring, code_ref=one.code_ref, window=one.window + ahead)
        for ahead in range(200)
    ]
    assert len({text[:5] for text in following}) == len(following)
    assert set("".join(following)) <= set(short_code.ALPHABET)


def test_codes_of_the_key_before_the_newest_are_read(still: Core, live: Stock) -> None:
    one = live.live[0]
    settings = still.settings
    both = replace(settings.secrets, code_keys=f"9:new,{settings.secrets.code_keys}")
    rotated = replace(still, settings=replace(settings, secrets=both))
    with rotated.transaction() as session:
        for text in one.texts:
            assert read(rotated, session, text).code_ref == one.code_ref
    made = {short_code.make(each.keyring, code_ref=1, window=1) for each in (rotated, still)}
    assert len(made) == 2
    rotated.close()


def test_a_print_is_for_who_knows_how_the_holders_number_ends(core: Core, world: World) -> None:
    voucher = printed_offer(world)
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    made = vouchers.print_voucher(core, actor=owner, voucher=voucher.id)
    with core.transaction() as session:
        found = read(core, session, made.text)
        given = {"keyring": core.keyring, "read": found, "voucher": voucher}
        for missing in (None, ""):
            with pytest.raises(IdLastFourNeeded):
                vouchers.check_holder(session, id_last_four=missing, **given)
        right = number_of(core, voucher)[-4:]
        for wrong in ("0000" if right != "0000" else "1111", right[:3], right + "1", "一二三四"):
            with pytest.raises(IdLastFourWrong):
                vouchers.check_holder(session, id_last_four=wrong, **given)
        vouchers.check_holder(session, id_last_four=right, **given)
        shown = read(core, session, world.code(voucher))
        vouchers.check_holder(
            session, keyring=core.keyring, read=shown, voucher=voucher, id_last_four=None
        )


def test_a_new_print_makes_the_one_before_void(core: Core, world: World) -> None:
    voucher = printed_offer(world)
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    assert vouchers.newest_print(core, actor=owner, voucher=voucher.id) is None
    first = vouchers.print_voucher(core, actor=owner, voucher=voucher.id)
    assert vouchers.newest_print(core, actor=owner, voucher=voucher.id) == first
    second = vouchers.print_voucher(core, actor=owner, voucher=voucher.id)
    with core.transaction() as session:
        with pytest.raises(CodeExpired):
            read(core, session, first.text)
        assert read(core, session, second.text).code_ref == voucher.code_ref


def test_only_what_the_offer_allows_is_printed(core: Core, world: World) -> None:
    voucher = world.claim(world.offer())
    owner = Actor(ActorKind.RESIDENT, voucher.resident_id)
    with pytest.raises(PaperNotOffered):
        vouchers.print_voucher(core, actor=owner, voucher=voucher.id)


def printed_offer(world: World) -> Voucher:
    """A voucher of an offer that is printed."""
    return world.claim(world.offer(replace(world.plan(), paper=True)))


def number_of(core: Core, voucher: Voucher) -> str:
    """The number of the holder's document, in clear."""
    from voucher_service.identity.service.residents import bound
    from voucher_service.identity.tables import ResidentRow

    with core.transaction() as session:
        row = session.get(ResidentRow, voucher.resident_id)
        assert row is not None and row.id_number_cipher is not None
        return core.keyring.decrypt(row.id_number_cipher, bound_to=bound(row.id, "id_number"))


def moved(core: Core, seconds: int) -> Clock:
    """The core's instant, moved."""
    assert core.clock.at is not None
    return Clock(core.clock.at + timedelta(seconds=seconds))
