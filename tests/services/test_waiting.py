"""The line before a claim: random for who came early, in order for who came late, and kept."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from tests.make import World
from voucher_service.allocation.model import LimitReached, SoldOut
from voucher_service.campaigns.model import Offer, ReleasePlan
from voucher_service.identity.model import IdentityRequired
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, ActorKind
from voucher_service.kernel.clock import Clock
from voucher_service.kernel.errors import NoSuchThing, TryAgain
from voucher_service.kernel.ids import OfferId, ResidentId, new_id
from voucher_service.vouchers import service as vouchers
from voucher_service.waiting import room as room_module
from voucher_service.waiting import service as waiting
from voucher_service.waiting.model import Line, Opening, State, Ticket, opening, place_of, ticket_of
from voucher_service.waiting.room import Room


@pytest.fixture
def city(clock_core: Core) -> World:
    return World(clock_core)


@pytest.fixture
def later(clock: Clock) -> Callable[[float], None]:
    """Let seconds pass."""

    def pass_(seconds: float) -> None:
        assert clock.at is not None
        clock.set(clock.at + timedelta(seconds=seconds))

    return pass_


def lined(city: World, *, quota: int = 10, limit: int = 1, opens_in: int = 600) -> Offer:
    """An offer with a line, by default ten minutes before its opening."""
    opens = city.now() + timedelta(seconds=opens_in)
    return city.offer(
        replace(city.plan(quota=quota, limit=limit, opens_at=opens), waiting_room=True)
    )


def ask(city: World, offer: Offer, who: Actor, key: str = "k") -> Ticket | None:
    """What stands before a claim."""
    return waiting.before_claim(city.core, actor=who, offer=offer.id, key=key, proof=None)


def look(city: World, offer: Offer, who: Actor) -> Ticket:
    """The resident's ticket."""
    return waiting.ticket(city.core, actor=who, offer=offer.id)


def first_of(offer: Offer) -> Opening:
    """The first opening of an offer."""
    return Opening(offer.releases[0].opens_at, offer.releases[0].quota)


def room_of(city: World, offer: Offer) -> Room:
    """The line of the first opening."""
    return Room(city.core, offer.id, first_of(offer))


def someone() -> ResidentId:
    return ResidentId(new_id())


def test_an_offer_without_the_switch_has_no_line(city: World) -> None:
    offer, who = city.offer(), city.resident()
    assert ask(city, offer, who) is None
    with pytest.raises(NoSuchThing):
        look(city, offer, who)


def test_who_comes_before_the_opening_waits_and_then_has_a_turn(
    city: World, later: Callable[[float], None]
) -> None:
    offer, who = lined(city), city.resident()
    ticket = ask(city, offer, who)
    assert ticket is not None and ticket.state is State.WAITING and not ticket.drawn
    assert ticket.opens_at == offer.releases[0].opens_at
    later(600)
    assert look(city, offer, who).state is State.WAITING  # the places are drawn a moment later
    later(3)
    assert look(city, offer, who).state is State.YOUR_TURN
    assert ask(city, offer, who) is None
    assert city.claim(offer, who, "k").resident_id == who.id


def test_nobody_claims_more_than_half_an_hour_early_or_after_the_end(
    city: World, later: Callable[[float], None]
) -> None:
    offer, who = lined(city, opens_in=3_600), city.resident()
    assert ask(city, offer, who) is None  # the claim itself says when it opens
    with pytest.raises(NoSuchThing):
        look(city, offer, who)
    later((offer.releases[0].closes_at - city.now()).total_seconds() + 1)
    assert ask(city, offer, who) is None
    assert look(city, offer, who).state is State.CLOSED


def test_early_ones_stand_in_an_order_that_only_the_seed_knows() -> None:
    chance = Random(7)
    firsts: Counter[int] = Counter()
    orders = set()
    for _ in range(1_000):
        places = drawn(chance.randbytes(16).hex(), 10)
        firsts[places.index(1)] += 1
        orders.add(tuple(places[:3]))
    chi_square = sum((firsts[one] - 100) ** 2 / 100 for one in range(10))
    assert chi_square < 27.88  # nine degrees of freedom, one in a thousand
    assert len(orders) > 500  # of 720


@pytest.mark.parametrize("early", [1, 2, 3, 255, 257, 3_000])
def test_every_place_is_given_once(early: int) -> None:
    places = drawn("5eed" * 8, early)
    assert sorted(places) == list(range(1, early + 1))


def drawn(seed: str, early: int) -> list[int]:
    """The places of those who came early, in the order in which they came."""
    return [place_of(Line(-n, 0, 0, seed, early, 0)) for n in range(1, early + 1)]


