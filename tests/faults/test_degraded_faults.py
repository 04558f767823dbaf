"""The gate killed or frozen for long, under load: PostgreSQL alone goes on, and gives back.

Residents keep journals of what they were told; the checks read those journals and plain SQL.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from tests.faults.killable import core_on, servers_in
from tests.faults.test_gate_faults import CROWD, QUOTA, THREADS, Crowd, check
from tests.faults.test_outages import kill, start_again
from tests.make import World
from voucher_service.allocation import degraded, upkeep
from voucher_service.allocation import service as allocation
from voucher_service.campaigns.model import Mode, Offer
from voucher_service.infra.core import Core
from voucher_service.infra.embedded.servers import GATE, Servers
from voucher_service.infra.flow import run
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError
from voucher_service.vouchers import service as vouchers
from voucher_service.vouchers.service.remembered import forget

SLOTS = 300_000
EACH = 100
BATCH = 64
BATCHES = 20


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers of this module alone, to be killed."""
    with servers_in(tmp_path_factory.mktemp("degraded-faults")) as running:
        yield running


@pytest.fixture(scope="module")
def core(own: Servers) -> Iterator[Core]:
    """A core on them."""
    with core_on(own, VOUCHER__GATE__STEADY_MS="500") as made:
        yield made


@pytest.fixture(scope="module")
def city(core: Core) -> World:
    """A city on these servers."""
    return World(core)


@pytest.fixture
def offer(city: World, core: Core) -> Offer:
    """An offer whose gate stands."""
    made = city.offer(city.plan(quota=QUOTA))
    vouchers.prepare_gate(core, offer=made.id, refill=False)
    return city.reload(made.id)


class Stream(Crowd):
    """Residents who come one after the other, about sixty in a second."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.came: dict[Any, float] = {}

    def one(self, who: Actor) -> None:
        """One resident's claim, after a while."""
        time.sleep(0.4)
        self.came[who.id] = time.monotonic()
        super().one(who)

    def told_since(self, instant: float) -> int:
        """How many who came after an instant were told that they have one."""
        return sum(self.came[one] > instant for one in tuple(self.told))

    def until(self, true: Callable[[], bool]) -> float:
        """Wait while the others claim; how long, in seconds."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() - began < 60
            time.sleep(0.005)
        return time.monotonic() - began


@contextmanager
def schedule(core: Core) -> Iterator[None]:
    """What the schedule does about the gate, faster: a look each tenth of a second."""
    over, tasks = (
        threading.Event(),
        (
            partial(upkeep.refill_stale, gated=vouchers.GATED),
            upkeep.Watch(vouchers.GATED),
            upkeep.Return(vouchers.GATED),
        ),
    )

    def run_tasks() -> None:
        while not over.wait(0.1):
            for task in tasks:
                try:
                    task(core)
                except DomainError:
                    continue  # the gate is away: the next round tries again

    thread = threading.Thread(target=run_tasks, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def actions(core: Core, offer: Offer) -> list[str]:
    """What the audit trail says of this offer's gate, in order."""
    with core.transaction() as session:
        statement = "SELECT action FROM audit.event WHERE object_id = :id AND action LIKE 'gate.%'"
        return list(session.scalars(text(statement + " ORDER BY id"), {"id": str(offer.id)}))


def outlive(
    core: Core, city: World, offer: Offer, lose: Callable[[], None], find: Callable[[], None]
) -> float:
    """A stream of claims through the loss of the gate, the declared mode and the way back.

    Returns how long nobody was told anything good, in seconds.
    """
    stream = Stream(core, offer, city.residents(CROWD))
    waited = 0.0

    def strike() -> None:
        nonlocal waited
        lose()
        lost = time.monotonic()
        # Whoever was past the gate by then may still be told so; who comes later waits.
        waited = stream.until(lambda: stream.told_since(lost) > 0)
        assert city.reload(offer.id).mode is Mode.DEGRADED, "nothing before it is declared"
        stream.until(lambda: stream.told_since(lost) > 60)
        find()
        found = len(stream.told)
        stream.until(lambda: city.reload(offer.id).mode is Mode.GATE)
        assert len(stream.told) > found, "claims go on meanwhile"

    with schedule(core):
        stream.rush(strike, after=60)
    assert stream.unsure
    assert actions(core, offer)[:2] == ["gate.away", "gate.back"]
    with pytest.MonkeyPatch.context() as patch:
        check(stream, city, patch)
    return waited