def test_late_ones_stand_behind_the_early_ones_in_the_order_in_which_they_came(
    city: World, later: Callable[[float], None]
) -> None:
    offer = lined(city)
    room = room_of(city, offer)
    for _ in range(50):
        room.join(someone())
    later(603)
    assert [room.join(someone()).place for _ in range(3)] == [51, 52, 53]


def test_asking_again_keeps_the_place_also_over_another_process(
    city: World, later: Callable[[float], None]
) -> None:
    offer, who = lined(city), city.resident()
    elsewhere = Core(city.core.settings, city.core.clock)
    room = room_of(city, offer)
    for _ in range(200):
        room.join(someone())
    first = ask(city, offer, who)
    later(602)
    place = look(city, offer, who)
    again = waiting.before_claim(elsewhere, actor=who, offer=offer.id, key="k", proof=None)
    assert first is not None and again is not None
    assert first.ticket == again.ticket == place.ticket
    assert again.position == place.position == look(city, offer, who).position
    elsewhere.close()


def test_anothers_ticket_is_of_no_use(city: World, later: Callable[[float], None]) -> None:
    offer, mine, other = lined(city), city.resident(), city.resident()
    ask(city, offer, mine)
    later(700)
    assert look(city, offer, mine).state is State.YOUR_TURN
    with pytest.raises(NoSuchThing):
        look(city, offer, other)
    assert ask(city, offer, other) is not None  # has to stand in the line first


def test_when_all_are_gone_whoever_waits_hears_it_at_the_next_look(
    city: World, later: Callable[[float], None]
) -> None:
    offer, crowd = lined(city, quota=2), city.residents(5)
    for who in crowd:
        ask(city, offer, who)
    later(603)
    served = [who for who in crowd if look(city, offer, who).state is State.YOUR_TURN]
    assert len(served) <= 4  # about as far as the quota
    for who in (served + [who for who in crowd if who not in served])[:2]:
        city.claim(offer, who, "k")
    assert {look(city, offer, who).state for who in crowd} == {State.CLOSED}
    last = crowd[-1]
    assert ask(city, offer, last) is None  # the claim itself says so, with the next opening
    with pytest.raises((SoldOut, LimitReached)):
        city.claim(offer, last, "other")


def test_the_line_goes_no_further_than_the_quota_in_the_first_minute_then_twice_as_far(
    city: World, later: Callable[[float], None]
) -> None:
    offer = lined(city, quota=100)
    room, one = room_of(city, offer), someone()
    room.join(one)
    later(602.1)
    room.look(one)
    assert room.look(one).served == 50  # 500 in a second
    served = []
    for _ in range(3):
        later(59)
        served.append(room.look(one).served)
        later(1)
    assert served == [100, 200, 400]


def test_who_stands_further_back_asks_again_later_and_not_all_at_once(
    city: World, later: Callable[[float], None]
) -> None:
    offer = lined(city, quota=10_000)
    room = room_of(city, offer)
    later(600)
    crowd = [someone() for _ in range(200)]
    for one in crowd:
        room.join(one)
    later(2)
    line = room.look(crowd[0])
    settings = city.core.settings.waiting

    def poll(place: int, chance: float) -> int:
        told = replace(line, place=place)
        ticket = ticket_of(told, crowd[0], first_of(offer), settings, lambda: chance)
        return ticket.poll_after_seconds

    assert [poll(place, 0.5) for place in (1, 1_000, 5_000, 9_000)] == [1, 2, 10, 18]
    assert {poll(200_000, chance) for chance in (0.0, 0.5, 1.0)} == {24, 30, 36}


def test_a_lost_line_begins_again_and_nobody_loses_a_voucher(
    city: World, later: Callable[[float], None]
) -> None:
    offer, crowd = lined(city), city.residents(3)
    for who in crowd:
        ask(city, offer, who)
    later(603)
    mine = city.claim(offer, crowd[0], "k")
    for key in city.core.gate.scan_iter(f"line:{{{offer.id.hex}}}*"):
        city.core.gate.delete(key)
    for who in crowd[1:]:
        with pytest.raises(NoSuchThing):
            look(city, offer, who)
        assert ask(city, offer, who) is not None
    later(3)
    assert {look(city, offer, who).state for who in crowd[1:]} == {State.YOUR_TURN}
    assert ask(city, offer, crowd[0]) is None  # who has all is not made to wait for hearing so
    again = vouchers.claim(city.core, actor=crowd[0], offer=offer.id, key="k")
    assert (again.value.id, again.replayed) == (mine.id, True)