def test_a_gate_killed_under_load_is_stood_in_for_by_postgresql(
    own: Servers, core: Core, city: World, offer: Offer, capsys: pytest.CaptureFixture[str]
) -> None:
    waited = outlive(core, city, offer, lambda: kill(own, GATE), lambda: start_again(own, GATE))
    with capsys.disabled():
        print(f"\ngate killed for good, first claim from PostgreSQL alone: {waited:.2f} s")  # noqa: T201 - a figure


def test_a_gate_frozen_under_load_is_stood_in_for_by_postgresql(
    own: Servers, core: Core, city: World, offer: Offer, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = own.children[GATE].pid
    assert gate is not None
    try:
        waited = outlive(
            core,
            city,
            offer,
            lambda: os.kill(gate, signal.SIGSTOP),
            lambda: os.kill(gate, signal.SIGCONT),
        )
    finally:
        os.kill(gate, signal.SIGCONT)
    with capsys.disabled():
        print(f"\ngate frozen, first claim from PostgreSQL alone: {waited:.2f} s")  # noqa: T201 - a figure


def hold(core: Core, offer: Offer, residents: list[Actor], slots: str) -> None:
    """Slots held already; `slots` is what SQL makes of the n-th row."""
    with core.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = '1min'"))
        session.execute(
            text(
                "INSERT INTO voucher (id, offer_id, release_id, release_quota, slot, resident_id,"
                " ordinal, generation, epoch, holds_slot, claim_key_hash, occurred_at,"
                " face_value_fen, spent_fen, status, valid_from, valid_until, code_ref)"
                f" SELECT gen_random_uuid(), :offer, :release, :quota, {slots},"
                " (CAST(:residents AS uuid[]))[(n - 1) / :each + 1], (n - 1) % :each + 1, 1, 1,"
                " true, sha256(uuid_send(gen_random_uuid())), clock_timestamp(), 100, 0,"
                " 'claimed', clock_timestamp(), clock_timestamp() + interval '7 days',"
                " ('x' || left(md5(gen_random_uuid()::text), 15))::bit(60)::bigint"
                " FROM generate_series(1, :held) AS n"
            ),
            {
                "offer": offer.id,
                "release": offer.releases[0].id,
                "quota": SLOTS,
                "residents": [one.id for one in residents],
                "each": EACH,
                "held": SLOTS // 2,
            },
        )


@pytest.mark.parametrize(("spread", "slots"), [("every other", "n * 2")])
def test_how_many_claims_a_second_postgresql_alone_takes_in_a_large_offer(
    core: Core, city: World, spread: str, slots: str, capsys: pytest.CaptureFixture[str]
) -> None:
    offer = city.offer(city.plan(quota=SLOTS, limit=EACH, face=1, threshold=10))
    hold(core, offer, city.residents(SLOTS // 2 // EACH), slots)
    run(core, allocation.entering(offer=offer))
    forget(offer.id)
    asks = [vouchers.Request(one, "k") for one in city.residents(BATCH * BATCHES)]
    batches = [asks[first : first + BATCH] for first in range(0, len(asks), BATCH)]
    took = []
    for batch in batches:
        began = time.monotonic()
        answers = vouchers.claim_many(core, offer=offer.id, requests=batch)
        took.append(time.monotonic() - began)
        assert not [one for one in answers if isinstance(one, DomainError)]
    rate = BATCH * (BATCHES - 1) / sum(took[1:])
    with ThreadPoolExecutor(THREADS) as crowd:
        again = list(
            crowd.map(lambda one: vouchers.claim_many(core, offer=offer.id, requests=one), batches)
        )
    assert all(not isinstance(one, DomainError) and one.replayed for some in again for one in some)
    with capsys.disabled():
        print(  # noqa: T201 - figures
            f"\n{SLOTS:,} slots, {spread} held, batches of {BATCH}: {rate:,.0f} claims/s from"
            f" PostgreSQL alone; the first batch {took[0] * 1000:.0f} ms"
        )
    assert rate > 100
    degraded.answered()