def test_without_the_gate_the_line_lets_nobody_through(city: World) -> None:
    offer, who = lined(city, opens_in=60), city.resident()
    settings = replace(
        city.core.settings,
        gate=replace(city.core.settings.gate, url="redis://127.0.0.1:9/0", timeout_ms=200),
    )
    away = Core(settings, city.core.clock)
    with closing(away), pytest.raises(TryAgain):
        waiting.before_claim(away, actor=who, offer=offer.id, key="k", proof=None)


def test_who_may_not_claim_gets_no_place(city: World) -> None:
    offer = lined(city)
    with pytest.raises(IdentityRequired):
        ask(city, offer, Actor(ActorKind.RESIDENT, UUID(int=1)))


def test_asks_in_the_last_half_hour_are_for_the_opening_to_come(
    city: World, later: Callable[[float], None]
) -> None:
    now = city.now()
    plan = replace(city.plan(quota=4), waiting_room=True)
    opens = [now - timedelta(hours=1), now + timedelta(hours=2)]
    offer = city.offer(replace(plan, releases=tuple(ReleasePlan(at, 2) for at in opens)))
    early, late = city.residents(2)
    first = ask(city, offer, early)
    assert first is not None and first.opens_at == opens[0]
    later(7_000)
    second = ask(city, offer, late)
    assert second is not None and second.opens_at == opens[1]


def test_openings_close_to_each_other_share_the_time_between_them(
    city: World, later: Callable[[float], None]
) -> None:
    opens = [city.now() + timedelta(minutes=n) for n in (1, 11)]
    releases = (ReleasePlan(opens[0], 2), ReleasePlan(opens[0], 3), ReleasePlan(opens[1], 5))
    offer = city.offer(replace(city.plan(quota=10), waiting_room=True, releases=releases))
    lobby = timedelta(minutes=30)
    met = []
    for _ in range(5):
        met.append(opening(city.reload(offer.id), city.now(), lobby))
        later(120)
    first, second = Opening(opens[0], 5), Opening(opens[1], 5)
    assert met == [first, first, first, second, second]


def test_a_waiting_resident_costs_less_than_a_hundred_bytes(core: Core) -> None:
    count = 12_000
    room = Room(core, OfferId(new_id()), Opening(World(core).now() + timedelta(hours=1), 100))
    before = int(core.gate.info("memory")["used_memory"])
    for _ in range(count):
        room.join(someone())
    each = (int(core.gate.info("memory")["used_memory"]) - before) / count
    assert 5 < each < 100


def test_bots_win_no_more_than_their_share(
    city: World, later: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 % of the verified residents are bots: first to come, and asking every second."""
    chance, quota = Random(11), 1_500
    # Of draws that are just, one in 160 gives the people a tenth more or less than their share.
    monkeypatch.setattr(room_module.secrets, "token_hex", lambda size: chance.randbytes(size).hex())
    offer = lined(city, quota=quota, opens_in=60)
    room = room_of(city, offer)
    bots, people = [someone() for _ in range(2_400)], [someone() for _ in range(600)]
    for one in itertools.chain(bots, people):
        room.join(one)
    later(62)
    asks_at = dict.fromkeys(bots, 0.0) | {one: chance.uniform(0, 36) for one in people}
    won = _play(room, asks_at, quota, later)
    share = sum(one in set(people) for one in won) / quota
    assert len(won) == quota
    assert 0.9 < share / 0.2 < 1.1


def _play(
    room: Room,
    asks_at: dict[ResidentId, float],
    quota: int,
    later: Callable[[float], None],
) -> Sequence[ResidentId]:
    """Who gets a voucher when everybody claims at the first look that says it is their turn."""
    won: list[ResidentId] = []
    places = {one: place_of(room.look(one)) for one in asks_at}
    waiting_still = sorted(asks_at, key=asks_at.__getitem__)
    for second in range(600):
        served = room.look(waiting_still[0]).served
        turn = [one for one in waiting_still if asks_at[one] <= second and places[one] <= served]
        won += turn[: quota - len(won)]
        if len(won) == quota:
            break
        gone = set(turn)
        waiting_still = [one for one in waiting_still if one not in gone]
        later(1)
    return won


def test_a_core_on_the_servers_clock_draws_by_the_gates_clock(core: Core, world: World) -> None:
    plan = replace(world.plan(), waiting_room=True)
    offer, who = world.offer(plan), world.resident()
    at_once = replace(core.settings.waiting, draw_seconds=0)
    with closing(Core(replace(core.settings, waiting=at_once), core.clock)) as quick:

        def ask() -> Ticket | None:
            return waiting.before_claim(quick, actor=who, offer=offer.id, key="k", proof=None)

        first = ask()
        assert first is not None
        while waiting.ticket(quick, actor=who, offer=offer.id).state is State.WAITING:
            time.sleep(0.01)
        assert ask() is None
